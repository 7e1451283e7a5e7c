package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// patience is how long a test waits for what should happen at once.
const patience = 10 * time.Second

// A sink is a Handler that keeps what it is given.
type sink struct {
	mu      sync.Mutex
	changed *sync.Cond
	lines   []string // raw, with what was guessed if it is worse than an omission
	sources map[string]int
	last    syslog.Message // of the last batch; its slices are copies
	origin  syslog.Origin

	before func(*syslog.Batch) // called first
	target syslog.Target       // marked with each batch
}

func newSink() *sink {
	s := &sink{sources: map[string]int{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *sink) Handle(b *syslog.Batch) {
	if s.before != nil {
		s.before(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Messages {
		m := &b.Messages[i]
		line := string(m.Raw)
		for _, w := range (m.Guess & (syslog.Truncated | syslog.Incomplete | syslog.BrokenPRI)).Words() {
			line += " [" + w + "]"
		}
		s.lines = append(s.lines, line)
		s.sources[string(m.Origin.Source)]++
		s.last, s.origin = *m, *m.Origin
		s.last.Hostname = bytes.Clone(m.Hostname)
	}
	if s.target != nil {
		b.Feed.Mark(s.target, uint64(len(s.lines)))
	}
	s.changed.Broadcast()
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

// from is where the last message came from.
func (s *sink) from() syslog.Origin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origin
}

// A logbook keeps log lines.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A fixture is a running Listener and its sink.
type fixture struct {
	*Listener
	sink *sink
	logs *logbook
	t    testing.TB
	stop func() // and wait until Run has returned
}

// testConfig is a configuration for tests, the socket at a place of its own.
func testConfig(t testing.TB, transport syslog.Transport) Config {
	t.Helper()
	cfg := Config{
		Name: "test", Transport: transport, Address: "127.0.0.1:0", Options: DefaultOptions(),
		Hostname: "web1", Zone: time.UTC, Sysctl: fakeSysctl(t, "512"),
	}
	if transport == syslog.TLS {
		cfg.TLS = ca().server()
	}
	if transport == syslog.Unix || transport == syslog.Unixgram {
		cfg.Address = filepath.Join(t.TempDir(), "s")
	}
	return cfg
}

// fakeSysctl returns a folder with a setting that tests may change.
func fakeSysctl(t testing.TB, qlen string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "net/unix"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "net/unix/max_dgram_qlen"), []byte(qlen+"\n"), 0o644))
	return dir
}

// open makes a Listener, and run runs it too, until the test ends.
func open(t testing.TB, cfg Config) *fixture {
	t.Helper()
	f := &fixture{sink: newSink(), logs: &logbook{}, t: t}
	if s, ok := cfg.Handler.(*sink); ok {
		f.sink = s
	} else if cfg.Handler == nil {
		cfg.Handler = f.sink
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(f.logs, nil))
	}
	l, err := Listen(cfg)
	must(t, err)
	f.Listener = l
	t.Cleanup(l.Close)
	return f
}

func run(t testing.TB, cfg Config) *fixture {
	t.Helper()
	f := open(t, cfg)
	f.run()
	return f
}

func (f *fixture) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				f.t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			buf := make([]byte, 1<<16)
			f.t.Errorf("Run did not return\n%s", buf[:runtime.Stack(buf, true)])
		}
	})
	f.t.Cleanup(f.stop)
}

// dial connects to the listener.
func (f *fixture) dial() net.Conn {
	f.t.Helper()
	c, err := net.Dial(f.Addr().Network(), f.Addr().String())
	must(f.t, err)
	if f.cfg.Transport == syslog.TLS {
		c = tls.Client(c, ca().client())
	}
	f.t.Cleanup(func() { c.Close() })
	return c
}

// send sends each piece with a call of its own.
func send(t testing.TB, c net.Conn, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		_, err := c.Write([]byte(p))
		must(t, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok, for what has no event of its own.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// closed waits until the peer has closed c, and returns how: "FIN" or the error.
func closed(c net.Conn) string {
	c.SetReadDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 1))
	switch {
	case n > 0:
		return "data"
	case err.Error() == "EOF":
		return "FIN"
	}
	return err.Error()
}

// unprivileged runs f on a thread that has no capabilities and, if asked, is not root. The thread ends with f.
func unprivileged(t *testing.T, nobody bool, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock
		defer close(done)
		if nobody {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); errno != 0 {
				done <- errno
				return
			}
		}
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capset(&header, &data[0]); err != nil {
			done <- fmt.Errorf("capset: %w", err)
			return
		}
		f()
	}()
	for err := range done {
		t.Skip(err)
	}
}

var everyTransport = []syslog.Transport{syslog.Unixgram, syslog.Unix, syslog.UDP, syslog.TCP, syslog.TLS}

// descriptors is how many files this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}
