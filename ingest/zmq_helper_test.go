package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/syslog"
)

// A zmqSink is a Handler that keeps what it is given, as "channel|severity|message".
type zmqSink struct {
	mu      sync.Mutex
	changed *sync.Cond
	lines   []string
	last    syslog.Message // its slices are copies
	origin  syslog.Origin
	before  func(*syslog.Batch) // called first
}

func newZMQSink() *zmqSink {
	s := &zmqSink{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *zmqSink) Handle(b *syslog.Batch) {
	if s.before != nil {
		s.before(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Messages {
		m := &b.Messages[i]
		cut := ""
		if m.Guess&syslog.Truncated != 0 {
			cut = " [cut]"
		}
		s.lines = append(s.lines, fmt.Sprintf("%s|%s|%s%s", m.Channel, m.Severity, m.Text(), cut))
		s.last, s.origin = *m, *m.Origin
		s.last.Hostname, s.last.AppName = bytes.Clone(m.Hostname), bytes.Clone(m.AppName)
	}
	s.changed.Broadcast()
}

// wait waits for n lines, and returns all there are.
func (s *zmqSink) wait(t testing.TB, n int) []string {
	t.Helper()
	timer := time.AfterFunc(patience, s.changed.Broadcast)
	defer timer.Stop()
	start := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.lines) < n {
		if time.Since(start) > patience {
			t.Fatalf("%d messages came, not %d: %.300q", len(s.lines), n, s.lines)
		}
		s.changed.Wait()
	}
	return slices.Clone(s.lines)
}

// A zmqFixture is an input that runs.
type zmqFixture struct {
	*ZMQ
	sink *zmqSink
	logs *logbook
	stop func() // and wait until Run has returned
}

func zmqTestConfig(endpoints ...string) ZMQConfig {
	cfg := ZMQConfig{Setting: Setting{Name: "test", Hostname: "web1", Zone: time.UTC}, ZMQOptions: DefaultZMQOptions()}
	cfg.MaxConnections = 8000 // a quarter of them for us
	for _, text := range endpoints {
		e, err := ParseZMQEndpoint(text)
		if err != nil {
			panic(err)
		}
		cfg.Endpoints = append(cfg.Endpoints, e)
	}
	return cfg
}

// runZMQ runs an input, on a free port unless set says otherwise, until the test ends.
func runZMQ(t testing.TB, set func(*ZMQConfig)) *zmqFixture {
	t.Helper()
	f := &zmqFixture{sink: newZMQSink(), logs: newLogbook()}
	cfg := zmqTestConfig("tcp://127.0.0.1:0")
	cfg.Handler, cfg.Log = f.sink, slog.New(slog.NewTextHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if set != nil {
		set(&cfg)
	}
	z, err := NewZMQ(cfg)
	fatal(t, err)
	f.ZMQ = z
	if cfg.Name == "hasty" {
		z.shaking = 50 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- z.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Run does not return")
		}
	})
	t.Cleanup(f.stop)
	return f
}

// where is the input's first address.
func (f *zmqFixture) where() string { return strings.Fields(f.Addr().String())[0] }

// A rawPeer speaks ZMTP as a test wants it to.
type rawPeer struct {
	net.Conn
	t testing.TB
}

func (f *zmqFixture) dial(t testing.TB) rawPeer {
	t.Helper()
	c, err := net.Dial("tcp", f.where())
	fatal(t, err)
	t.Cleanup(func() { c.Close() })
	return rawPeer{c, t}
}

func (p rawPeer) send(bytes ...string) rawPeer {
	p.t.Helper()
	_, err := p.Write([]byte(strings.Join(bytes, "")))
	fatal(p.t, err)
	return p
}

// expect reads as much as want is long, and compares.
func (p rawPeer) expect(want string) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		k, err := p.Read(got[n:])
		if err != nil {
			p.t.Fatalf("%v after %q, want %q", err, got[:n], want)
		}
		n += k
	}
	if string(got) != want {
		p.t.Fatalf("the peer got %q, want %q", got, want)
	}
}

// closed waits until the input has closed the connection.
func (p rawPeer) closed() {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	var buf [512]byte
	for {
		if _, err := p.Read(buf[:]); err != nil {
			if os.IsTimeout(err) {
				p.t.Fatal("the connection stays open")
			}
			return
		}
	}
}

// zmqGreeting is a peer's, of ZMTP 3.minor.
func zmqGreeting(minor byte, mechanism string) string {
	g := make([]byte, zmqGreetingSize)
	copy(g, zmqOpening)
	g[11] = minor
	copy(g[12:], mechanism)
	return string(g)
}

func zmqReady(kind string) string {
	return frame(zmqCommand, "\x05READY"+property("Socket-Type", kind))
}

func property(name, value string) string {
	return string(byte(len(name))) + name + "\x00\x00\x00" + string(byte(len(value))) + value
}

func frame(flags byte, body string) string { return string(appendZMQFrame(nil, flags, []byte(body))) }

// hello is the whole handshake of a peer with NULL, ZMTP 3.minor.
func hello(minor byte, kind string) string { return zmqGreeting(minor, "NULL") + zmqReady(kind) }

// python runs a script with Debian's pyzmq: its own Python, not one that may come first in PATH.
func zmqPython(t testing.TB, script string, args ...string) *exec.Cmd {
	t.Helper()
	if exec.Command("/usr/bin/python3", "-c", "import zmq").Run() != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("this needs python3-zmq")
		}
		t.Skip("apt-get install python3-zmq")
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"-c", script}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}
