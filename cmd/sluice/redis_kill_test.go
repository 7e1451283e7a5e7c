package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/syslog/freeport"
)

// startRedis starts a real server that keeps nothing, until the test ends.
func startRedis(t testing.TB, options ...string) (addr string, client *redis.Client) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("redis-server is missing: apt-get install redis-server")
	}
	addr = freeport.Address(t)
	cmd := exec.Command("redis-server", append([]string{"--port", portOf(addr), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, options...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client = redis.NewClient(&redis.Options{Addr: addr, Protocol: 2})
	t.Cleanup(func() { client.Close(); cmd.Process.Kill(); cmd.Wait() })
	for end := time.Now().Add(patience); client.Ping(t.Context()).Err() != nil; {
		if time.Now().After(end) {
			t.Fatal("redis-server did not come up")
		}
	}
	return addr, client
}

// The daemon is killed 20 times while a program adds to a stream, and loses none: what it had read and not written is
// read again. Some come twice.
func TestStreamSurvivesKills(t *testing.T) {
	const kills, batch = 20, 500
	addr, client := startRedis(t)
	dir := t.TempDir()
	config, out := filepath.Join(dir, "sluice.yaml"), filepath.Join(dir, "out.log")
	text := fmt.Sprintf("{state_dir: ./state, inputs: [{redis: 'redis://%s', streams: ulog, consumer: me}], rules: [{to: {file: ./out.log, format: message}}]}", addr)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func() *exec.Cmd {
		cmd := exec.Command(self, "run", "-c", config)
		cmd.Args[0] = "sluice"
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	size := func() int64 {
		info, err := os.Stat(out)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	added := 0
	add := func() {
		pipe := client.Pipeline()
		for range batch {
			pipe.Do(t.Context(), "XADD", "ulog", "*", "msg", fmt.Sprintf("message %06d", added))
			added++
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range kills {
		before := size()
		cmd := run()
		add()
		for end := time.Now().Add(patience); size() == before; waitForChange(dir) {
			if time.Now().After(end) {
				cmd.Process.Kill()
				t.Fatal("nothing was written")
			}
		}
		add() // so that it is in the midst of something
		cmd.Process.Kill()
		cmd.Wait()
	}
	last := run()
	defer func() { last.Process.Kill(); last.Wait() }()
	var seen map[string]int
	for end := time.Now().Add(patience); time.Now().Before(end) && len(seen) < added; waitForChange(dir) {
		written, _ := os.ReadFile(out)
		seen = map[string]int{}
		for line := range bytes.Lines(written) {
			if l := strings.TrimSuffix(string(line), "\n"); len(l) == len("message 000000") && len(l) < len(line) {
				seen[l]++
			}
		}
	}
	twice := 0
	for _, n := range seen {
		twice += n - 1
	}
	t.Logf("%d messages over %d kills: %d came again", added, kills, twice)
	for i := range added {
		if line := fmt.Sprintf("message %06d", i); seen[line] == 0 {
			t.Errorf("%s is lost", line)
		}
	}
}
