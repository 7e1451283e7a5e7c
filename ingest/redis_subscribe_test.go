package ingest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/freeport"
)

// Every way to say where the server is and who comes, and every way to subscribe.
func TestSubscribe(t *testing.T) {
	s := startRedis(t)
	s.do("ACL", "SETUSER", "web", "on", ">p@ss/w:rd%", "resetchannels", "&req.*", "-@all", "+subscribe", "+psubscribe", "+unsubscribe", "+punsubscribe", "+ping")
	for _, c := range []struct {
		name, url string
		subscribe []string
	}{
		{"a pattern", "redis://" + s.addr(), []string{"req.*"}},
		{"a name", "redis://" + s.addr() + "/0", []string{"req.web"}},
		{"a name and patterns, which overlap", "redis://" + s.addr() + "/3", []string{"req.web", "r*", "req.?e[a-c]", "*"}},
		{"a socket", "unix://" + s.socket, []string{"req.web"}},
		{"pyzog's form, with a password nobody asks for", "secret@" + s.addr() + "/0", []string{"req.*"}},
		{"a user who may do little else", "redis://web:p%40ss%2Fw:rd%25@" + s.addr(), []string{"req.*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openRedis(t, c.url, func(cfg *RedisConfig) { cfg.Subscribe = c.subscribe })
			f.ready(t)
			var want []string
			for i := range 300 {
				text := fmt.Sprint("text ", i/3) // each is there three times, and all three count
				s.do("PUBLISH", "req.web", text)
				want = append(want, "req.web "+text)
			}
			f.sink.wait(t, len(want))
			f.stop()
			if diff := cmp.Diff(want, f.sink.lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(f.Addr().String()+f.logs.String(), "ss") || f.logs.String() != "" {
				t.Errorf("address %s, log %s", f.Addr(), f.logs)
			}
			if n := f.Counters().Messages.Load(); n != uint64(len(want)) {
				t.Errorf("counted %d", n)
			}
		})
	}
}

// What was published when Run is told to stop is handed over.
func TestSubscribeStops(t *testing.T) {
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe = []string{"req.*", "other"} })
	f.ready(t)
	held := make(chan struct{})
	f.sink.first(func(*syslog.Batch) { <-held })
	const many = 20_000 // more than one read brings
	publish(t, s.addr(), many, 150)
	go close(held)
	f.stop()
	if n := len(f.sink.lines); n != many {
		t.Errorf("%d of %d messages", n, many)
	}
}

// Where messages come from, and what they are without a header.
func TestSubscribeFields(t *testing.T) {
	s := startRedis(t)
	for url, host := range map[string]string{"redis://" + s.addr(): "127.0.0.1", "unix://" + s.socket: "web1"} {
		f := openRedis(t, url, func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
		f.ready(t)
		f.sink.first(func(b *syslog.Batch) {
			m := &b.Messages[0]
			got := fmt.Sprintf("%s %s %s %s %s %v %v", m.Hostname, m.Origin.Source, m.AppName, m.Tag, m.Origin.Input, m.Facility, m.Severity)
			if want := host + " 127.0.0.1 req.web req.web: queue user info"; got != want {
				t.Errorf("%s: have %s, want %s", url, got, want)
			}
		})
		s.do("PUBLISH", "req.web", "text\n")
		if got := f.sink.wait(t, 1)[0]; got != "req.web text" {
			t.Errorf("have %q", got)
		}
		f.stop()
	}
}

// Messages of all sizes around that of the buffer and the limit, in between others.
func TestSubscribeLong(t *testing.T) {
	s := startRedis(t)
	const limit = 600 << 10
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe, c.MaxMessageSize = []string{"c*"}, limit })
	f.ready(t)
	var want []string
	for i, n := range []int{1, pushBuffer - 60, pushBuffer, 2, pushBuffer + 1, limit, limit + 1, 5 << 20, 3} {
		text := strings.Repeat(string(rune('a'+i)), n)
		s.do("PUBLISH", "c", text)
		line := "c " + text[:min(n, limit)]
		if n > limit {
			line += " [cut]"
		}
		want = append(want, line)
	}
	long := strings.Repeat("c", 100<<10)
	s.do("PUBLISH", long, "over a channel with a long name")
	want = append(want, long[:maxChannel]+" over a channel with a long name")
	got := f.sink.wait(t, len(want))
	if !slices.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("message %d has %d bytes, not %d: %.100q", i, len(got[i]), len(want[i]), got[i])
			}
		}
	}
	if n := f.Counters().Truncated.Load(); n != 2 {
		t.Errorf("counted %d as truncated", n)
	}
}

