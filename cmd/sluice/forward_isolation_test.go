package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// Beside a target whose collector is dead, its memory and its spool full, a file goes on at the speed it has without it, and
// so does a local socket.
func TestForwardIsolation(t *testing.T) {
	const messages = 100_000
	fileTime := func(dead string) time.Duration {
		dir := t.TempDir()
		p := run(t, dir, "conf", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0", "unixgram://./log.sock"], rules: [`+dead+`
  {match: {app_name: local}, to: ./local, stop: true}, {match: {app_name: count}, to: ./out}]}`)
		spent := time.Duration(1 << 62)
		for n := range 3 { // the first fills what can be filled
			start := time.Now()
			var local, load *exec.Cmd
			load = asSluice(t, "send", "-q", "--to", "tcp://"+p.address["tcp"], "-t", "count", "--count", fmt.Sprint(messages), "--size", "200")
			local = asSluice(t, "send", "-q", "--to", "unixgram://"+dir+"/log.sock", "-t", "local", "--count", "5000")
			for _, cmd := range []*exec.Cmd{load, local} {
				cmd.Stderr = os.Stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
			}
			for _, cmd := range []*exec.Cmd{load, local} {
				if err := cmd.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			poll(t, func() error {
				if out, local := countLines(dir+"/out"), countLines(dir+"/local"); out < (n+1)*messages || local < (n+1)*5000 {
					return fmt.Errorf("%d and %d lines", out, local)
				}
				return nil
			})
			if n > 0 {
				spent = min(spent, time.Since(start))
			}
		}
		if dead != "" {
			p.says("messages dropped")
		}
		return spent
	}
	alone := fileTime("")
	beside := fileTime(`{to: {forward: "tcp://` + freeport.Address(t) + `", queue: {memory: 1MiB, spool: 8MiB, when_full: drop_oldest}}},`)
	stuck := fileTime(`{to: {forward: "tcp://` + neverReads(t) + `", timeout: {write: 2s}, queue: {memory: 1MiB, spool: 8MiB, when_full: drop_oldest}}},`)
	t.Logf("alone %s, beside a dead collector %s, beside one that never reads %s", alone, beside, stuck)
	// They also have the dead one's messages to format and its spool to write; ten times is for a busy machine, where a
	// wait of a second for each batch would be a thousand times.
	if limit := 10*alone + time.Second; beside > limit || stuck > limit {
		t.Error("the others are slowed down")
	}
}

// neverReads is the address of a collector that takes a connection, and then nothing.
func neverReads(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String() // the kernel takes it
}

// rsyslogd is ended and started ten times while numbered messages come, five times with SIGTERM and five times with
// SIGKILL. All that sluice gave a receipt for is in its file at the end.
func TestForwardToRestartedRsyslogd(t *testing.T) {
	const restarts, count = 10, 2000
	dir, address := t.TempDir(), freeport.Address(t)
	r := newRsyslogd(t, dir, "rsyslog", `module(load="imtcp")
input(type="imtcp" port="`+portOf(address)+`" address="127.0.0.1")
template(name="bare" type="string" string="%rawmsg%\n")
*.* action(type="omfile" file="`+dir+`/out" template="bare" asyncWriting="off" flushOnTXEnd="on")
`)
	r.start()
	p := run(t, dir, "sluice.yaml", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tcp://`+address+`", retry: {min: 20ms, max: 100ms}}}]}`)
	came := func() map[string]int {
		seen := map[string]int{}
		waitForFile(t, dir+"/out", func(text string) bool {
			clear(seen)
			for line := range strings.Lines(text) {
				seen[line[strings.LastIndexByte(line, ' ')+1:]]++
			}
			return true
		}, "lines")
		return seen
	}
	sent := 0
	for n := range restarts {
		if !receipt(p.address["tcp"], sent, count) {
			t.Fatal("no receipt")
		}
		sent += count
		poll(t, func() error { // it has begun with them
			if got := len(came()); got <= sent-count {
				return fmt.Errorf("%d of %d came", got, sent)
			}
			return nil
		})
		r.signal([]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}[n%2])
		if !receipt(p.address["tcp"], sent, count) { // while it is away
			t.Fatal("no receipt")
		}
		sent += count
		r.start()
	}
	poll(t, func() error {
		seen := came()
		missing, twice := 0, 0
		for i := range sent {
			switch times := seen[fmt.Sprintln(i)]; {
			case times == 0:
				missing++
			case times > 1:
				twice++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d are missing", missing, sent)
		}
		t.Logf("%d messages over %d restarts, %d came twice", sent, restarts, twice)
		return nil
	})
}
