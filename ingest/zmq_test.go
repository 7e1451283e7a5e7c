package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

func TestZMQMessages(t *testing.T) {
	for _, c := range []struct {
		name   string
		socket ZMQSocket
		peer   string
		send   string
		want   []string
	}{
		{"one frame", ZMQPull, "PUSH", frame(0, "x"), []string{"|info|x"}},
		{"a newline at the end, as uWSGI sends it", ZMQPull, "PUSH", frame(0, "x\n"), []string{"|info|x"}},
		{"nothing, and a newline", ZMQPull, "PUSH", frame(0, "") + frame(0, "\n") + frame(0, "x"), []string{"|info|x"}},
		{"two frames of PUSH are topic and message", ZMQPull, "PUSH", frame(zmqMore, "root.ERROR") + frame(0, "x"), []string{"root.ERROR|err|x"}},
		{"three frames", ZMQPull, "PUSH", frame(zmqMore, "a") + frame(zmqMore, "b") + frame(0, "c"), []string{"a|info|b c"}},
		{"an empty frame before it", ZMQPull, "PUSH", frame(zmqMore, "") + frame(0, "x"), []string{"|info|x"}},
		{"only empty frames", ZMQPull, "PUSH", frame(zmqMore, "") + frame(zmqMore, "") + frame(0, "") + frame(0, "x"), []string{"|info|x"}},
		{"syslog", ZMQPull, "PUSH", frame(0, "<11>shop: x"), []string{"|err|x"}},
		{"JSON", ZMQPull, "PUSH", frame(0, `{"level": "warning", "msg": "x"}`), []string{"|warning|x"}},
		{"a topic and a message", ZMQSub, "PUB", frame(zmqMore, "app.WARNING.sub") + frame(0, "x"), []string{"app.WARNING.sub|warning|x"}},
		{"a topic and nothing", ZMQSub, "PUB", frame(zmqMore, "app.INFO") + frame(0, "") + frame(0, "x"), []string{"|info|x"}},
		{"a publisher's one frame", ZMQSub, "PUB", frame(0, "app x"), []string{"|info|app x"}},
		{"of XPUB", ZMQSub, "XPUB", frame(zmqMore, "t") + frame(0, "x"), []string{"t|info|x"}},
		{"DEALER", ZMQRouter, "DEALER", frame(0, "x"), []string{"|info|x"}},
		{"DEALER with an empty frame", ZMQRouter, "DEALER", frame(zmqMore, "") + frame(0, "x"), []string{"|info|x"}},
		{"REQ", ZMQRouter, "REQ", frame(zmqMore, "") + frame(0, "x"), []string{"|info|x"}},
		{"through a proxy", ZMQRouter, "DEALER", frame(zmqMore, "\x00\x80\x00A") + frame(zmqMore, "") + frame(0, "x"), []string{"|info|x"}},
		{"DEALER with a topic", ZMQRouter, "DEALER", frame(zmqMore, "t") + frame(0, "x"), []string{"t|info|x"}},
		{"DEALER with nothing", ZMQRouter, "DEALER", frame(0, "") + frame(0, "x"), []string{"|info|x"}},
		{"too long", ZMQPull, "PUSH", frame(0, strings.Repeat("x", 2<<20)) + frame(0, "y"), []string{"|info|" + strings.Repeat("x", 1<<20) + " [cut]", "|info|y"}},
		{"large", ZMQPull, "PUSH", frame(0, strings.Repeat("x", 1<<20)) + frame(0, "y"), []string{"|info|" + strings.Repeat("x", 1<<20), "|info|y"}},
		{"more than a batch", ZMQPull, "PUSH", strings.Repeat(frame(0, "x"), 1000), slices.Repeat([]string{"|info|x"}, 1000)},
		{"many of three frames", ZMQPull, "PUSH", strings.Repeat(frame(zmqMore, "a")+frame(zmqMore, "b")+frame(0, "c"), 1000), slices.Repeat([]string{"a|info|b c"}, 1000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Socket = c.socket })
			f.dial(t).send(hello(1, c.peer), c.send)
			if diff := cmp.Diff(c.want, f.sink.wait(t, len(c.want))); diff != "" {
				t.Errorf("(-want +got):\n%.2000s", diff)
			}
			if got := f.Counters().Messages.Load(); got != uint64(len(c.want)) {
				t.Errorf("counted %d messages", got)
			}
		})
	}
}

