package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/syslog"
)

// A pythonFixture is an input and its sink.
type pythonFixture struct {
	*Python
	sink  *sink
	logs  *logbook
	begin func() // Run
	stop  func() // and wait until Run has returned
}

// newPython opens an input on a free port; set may change what it is made of.
func newPython(t testing.TB, set func(*PythonConfig)) *pythonFixture {
	t.Helper()
	f := &pythonFixture{sink: newSink(), logs: newLogbook()}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	cfg := PythonConfig{PythonOptions: DefaultPythonOptions(), Socket: socket}
	cfg.Setting = Setting{Name: "python", Hostname: "web1", Zone: time.UTC, Handler: f.sink, Log: slog.New(slog.NewTextHandler(f.logs, nil))}
	if set != nil {
		set(&cfg)
	}
	f.Python, err = NewPython(cfg)
	fatal(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	f.begin = func() {
		go func() {
			defer close(done)
			if err := f.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		t.Cleanup(f.stop)
	}
	f.stop = func() { cancel(); <-done }
	return f
}

func startPython(t testing.TB, set func(*PythonConfig)) *pythonFixture {
	t.Helper()
	f := newPython(t, set)
	f.begin()
	return f
}

func (f *pythonFixture) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial(f.Addr().Network(), f.Addr().String())
	fatal(t, err)
	t.Cleanup(func() { c.Close() })
	fatal(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// refuses makes a connection that is closed at once, perhaps before it is known here.
func (f *pythonFixture) refuses(t testing.TB) {
	t.Helper()
	c, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		return
	}
	defer c.Close()
	fatal(t, c.SetDeadline(time.Now().Add(patience)))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("it is not closed: %v", err)
	}
}

func (f *pythonFixture) said(t testing.TB, what string) {
	t.Helper()
	f.logs.wait(t, what)
}

// closeWrite says that nothing more comes.
func closeWrite(t testing.TB, c net.Conn) {
	t.Helper()
	fatal(t, c.(interface{ CloseWrite() error }).CloseWrite())
}

// framed puts its length before a pickle.
func framed(pickle string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(pickle)))) + pickle
}

// one is a record with a message.
func one(msg string) string {
	return framed(pickleOf("name", "shop", "msg", msg, "args", nil, "levelno", 40, "process", 7))
}

// What a connection sends, up to its end, and what comes of it.
var pythonStreams = []struct {
	name, sent           string
	want                 []string
	malformed, truncated uint64
	said                 string
}{
	{"one", one("a"), []string{"shop a"}, 0, 0, ""},
	{"three", one("a") + one("b") + one("c"), []string{"shop a", "shop b", "shop c"}, 0, 0, ""},
	{"nothing", "", nil, 0, 0, ""},
	{"no pickle", framed("!ello") + one("a"), []string{"shop a"}, 1, 0, "no pickle"},
	{"no dict", framed("]K\x01a.") + one("a"), []string{"shop a"}, 1, 0, "no dict"},
	{"an empty record", framed("") + one("a"), []string{"shop a"}, 1, 0, "breaks off"},
	{"a call", framed("cos\nsystem\n(S'false'\ntR.") + one("a"), []string{"shop a"}, 1, 0, "no dict"},
	{"no LogRecord", framed(pickleOf("message", "a", "x", 1)), []string{" a"}, 0, 0, ""},
	{"broken off in a record", one("a") + one("b")[:30], []string{"shop a"}, 1, 0, "ended after 26 of its"},
	{"broken off in a length", one("a") + "\x00\x00", []string{"shop a"}, 1, 0, "ended in its length"},
	{"too long", one("a") + one(strings.Repeat("x", 5000)) + one("b"), []string{"shop a", "shop b"}, 0, 1, "longer than max_message_size"},
	{"too long, broken off", one(strings.Repeat("x", 5000))[:3000], nil, 0, 1, "longer than max_message_size"},
	{"as long as can be", framed(pickleOf("message", strings.Repeat("x", 4096-27))), []string{" " + strings.Repeat("x", 4096-27)}, 0, 0, ""},
	{"a bomb", framed("}X\x04\x00\x00\x00bomb)"+strings.Repeat("2\x86", 100)+"s.") + one("a"), []string{` {"bomb":"<too large>"} [cut]`, "shop a"}, 0, 1, ""},
	{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n" + one("a"), nil, 1, 0, "HTTP"},
	{"syslog", "<13>Nov 20 15:17:52 web1 app: x\n", nil, 1, 0, "that is syslog"},
	{"octet-counted syslog", "33 <13>Nov 20 15:17:52 web1 app: x", nil, 1, 0, "that is syslog"},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00", nil, 1, 0, "that is TLS"},
	{"JSON", `{"message": "x"}` + "\n", nil, 1, 0, "that is JSON"},
	{"garbage", "\xff\xfe\xfd\xfc\xfb", nil, 1, 0, "no length"},
	{"garbage behind a record", one("a") + "\xff\xfe\xfd\xfc\xfb", []string{"shop a"}, 1, 0, "no length"},
}

// Each stream comes at once, and again in single bytes: nothing depends on where a read ends.
func TestPythonStreams(t *testing.T) {
	for _, c := range pythonStreams {
		for _, size := range []int{len(c.sent), 1} {
			f := startPython(t, func(cfg *PythonConfig) { cfg.MaxMessageSize = 4096 })
			nc := f.dial(t)
			for i := 0; i < len(c.sent); i += size {
				if _, err := io.WriteString(nc, c.sent[i:i+size]); err != nil {
					break // it has closed
				}
			}
			_ = nc.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, nc) // until it closes
			eventually(t, "the end", func() bool { return f.counters.Connections.Load() == 0 })
			f.stop()
			got := strings.Join(f.sink.lines, "\n")
			if want := strings.Join(c.want, "\n"); got != want {
				t.Errorf("%s: got %.300q, want %.300q", c.name, got, want)
			}
			if m, cut := f.counters.Malformed.Load(), f.counters.Truncated.Load(); m != c.malformed || cut != c.truncated {
				t.Errorf("%s: %d malformed, %d truncated", c.name, m, cut)
			}
			if !strings.Contains(f.logs.String(), c.said) || c.said == "" && f.logs.String() != "" {
				t.Errorf("%s: said %s", c.name, f.logs.String())
			}
		}
	}
}

