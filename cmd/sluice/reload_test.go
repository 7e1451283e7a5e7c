package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/syslog/freeport"
)

// reload runs sluice reload against a running one, with another configuration in its file.
func (p *process) reload(conf string) (out string, code int) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, p.name), []byte(conf), 0o600); err != nil {
		p.t.Fatal(err)
	}
	cmd := asSluice(p.t, "reload", "--control", filepath.Join(p.dir, "state", "control.sock"))
	text, _ := cmd.CombinedOutput()
	return string(text), cmd.ProcessState.ExitCode()
}

// underLoad is a configuration in one of two shapes that differ in everything that may: names and order of rules, options
// of inputs, where a target writes, what there is at all.
func underLoad(redis string, odd bool) string {
	file, rule, size, extra, decode, memory := "a.log", "first", "64KiB", "", "text", "32MiB"
	if odd {
		file, rule, size, decode, memory = "b.log", "second", "32KiB", "auto", "64MiB"
		extra = "  extra: {file: ./extra.log, format: message}\n"
	}
	conf := fmt.Sprintf(`
state_dir: state
inputs:
  - {syslog: "tcp://127.0.0.1:0", name: tcp, max_message_size: %s}
  - {syslog: "unix://in.sock", name: unix, max_message_size: %[1]s}
  - {redis: "redis://%[2]s", name: list, lists: [list], decode: %[3]s}
  - {redis: "redis://%[2]s", name: channel, subscribe: [channel], decode: text}
targets:
  moving: {file: ./%[4]s, format: "{message}", queue: {memory: %[7]s}}
  same: {file: ./same.log, format: message}
%[5]srules:
  - {name: %[6]s, to: moving}
`, size, redis, decode, file, extra, rule, memory)
	if odd {
		conf += "  - {name: extra, match: {input: tcp}, to: [same, extra]}\n"
	} else {
		conf += "  - {name: same, match: {input: [tcp, unix]}, to: same}\n"
	}
	return conf
}

// Fifty reloads under full load on tcp, unix and Redis lose nothing, and double nothing. Connections stay.
func TestReloadUnderLoad(t *testing.T) {
	const reloads = 50
	redisAddress, client := startRedis(t)
	p := run(t, t.TempDir(), "sluice.yaml", underLoad(redisAddress, false))
	poll(t, func() error { // what is published before is for nobody
		n, err := client.PubSubNumSub(t.Context(), "channel").Result()
		if err == nil && n["channel"] == 0 {
			err = errors.New("nobody has subscribed")
		}
		return err
	})
	stop := make(chan struct{})
	var senders sync.WaitGroup
	sent := map[string]*int{}
	send := func(name string, one func(n int) error) {
		count := new(int)
		sent[name] = count
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := one(*count); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				*count++
			}
		})
	}
	stream := func(name, network, address string) net.Conn {
		conn, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		pad := strings.Repeat("x", 100)
		send(name, func(n int) error {
			_, err := fmt.Fprintf(conn, "<13>Nov 20 15:17:52 web1 shop: %s %d %s\n", name, n, pad)
			return err
		})
		return conn
	}
	conns := []net.Conn{
		stream("tcp1", "tcp", p.address["tcp"]), stream("tcp2", "tcp", p.address["tcp"]),
		stream("unix1", "unix", filepath.Join(p.dir, "in.sock")), stream("unix2", "unix", filepath.Join(p.dir, "in.sock")),
	}
	push := func(name, command string, client *redis.Client) {
		send(name, func(n int) error { return client.Do(t.Context(), command, name, fmt.Sprintf("%s %d", name, n)).Err() })
	}
	push("list", "RPUSH", client)
	push("channel", "PUBLISH", client)

	for i := range reloads {
		if out, code := p.reload(underLoad(redisAddress, i%2 == 0)); code != 0 {
			t.Fatalf("exit %d: %s", code, out)
		}
	}
	close(stop)
	senders.Wait()
	for _, c := range conns {
		if network := c.LocalAddr().Network(); network == "tcp" {
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			c.Read(make([]byte, 1)) // the receipt
		}
		c.Close()
	}
	total := 0
	for _, n := range sent {
		total += *n
	}
	count := func() (lines [][]byte) {
		for _, name := range []string{"a.log", "b.log"} {
			text, _ := os.ReadFile(filepath.Join(p.dir, name))
			lines = append(lines, bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))...)
		}
		return lines
	}
	for end := time.Now().Add(patience); time.Now().Before(end); waitForChange(p.dir) {
		if n, _ := client.LLen(t.Context(), "list").Result(); n == 0 && len(count()) >= total {
			break
		}
	}
	p.stop()
	seen := map[string]int{}
	for _, line := range count() {
		words := strings.SplitN(string(line), " ", 3)
		if len(words) < 2 {
			t.Fatalf("a torn line: %q", line)
		}
		seen[words[0]+" "+words[1]]++
	}
	for name, n := range sent {
		missing, doubled := 0, 0
		for i := range *n {
			switch seen[fmt.Sprintf("%s %d", name, i)] {
			case 0:
				missing++
			case 1:
			default:
				doubled++
			}
		}
		t.Logf("%s: %d messages over %d reloads", name, *n, reloads)
		if missing > 0 || doubled > 0 {
			t.Errorf("%s: of %d messages %d are missing and %d doubled", name, *n, missing, doubled)
		}
	}
}