// A program that sends and ends at once has gone before it is answered: what it sent is read nevertheless.
func TestZMQGone(t *testing.T) {
	for _, opening := range []string{hello(1, "PUSH"), zmqSignature + "\x01\x08\x00\x00"} {
		path := filepath.Join(t.TempDir(), "in.sock")
		endpoint, err := ParseZMQEndpoint("ipc://" + path)
		fatal(t, err)
		f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Endpoints, cfg.Socket = []ZMQEndpoint{endpoint}, ZMQPull })
		nc, err := net.Dial("unix", path)
		fatal(t, err)
		(rawPeer{nc, t}).send(opening, frame(0, "x"), frame(0, "y"))
		fatal(t, nc.Close())
		if diff := cmp.Diff([]string{"|info|x", "|info|y"}, f.sink.wait(t, 2)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// What goes out to a publisher, and what is not believed when it comes.
func TestZMQTopics(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Topics = []string{"app.", strings.Repeat("t", 300)} })
	p := f.dial(t).send(hello(1, "PUB"))
	p.expect(zmqGreeting(0, "NULL"))
	var ready [200]byte
	n := 0
	for !strings.Contains(string(ready[:n]), "SUB") { // the library's READY, its properties in any order
		k, err := p.Read(ready[n : n+1])
		fatal(t, err)
		n += k
	}
	if !strings.Contains(string(ready[:n]), "Identity") {
		p.expect("\x08Identity\x00\x00\x00\x00")
	}
	p.expect(frame(0, "\x01app.") + frame(0, "\x01"+strings.Repeat("t", 300)))
	for _, topic := range []string{"app.INFO", "ap", "root.INFO", "app", "app.", strings.Repeat("t", 301)} {
		p.send(frame(zmqMore, topic), frame(0, "x"))
	}
	p.send(frame(0, "app.one frame"), frame(0, "root.one frame"), frame(zmqMore, "app.end")+frame(0, "x"))
	want := []string{"app.INFO|info|x", "app.|info|x", strings.Repeat("t", 301) + "|info|x", "|info|app.one frame", "app.end|info|x"}
	if diff := cmp.Diff(want, f.sink.wait(t, len(want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestZMQOrigin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "s")
	f := runZMQ(t, func(cfg *ZMQConfig) {
		pull(cfg)
		cfg.Mode = 0o620
		cfg.Endpoints = append(cfg.Endpoints, ZMQEndpoint{"unix", path})
	})
	f.dial(t).send(hello(0, "PUSH"), frame(0, "x"))
	f.sink.wait(t, 1)
	if o := f.sink.origin; string(o.Source) != "127.0.0.1" || string(f.sink.last.Hostname) != "127.0.0.1" || o.Local || o.Transport != syslog.ZMQ || o.Input != "test" {
		t.Errorf("over TCP: %+v, host %s", o, f.sink.last.Hostname)
	}
	info, err := os.Stat(path)
	fatal(t, err)
	if info.Mode().Perm() != 0o620 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	c, err := net.Dial("unix", path)
	fatal(t, err)
	defer c.Close()
	rawPeer{c, t}.send(hello(0, "PUSH"), frame(0, "y"))
	f.sink.wait(t, 2)
	if o := f.sink.origin; string(o.Source) != "127.0.0.1" || string(f.sink.last.Hostname) != "web1" || !o.Local {
		t.Errorf("over ipc: %+v, host %s", o, f.sink.last.Hostname)
	}
	f.stop()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket's file is still there")
	}
}