func TestPythonFields(t *testing.T) {
	f := startPython(t, nil)
	got := make(chan string, 1)
	f.sink.first(func(b *syslog.Batch) {
		m := &b.Messages[0]
		got <- strings.Join([]string{m.Facility.String(), m.Severity.String(), string(m.Hostname), string(m.Tag), string(m.AppName), string(m.ProcID),
			string(m.Channel), m.Timestamp.Time().UTC().Format(time.RFC3339Nano), string(m.Origin.Source), m.Origin.Transport.String(), string(m.Msg)}, "|")
		if b.Feed.Patience != syslog.Patiently {
			t.Error("it is not patient")
		}
	})
	_, err := io.WriteString(f.dial(t), framed(recordPickle("bezahlt: 12 €", "Traceback:\nKeyError: 1")))
	fatal(t, err)
	want := "user|info|127.0.0.1|shop.orders[4711]:|shop.orders|4711|shop.orders|2026-11-20T15:24:32.003123Z|127.0.0.1|python|bezahlt: 12 €\nTraceback:\nKeyError: 1"
	if g := <-got; g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// A peer that has a quarter of the places gets no more, others do; one that leaves makes room.
func TestPythonCrowd(t *testing.T) {
	f := startPython(t, func(cfg *PythonConfig) { cfg.MaxConnections = 8 })
	first, second := f.dial(t), f.dial(t)
	eventually(t, "two connections", func() bool { return f.counters.Connections.Load() == 2 })
	f.refuses(t)
	f.said(t, "a quarter of max_connections")
	if n := f.counters.ConnectionsRefused.Load(); n != 1 {
		t.Errorf("%d refused", n)
	}
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", f.Addr().String())
	fatal(t, err)
	defer other.Close()
	_, err = io.WriteString(other, one("other"))
	fatal(t, err)
	f.sink.wait(t, 1)
	first.Close()
	eventually(t, "one gone", func() bool { return f.counters.Connections.Load() == 2 })
	_, err = io.WriteString(f.dial(t), one("fourth"))
	fatal(t, err)
	_, err = io.WriteString(second, one("second"))
	fatal(t, err)
	f.sink.wait(t, 3)
}

func TestPythonAllow(t *testing.T) {
	f := startPython(t, func(cfg *PythonConfig) { cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")} })
	f.refuses(t)
	f.said(t, "not in allow")
	if n := f.counters.DroppedNotAllowed.Load(); n != 1 {
		t.Errorf("%d not allowed", n)
	}
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", f.Addr().String())
	fatal(t, err)
	defer other.Close()
	_, err = io.WriteString(other, one("other"))
	fatal(t, err)
	f.sink.wait(t, 1)
}

func TestPythonIdle(t *testing.T) {
	f := startPython(t, func(cfg *PythonConfig) { cfg.IdleTimeout = 20 * time.Millisecond })
	c := f.dial(t)
	_, err := io.WriteString(c, one("a")+one("b")[:20])
	fatal(t, err)
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
	f.sink.wait(t, 1)
	f.said(t, "idle_timeout")
}

// failing fails to accept a few times.
type failing struct {
	net.Listener
	left atomic.Int32
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func (l *failing) SetDeadline(d time.Time) error { return l.Listener.(*net.TCPListener).SetDeadline(d) }

func TestPythonAcceptFails(t *testing.T) {
	f := startPython(t, func(cfg *PythonConfig) {
		l := &failing{Listener: cfg.Socket}
		l.left.Store(3)
		cfg.Socket = l
	})
	_, err := io.WriteString(f.dial(t), one("a"))
	fatal(t, err)
	f.sink.wait(t, 1)
	f.said(t, "too many open files")
	f.said(t, "accepted again")
}

// What was sent before the end is read, also of connections that nobody has accepted yet.
func TestPythonDrain(t *testing.T) {
	f := newPython(t, nil)
	const many = 20
	for range many {
		_, err := io.WriteString(f.dial(t), one("a")+one("b"))
		fatal(t, err)
	}
	f.begin()
	f.stop()
	if n := len(f.sink.lines); n != 2*many {
		t.Errorf("%d messages", n)
	}
}

// The peer has its FIN when what it sent is at rest, and not before.
func TestPythonReceipt(t *testing.T) {
	f := startPython(t, nil)
	rest := newShelf()
	f.sink.mark(rest)
	c := f.dial(t)
	_, err := io.WriteString(c, one("a"))
	fatal(t, err)
	closeWrite(t, c)
	f.sink.wait(t, 1)
	fatal(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("closed before it was at rest: %v", err)
	}
	rest.settle()
	fatal(t, c.SetReadDeadline(time.Now().Add(patience)))
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

// Where it does not come to rest before the input has to end, there is no receipt.
func TestPythonNoReceipt(t *testing.T) {
	f := startPython(t, nil)
	f.sink.mark(newShelf())
	c := f.dial(t)
	_, err := io.WriteString(c, one("a"))
	fatal(t, err)
	closeWrite(t, c)
	f.sink.wait(t, 1)
	f.stop()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the end is %v", err)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// A connection whose target is full keeps no other waiting, however many such there are.
func TestPythonFullTarget(t *testing.T) {
	f := startPython(t, nil)
	release := make(chan struct{})
	f.sink.first(func(b *syslog.Batch) {
		if string(b.Messages[0].Msg) == "wait" {
			<-release
		}
	})
	for range 40 {
		_, err := io.WriteString(f.dial(t), one("wait"))
		fatal(t, err)
	}
	_, err := io.WriteString(f.dial(t), one("pass"))
	fatal(t, err)
	if got := f.sink.wait(t, 1); got[0] != "shop pass" {
		t.Errorf("first came %q", got[0])
	}
	close(release)
	f.sink.wait(t, 41)
}

func TestPythonOptions(t *testing.T) {
	for _, c := range []struct {
		set  func(*PythonOptions)
		want string
	}{
		{func(o *PythonOptions) { o.MaxMessageSize = 0 }, "max_message_size"},
		{func(o *PythonOptions) { o.MaxMessageSize = 65 << 20 }, "max_message_size"},
		{func(o *PythonOptions) { o.MaxConnections = 0 }, "max_connections"},
		{func(o *PythonOptions) { o.IdleTimeout = -1 }, "idle_timeout"},
	} {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		fatal(t, err)
		cfg := PythonConfig{PythonOptions: DefaultPythonOptions(), Socket: socket}
		c.set(&cfg.PythonOptions)
		if _, err := NewPython(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want something about %s", err, c.want)
		}
		if _, err := net.Dial("tcp", socket.Addr().String()); err == nil {
			t.Error("the socket is still open")
		}
	}
}
