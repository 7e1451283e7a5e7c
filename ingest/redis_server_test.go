package ingest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/syslog"
	"sluice/syslog/freeport"
)

// patience is how long a test waits for what should happen soon.
const patience = 20 * time.Second

// A redisServer is a real one on a port of its own.
type redisServer struct {
	*redis.Client
	t      testing.TB
	port   string
	socket string
	args   []string
	cmd    *exec.Cmd
}

// needs skips a test whose program is missing; in CI it fails.
func needs(t testing.TB, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: apt-get install %s", program, pkg)
	}
	t.Skipf("%s is missing: apt-get install %s", program, pkg)
}

// startRedis starts a server that keeps nothing on disk. args are those of redis-server.
func startRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	needs(t, "redis-server", "redis-server")
	dir, err := os.MkdirTemp("", "redis") // a socket's path is short
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &redisServer{t: t, port: freeport.New(t), socket: filepath.Join(dir, "s")}
	s.args = append([]string{"--port", s.port, "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", dir, "--save", ""}, args...)
	s.start()
	s.Client = redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: 5, Protocol: 2})
	t.Cleanup(func() { s.Client.Close(); s.kill() })
	return s
}

func (s *redisServer) addr() string { return "127.0.0.1:" + s.port }

// start returns when the server takes connections.
func (s *redisServer) start() {
	s.t.Helper()
	s.cmd = runUntil(s.t, "eady to accept connections", "redis-server", s.args...)
}

// runUntil starts a program and returns when it has said something on standard output.
func runUntil(t testing.TB, ready, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	fatal(t, err)
	cmd.Stderr = cmd.Stdout
	fatal(t, cmd.Start())
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), ready) {
			go io.Copy(io.Discard, out)
			return cmd
		}
	}
	cmd.Wait()
	t.Fatalf("%s ended:\n%s", program, said.String())
	return nil
}

// kill ends the server as a crash does.
func (s *redisServer) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	}
}

// do gives the server a command.
func (s *redisServer) do(args ...any) any {
	s.t.Helper()
	v, err := s.Do(s.t.Context(), args...).Result()
	if err != nil && err != redis.Nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return v
}

// A sink is a Handler that keeps what it is given: channel and text of each message.
type sink struct {
	mu      sync.Mutex
	changed *sync.Cond
	lines   []string
	last    syslog.Message
	origin  syslog.Origin

	before func(*syslog.Batch)
	target syslog.Target // marked with each batch
}

func newSink() *sink {
	s := &sink{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *sink) Handle(b *syslog.Batch) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Messages {
		m := &b.Messages[i]
		line := fmt.Sprintf("%s %s", m.Channel, m.Text())
		if m.Guess&syslog.Truncated != 0 {
			line += " [cut]"
		}
		s.lines = append(s.lines, line)
		s.last, s.origin = *m, *m.Origin
	}
	if s.target != nil {
		b.Feed.Mark(s.target, uint64(len(s.lines)))
	}
	s.changed.Broadcast()
}

// mark has the feeds of what comes from now on marked with t.
func (s *sink) mark(t syslog.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = t
}

// first calls f with each batch that comes from now on, before it is kept.
func (s *sink) first(f func(*syslog.Batch)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// wait waits for n messages and returns all there are.
func (s *sink) wait(t testing.TB, n int) []string {
	t.Helper()
	timer := time.AfterFunc(patience, s.changed.Broadcast)
	defer timer.Stop()
	start := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.lines) < n {
		if time.Since(start) > patience {
			t.Fatalf("%d messages came, not %d: %.200q", len(s.lines), n, s.lines)
		}
		s.changed.Wait()
	}
	return slices.Clone(s.lines)
}

// eventually waits until is is true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if is() {
			return
		}
	}
	t.Fatalf("%s: did not come", what)
}

// A redisFixture is a running input and its sink.
type redisFixture struct {
	*Redis
	sink *sink
	logs *logbook
	stop func() // and wait until Run has returned
}

// openRedis runs an input until the test ends.
func openRedis(t testing.TB, url string, set func(*RedisConfig)) *redisFixture {
	t.Helper()
	f := &redisFixture{sink: newSink(), logs: newLogbook()}
	a, err := ParseRedisAddress(url, false)
	fatal(t, err)
	cfg := RedisConfig{RedisOptions: DefaultRedisOptions(), Address: a}
	cfg.Setting = Setting{Name: "queue", Hostname: "web1", Zone: time.UTC, Handler: f.sink, Log: slog.New(slog.NewTextHandler(f.logs, nil))}
	set(&cfg)
	f.Redis, err = NewRedis(cfg)
	fatal(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	f.stop = func() { cancel(); <-done }
	t.Cleanup(f.stop)
	return f
}

// ready waits until the input reads.
func (f *redisFixture) ready(t testing.TB) {
	t.Helper()
	f.connected(t, 1)
}

// connected waits until the input reads over n connections.
func (f *redisFixture) connected(t testing.TB, n int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d connections", n), func() bool { return f.counters.Connections.Load() == n })
}