func TestZMQCheck(t *testing.T) {
	for _, c := range []struct {
		name, endpoint string
		set            func(*ZMQConfig)
		want           string
	}{
		{"no endpoint", "tcp://127.0.0.1:0", func(c *ZMQConfig) { c.Endpoints = nil }, "zmq: no endpoint"},
		{"topics without sub", "tcp://127.0.0.1:5555", func(c *ZMQConfig) { c.Socket, c.Topics = ZMQPull, []string{"a"} }, "tcp://127.0.0.1:5555: topics are for socket: sub, and this is pull"},
		{"plain without password", "tcp://127.0.0.1:5555", func(c *ZMQConfig) { c.Plain = &ZMQPlain{User: "u"} }, "tcp://127.0.0.1:5555: plain: want both user and password"},
		{"plain too long", "tcp://127.0.0.1:5555", func(c *ZMQConfig) { c.Plain = &ZMQPlain{"u", strings.Repeat("x", 256)} }, "tcp://127.0.0.1:5555: plain: user and password have at most 255 bytes each"},
		{"no size", "ipc://s", func(c *ZMQConfig) { c.MaxMessageSize = 0 }, "ipc://s: max_message_size is 0, not 1 to 67108864 bytes"},
		{"no connections", "ipc://s", func(c *ZMQConfig) { c.MaxConnections = 0 }, "ipc://s: max_connections is 0, not at least 1"},
		{"keep_alive", "ipc://s", func(c *ZMQConfig) { c.KeepAlive = -1 }, "ipc://s: keep_alive cannot be negative"},
		{"mode", "ipc://s", func(c *ZMQConfig) { c.Mode = 0o1777 }, "ipc://s: mode 0o1777 is not 0 to 0777"},
		{"allow", "ipc://s", func(c *ZMQConfig) { c.Bind, c.Allow = false, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, "ipc://s: allow is for bind: true; with connect the peer is the endpoint"},
		{"no handler", "ipc://s", func(c *ZMQConfig) { c.Handler = nil }, "ipc://s: no handler"},
		{"an abstract name to bind", "ipc://@s", nil, "ipc://@s: bind needs a path, not an abstract name: those have no owner and no mode"},
		{"a long path", "ipc://" + strings.Repeat("s", 108), nil, "ipc://" + strings.Repeat("s", 108) + ": the path has 108 bytes, a socket's at most 107"},
		{"connect to anywhere", "tcp://*:5555", func(c *ZMQConfig) { c.Bind = false }, "tcp://:5555: to connect it takes a host and a port; * is for bind"},
		{"connect to any port", "tcp://h:*", func(c *ZMQConfig) { c.Bind = false }, "tcp://h:0: to connect it takes a host and a port; * is for bind"},
		{"twice", "tcp://h:1", func(c *ZMQConfig) { c.Endpoints = append(c.Endpoints, c.Endpoints[0]) }, "tcp://h:1: is there twice"},
		{"no such address", "tcp://192.0.2.1:5555", nil, "tcp://192.0.2.1:5555: no interface of this machine has that address"},
		{"no folder", "ipc:///dev/null/s", nil, "ipc:///dev/null/s: not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := zmqTestConfig(c.endpoint)
			cfg.Handler = newZMQSink()
			if c.set != nil {
				c.set(&cfg)
			}
			_, err := NewZMQ(cfg)
			if err == nil || err.Error() != strings.ReplaceAll(c.want, "0o1", "01") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An address that is taken is said, and what was bound before is given back.
func TestZMQInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "s")
	cfg := zmqTestConfig("ipc://"+path, "tcp://"+taken.Addr().String())
	cfg.Handler = newZMQSink()
	_, err = NewZMQ(cfg)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "another process listens there") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the first socket's file is still there")
	}
}

func TestParseZMQEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"tcp://127.0.0.1:5555":   "tcp://127.0.0.1:5555",
		"tcp://127.0.0.1:5555/":  "tcp://127.0.0.1:5555",
		"tcp://*:5555":           "tcp://:5555",
		"tcp://*:*":              "tcp://:0",
		"tcp://[::1]:5555":       "tcp://[::1]:5555",
		"ipc://run/s":            "ipc://run/s",
		"ipc://@s":               "ipc://@s",
		"ipc://":                 "ipc: want a path: ipc:///run/app.sock",
		"ipc://@":                "ipc: want a path: ipc:///run/app.sock",
		"tcp://h":                "tcp: want a host and a port: tcp://127.0.0.1:5555",
		"tcp://h:x":              `tcp: "x" is no port`,
		"tcp://h:65536":          `tcp: "65536" is no port`,
		"tcp://u:p@h:1":          "tcp: an endpoint holds no user or password: use plain: {user, password}",
		"127.0.0.1:5555":         "want an endpoint such as tcp://127.0.0.1:5555 or ipc:///run/app.sock",
		"pgm://eth0;239.1.1.1:1": `"pgm" is no transport of an endpoint (have ipc, tcp)`,
	} {
		got, err := ParseZMQEndpoint(text)
		if said := got.String(); err == nil && said != want || err != nil && err.Error() != want {
			t.Errorf("%s: got %s, %v", text, said, err)
		}
	}
}

// A PING is answered with its context, and is no message; who pings all the time disturbs nobody.
func TestZMQPing(t *testing.T) {
	f := runZMQ(t, pull)
	p := f.dial(t).send(hello(1, "PUSH"))
	p.expect(zmqGreeting(0, "NULL"))
	p.skipReady()
	p.send(frame(zmqCommand, "\x04PING\x00\x64"))
	p.expect(frame(zmqCommand, "\x04PONG"))
	p.send(frame(zmqCommand, "\x04PING\x00\x64abcd"), frame(zmqCommand, "\x04PING\x00\x000123456789abcdefTOO LONG"), frame(zmqCommand, "\x04PONG"), frame(zmqCommand, "\x05OTHER"))
	p.expect(frame(zmqCommand, "\x04PONGabcd") + frame(zmqCommand, "\x04PONG0123456789abcdef"))
	p.send(frame(zmqMore, "t"), frame(zmqCommand, "\x04PING\x00\x00"), frame(0, "x"))
	p.expect(frame(zmqCommand, "\x04PONG"))
	if got := f.sink.wait(t, 1); got[0] != "t|info|x" {
		t.Errorf("got %q", got)
	}
	p.send(frame(zmqCommand, "\x04PING"))
	p.closed()
	f.logs.wait(t, "a PING without its TTL")
}

