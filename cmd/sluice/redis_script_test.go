package main

import (
	"bufio"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/syslog/freeport"
)

// A testRedis is the redis-server of one script.
type testRedis struct{ cmd *exec.Cmd }

type redisKey struct{}

// redisCommand is the command redis of scripts.
func redisCommand(ts *testscript.TestScript, neg bool, args []string) {
	r, ok := ts.Value(redisKey{}).(*testRedis)
	if neg || len(args) == 0 || !ok {
		ts.Fatalf("usage: redis start [OPTION..] | redis kill")
	}
	switch args[0] {
	case "start":
		if ts.Getenv("REDISPORT") == "" {
			ts.Setenv("REDISPORT", freeport.New(ts))
			ts.Defer(r.kill)
		}
		options := []string{"--port", ts.Getenv("REDISPORT"), "--bind", "127.0.0.1", "--dir", ts.MkAbs("."), "--save", ""}
		r.cmd = exec.Command("redis-server", append(options, args[1:]...)...)
		out, err := r.cmd.StdoutPipe()
		ts.Check(err)
		ts.Check(r.cmd.Start())
		said := bufio.NewScanner(out)
		for said.Scan() {
			if strings.Contains(said.Text(), "eady to accept connections") {
				return
			}
		}
		ts.Fatalf("redis-server did not come up")
	case "kill":
		r.kill()
	default:
		ts.Fatalf("redis %s?", args[0])
	}
}

// kill ends the server as a crash does.
func (r *testRedis) kill() {
	if r.cmd != nil && r.cmd.ProcessState == nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	}
}