// The server is killed and comes back, and ends our connection: each time we are back, and it is said once.
func TestSubscribeReconnects(t *testing.T) {
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
	f.ready(t)
	s.do("PUBLISH", "req.a", "before")
	f.sink.wait(t, 1)
	s.kill()
	f.connected(t, 0)
	s.start()
	f.ready(t)
	s.do("PUBLISH", "req.a", "after a crash")
	f.sink.wait(t, 2)
	s.do("CLIENT", "KILL", "TYPE", "pubsub")
	eventually(t, "the second break", func() bool { return f.Counters().Reconnects.Load() == 2 })
	f.ready(t)
	s.do("PUBLISH", "req.a", "after a kick")
	f.sink.wait(t, 3)
	f.stop()
	want := []string{"req.a before", "req.a after a crash", "req.a after a kick"}
	if diff := cmp.Diff(want, f.sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text := f.logs.String()
	if strings.Count(text, "cannot read from Redis") != 1 || strings.Count(text, "reads from Redis again") != 2 {
		t.Errorf("log:\n%s", text)
	}
}

// A reader that is held up longer than Redis keeps for it is cut off; that is noticed, counted and said.
func TestSubscribeCutOff(t *testing.T) {
	s := startRedis(t, "--client-output-buffer-limit", "pubsub 256kb 0 0")
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
	f.ready(t)
	held := make(chan struct{})
	f.sink.first(func(*syslog.Batch) { <-held })
	subscribers := func() string { return fmt.Sprint(s.do("PUBSUB", "NUMPAT")) }
	for subscribers() == "1" { // until it has had enough of us
		publish(t, s.addr(), 5000, 1000)
	}
	close(held)
	eventually(t, "to be told", func() bool { return f.Counters().CutOff.Load() == 1 })
	f.ready(t)
	if text := f.logs.String(); !strings.Contains(text, "too slow for its client-output-buffer-limit") {
		t.Errorf("log:\n%s", text)
	}
}

// What the server answers to whoever may not come in is said in our words, without the password, and tried again.
func TestSubscribeRefused(t *testing.T) {
	s := startRedis(t, "--requirepass", "right")
	s.Client.Close()
	for _, c := range []struct{ name, url, want string }{
		{"a wrong password", "redis://:hunter2@" + s.addr(), "the password or the user is wrong: "},
		{"no password", "redis://" + s.addr(), "it wants a password: "},
		{"a wrong user", "redis://nobody:hunter2@" + s.addr(), "the password or the user is wrong: "},
		{"a user who may not", "redis://web:hunter2@" + s.addr(), "the user may not do that: "},
		{"nobody there", "redis://:hunter2@127.0.0.1:" + freeport.New(t), "connection refused"},
		{"no such socket", "unix:///nonexistent/hunter3", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.url, "web") {
				conn := mustDial(t, s.addr(), "AUTH right\r\nACL SETUSER web on >hunter2 +@all resetchannels &other\r\n")
				defer conn.Close()
			}
			f := openRedis(t, c.url, func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
			f.logs.wait(t, c.want)
			f.stop()
			if text := f.logs.String(); strings.Contains(text, "hunter2") || strings.Count(text, "\n") != 1 {
				t.Errorf("log:\n%s", text)
			}
		})
	}
}

// mustDial gives the server some inline commands and waits for the last one's answer.
func mustDial(t *testing.T, addr, commands string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	fatal(t, err)
	_, err = c.Write([]byte(commands))
	fatal(t, err)
	answer := make([]byte, 1000)
	for ok := 0; ok < strings.Count(commands, "\n"); {
		n, err := c.Read(answer)
		fatal(t, err)
		ok += strings.Count(string(answer[:n]), "+OK")
	}
	return c
}

// A server that no longer answers, though its connection stands, is left.
func TestSubscribeSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
	f.ready(t)
	fatal(t, s.cmd.Process.Signal(unix.SIGSTOP)) // the kernel goes on for it
	begin := time.Now()
	f.logs.wait(t, "no answer to a PING")
	fatal(t, s.cmd.Process.Signal(unix.SIGCONT))
	f.ready(t)
	if d := time.Since(begin); d < quietRedis {
		t.Errorf("given up after %s", d)
	}
}