// skipReady reads our READY, whose properties stand in any order.
func (p rawPeer) skipReady() {
	p.t.Helper()
	var head [2]byte
	_, err := p.Read(head[:])
	fatal(p.t, err)
	_, err = p.Read(make([]byte, head[1]))
	fatal(p.t, err)
}

// A peer that pings and never reads the answers is cut off, and costs no memory until then.
func TestZMQDeaf(t *testing.T) {
	f := runZMQ(t, pull)
	p := f.dial(t).send(hello(1, "PUSH"))
	ping := strings.Repeat(frame(zmqCommand, "\x04PING\x00\x000123456789abcdef"), 1000)
	_ = p.SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := p.Write([]byte(ping)); err != nil {
			if os.IsTimeout(err) {
				t.Fatal("it is never cut off")
			}
			break
		}
	}
	f.logs.wait(t, "does not read what it is answered")
}

// A half-open peer is noticed: one that can be asked by its silence, others inside a message.
func TestZMQSilence(t *testing.T) {
	const soon = 50 * time.Millisecond
	for _, c := range []struct {
		name, send, want string
		minor            byte
	}{
		{"a dead peer of 3.1", "", "the peer is silent", 1},
		{"one that stopped inside a message", "\x00\x05ab", "the peer stopped inside a message", 0},
		{"one that stopped inside a long message", "\x02\x00\x00\x00\x00\x00\x20\x00\x00" + strings.Repeat("x", 1<<20+100), "the peer stopped inside a message", 0},
		{"one of 3.1 that stopped inside a message", "\x01\x01t", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.KeepAlive = soon })
			p := f.dial(t).send(hello(c.minor, "PUSH"), c.send)
			p.closed()
			f.logs.wait(t, c.want)
		})
	}
	t.Run("peers that live", func(t *testing.T) {
		f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.KeepAlive = soon })
		quiet := f.dial(t).send(hello(0, "PUSH"), frame(0, "a")) // of 3.0: nothing can be asked
		p := f.dial(t).send(hello(1, "PUSH"), frame(0, "b"))
		p.expect(zmqGreeting(0, "NULL"))
		p.skipReady()
		for range 5 {
			p.expect(frame(zmqCommand, "\x04PING\x00\x00"))
			p.send(frame(zmqCommand, "\x04PONG"))
		}
		quiet.send(frame(0, "c"))
		p.send(frame(0, "d"))
		f.sink.wait(t, 4)
	})
}

// What people and scanners do to an open port, all at once, while 500 peers send: none of them notices.
func TestZMQHostile(t *testing.T) {
	const peers, each = 500, 20
	f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.MaxConnections = 4000 })
	before := inUse()
	for range 20 {
		f.dial(t)                                                                      // says nothing
		f.dial(t).send(zmqSignature)                                                   // stops inside the greeting
		f.dial(t).send(hello(1, "PUSH"), "\x02\x00\x00\x00\x00\x00\x10\x00\x00half")   // inside a frame
		f.dial(t).send(hello(1, "PUSH"), "\x02\x40\x00\x00\x00\x00\x00\x00\x00")       // 2^62 bytes
		f.dial(t).send(hello(1, "PUSH"), "\x06\x7f\xff\xff\xff\xff\xff\xff\xff")       // likewise, a command
		f.dial(t).send(hello(1, "PUSH"), "\x02\x00\x00\x00\x00\x3f\xff\xff\xff")       // 1 GiB, believed but not kept
		f.dial(t).send(hello(1, "PUSH"), strings.Repeat(frame(zmqMore, "x"), 100_000)) // frames without end
		f.dial(t).send("GET / HTTP/1.1\r\n\r\n")
		f.dial(t).send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	}
	pinger := f.dial(t).send(hello(1, "PUSH"))
	go func() { // answers are read, or it would be cut off
		var buf [4096]byte
		for {
			if _, err := pinger.Read(buf[:]); err != nil {
				return
			}
		}
	}()
	conns := make([]rawPeer, peers)
	for i := range conns {
		conns[i] = f.dial(t).send(hello(byte(i%2), "PUSH"))
	}
	for n := range each {
		for i, c := range conns {
			c.send(frame(0, fmt.Sprintf("peer %d says %d", i, n)))
		}
		pinger.send(frame(zmqCommand, "\x04PING\x00\x00"))
	}
	got := map[string]bool{}
	// 20 of the messages without end are cut, and there is one message of each.
	for _, line := range f.sink.wait(t, peers*each+20) {
		got[line] = true
	}
	for i := range peers {
		for n := range each {
			if line := fmt.Sprintf("|info|peer %d says %d", i, n); !got[line] {
				t.Fatalf("%q is missing", line)
			}
		}
	}
	if grown := int64(inUse()) - int64(before); grown > 60<<20 {
		t.Errorf("%d MB more are in use", grown>>20)
	}
}

