package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// A soakRedis is a real server that keeps what it acknowledged, and can be ended and started again.
type soakRedis struct {
	dir, host string
	client    *redis.Client
	cmd       *exec.Cmd
}

func newSoakRedis(dir, host string) (*soakRedis, error) {
	r := &soakRedis{dir: dir, host: host}
	r.client = redis.NewClient(&redis.Options{Addr: host + ":6379", Protocol: 2, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: 5 * time.Second})
	return r, r.up()
}

func (r *soakRedis) up() error {
	r.cmd = exec.Command("redis-server", "--port", "6379", "--bind", r.host, "--save", "", "--dir", r.dir, "--appendonly", "yes", "--appendfsync", "always")
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; { // it reads its file first
		err := r.client.Ping(context.Background()).Err()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (r *soakRedis) down(s syscall.Signal) {
	r.cmd.Process.Signal(s)
	r.cmd.Wait()
}

// hang keeps the server from answering for a while.
func (r *soakRedis) hang(d time.Duration) error {
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	<-time.After(d)
	return r.cmd.Process.Signal(syscall.SIGCONT)
}

// disconnect ends all connections but the one that asks for it.
func (r *soakRedis) disconnect() error {
	return r.client.Do(context.Background(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err()
}

// compact makes the server's file small again. It does so itself when that has doubled, but forgets at each start.
func (r *soakRedis) compact() { r.client.BgRewriteAOF(context.Background()) }

// read says what the group has still to read or to acknowledge, if anything, and trims the stream behind that.
func (r *soakRedis) read() error {
	ctx := context.Background()
	stream, err := r.client.XInfoStream(ctx, "numbers").Result()
	if err != nil {
		return err
	}
	groups, err := r.client.XInfoGroups(ctx, "numbers").Result()
	if err != nil || len(groups) != 1 {
		return errors.Join(err, errors.New("the stream has no group"))
	}
	oldest := groups[0].LastDeliveredID
	pending, err := r.client.XPending(ctx, "numbers", groups[0].Name).Result()
	if err != nil {
		return err
	}
	if pending.Count > 0 {
		oldest = pending.Lower
	}
	if err := r.client.XTrimMinID(ctx, "numbers", oldest).Err(); err != nil {
		return err
	}
	if pending.Count > 0 || groups[0].LastDeliveredID != stream.LastGeneratedID {
		return fmt.Errorf("redis has %d entries that wait for their acknowledgement, and was read to %s of %s", pending.Count, groups[0].LastDeliveredID, stream.LastGeneratedID)
	}
	return nil
}