// HUP reopens the files and reloads; USR2 only reopens. A bad file changes nothing.
func TestReloadSignals(t *testing.T) {
	conf := func(file string) string {
		return "{state_dir: state, inputs: [{syslog: 'tcp://127.0.0.1:0', name: in}], rules: [{to: {file: ./" + file + ", format: message}}]}"
	}
	p := run(t, t.TempDir(), "sluice.yaml", conf("a.log"))
	tell(t, p.address["tcp"], "<13>shop: one")
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(p.dir, p.name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signal := func(s syscall.Signal, says string) {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		p.says(says)
	}
	write(conf("b.log"))
	signal(syscall.SIGUSR2, "files are opened anew")
	tell(t, p.address["tcp"], "<13>shop: two")
	write("{state_dir: state, inputs: [{syslog: 'tcp://127.0.0.1:0', name: in}], rules: [{to: nowhere}]}")
	signal(syscall.SIGHUP, `nothing has changed" error=".*unknown target`)
	tell(t, p.address["tcp"], "<13>shop: three")
	write(conf("b.log"))
	signal(syscall.SIGHUP, "msg=reloaded")
	tell(t, p.address["tcp"], "<13>shop: four")
	p.stop()
	for file, want := range map[string]string{"a.log": "one\ntwo\nthree\n", "b.log": "four\n"} {
		if text, err := os.ReadFile(filepath.Join(p.dir, file)); string(text) != want {
			t.Errorf("%s holds %q, %v", file, text, err)
		}
	}
}

// A collector is away, its target is removed, and comes back with another address: what waited for it has been in the spool
// meanwhile, and arrives.
func TestReloadRemovesTarget(t *testing.T) {
	conf := func(target, to string) string {
		return "{state_dir: state, inputs: [{syslog: 'tcp://127.0.0.1:0', name: in}], targets: {" + target + "}, rules: [{to: " + to + "}]}"
	}
	forward := func(to string) string {
		return "out: {forward: 'tcp://" + to + "', format: message, retry: {min: 50ms, max: 100ms}}"
	}
	p := run(t, t.TempDir(), "sluice.yaml", conf(forward(freeport.Address(t)), "out"))
	tell(t, p.address["tcp"], "<13>shop: one")
	if out, code := p.reload(conf("", "./else.log")); code != 0 {
		t.Fatal(out)
	}
	tell(t, p.address["tcp"], "<13>shop: two")
	lines := make(chan string, 10)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for in := bufio.NewScanner(conn); in.Scan(); {
			lines <- in.Text()
		}
	}()
	// It may be ending yet: then it says so, and nothing changes.
	poll(t, func() error {
		if out, code := p.reload(conf(forward(ln.Addr().String()), "out")); code != 0 {
			return errors.New(out)
		}
		return nil
	})
	tell(t, p.address["tcp"], "<13>shop: three")
	for _, want := range []string{"one", "three"} {
		select {
		case got := <-lines:
			if got != want {
				t.Errorf("%q came where %q was to come", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s never came", want)
		}
	}
	p.stop()
}