// inUse is the heap and the stacks, without what is garbage.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func TestZMQCrowd(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.MaxConnections = 8 })
	first := f.dial(t).send(hello(1, "PUSH"), frame(0, "x"))
	f.dial(t).send(hello(1, "PUSH"), frame(0, "x"))
	f.sink.wait(t, 2)
	f.dial(t).closed()
	f.logs.wait(t, "its address has a quarter of max_connections")
	fatal(t, first.Close())
	for open := 2; open != 1; runtime.Gosched() {
		open = f.crowd.Len()
	}
	f.dial(t).send(hello(1, "PUSH"), frame(0, "y"))
	f.sink.wait(t, 3)
}

func TestZMQAllow(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	f.dial(t).closed()
	f.logs.wait(t, "not in allow")
	if n := f.Counters().DroppedNotAllowed.Load(); n != 1 {
		t.Errorf("counted %d", n)
	}
}

// What has arrived when ctx ends is handed over, whoever sent it, and nothing stays behind.
func TestZMQStops(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	held, release := make(chan struct{}), make(chan struct{})
	f := runZMQ(t, pull)
	f.sink.mu.Lock()
	first := true
	f.sink.before = func(*syslog.Batch) {
		if first {
			first = false
			close(held)
			<-release
		}
	}
	f.sink.mu.Unlock()
	p := f.dial(t).send(hello(1, "PUSH"), frame(0, "first"))
	<-held
	p.send(strings.Repeat(frame(0, "x"), 5000)) // into the kernel, which we do not read now
	silent := f.dial(t)
	stopped := make(chan struct{})
	go func() { f.stop(); close(stopped) }()
	for !f.stopping.Load() {
		runtime.Gosched()
	}
	close(release)
	<-stopped
	if got := f.sink.wait(t, 5001); len(got) != 5001 {
		t.Errorf("%d messages", len(got))
	}
	silent.closed()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}

// Close ends Run, and what was not run can be closed.
func TestZMQClose(t *testing.T) {
	f := runZMQ(t, pull)
	f.Close()
	f.stop()
	cfg := zmqTestConfig("tcp://127.0.0.1:0")
	cfg.Handler = newZMQSink()
	z, err := NewZMQ(cfg)
	fatal(t, err)
	where := strings.Fields(z.Addr().String())[0]
	z.Close()
	if c, err := net.Dial("tcp", where); err == nil {
		c.Close()
		t.Error("it still listens")
	}
	fatal(t, z.Run(context.Background()))
}

// A full target holds the peer that sends to it, through TCP, and no other.
func TestZMQPatience(t *testing.T) {
	for socket, want := range map[ZMQSocket]syslog.Patience{ZMQSub: syslog.Never, ZMQPull: syslog.Patiently, ZMQRouter: syslog.Patiently} {
		f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Socket = socket })
		var got syslog.Patience
		f.sink.before = func(b *syslog.Batch) { got = b.Feed.Patience }
		f.dial(t).send(hello(1, map[ZMQSocket]string{ZMQSub: "PUB", ZMQPull: "PUSH", ZMQRouter: "DEALER"}[socket]), frame(0, "x"))
		f.sink.wait(t, 1)
		f.stop()
		if got != want {
			t.Errorf("%s: patience %v", socket, got)
		}
	}
	release := make(chan struct{})
	f := runZMQ(t, pull)
	t.Cleanup(func() { f.stop() })
	f.sink.before = func(b *syslog.Batch) {
		if string(b.Messages[0].Raw) == "slow" {
			<-release
		}
	}
	for range 40 {
		f.dial(t).send(hello(1, "PUSH"), frame(0, "slow"))
	}
	f.dial(t).send(hello(1, "PUSH"), frame(0, "fast"))
	if got := f.sink.wait(t, 1); got[0] != "|info|fast" {
		t.Errorf("got %q", got)
	}
	close(release)
	f.sink.wait(t, 41)
}
