package listen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

var (
	plainStreams     = []syslog.Transport{syslog.Unix, syslog.TCP}
	streamTransports = append(plainStreams, syslog.TLS)
)

// Each piece is one write; "…" waits until all of them were read and 100 ms of silence have passed, which is to say
// until the next wanted message has come; "RST" breaks the connection. At the end it is closed.
func TestStreams(t *testing.T) {
	for _, c := range []struct {
		name    string
		framing syslog.Framing
		limit   int
		pieces  []string
		want    []string
	}{
		{"lines", syslog.AutoFraming, 0, []string{"<13>a\n<13>b\n"}, []string{"<13>a", "<13>b"}},
		{"a line in pieces", syslog.AutoFraming, 0, []string{"<1", "3>", "a", "\n<13>b\r", "\n"}, []string{"<13>a", "<13>b"}},
		{"the last line has no end", syslog.AutoFraming, 0, []string{"<13>a\n<13>b"}, []string{"<13>a", "<13>b"}},
		{"octet counts in pieces", syslog.AutoFraming, 0, []string{"1", "0 <13>abc", "def9", " <13>xyz", "\n\n"}, []string{"<13>abcdef", "<13>xyz\n"}},
		{"an incomplete counted frame", syslog.AutoFraming, 0, []string{"20 <13>abc"}, []string{"<13>abc [an incomplete frame]"}},
		{"NULs", syslog.AutoFraming, 0, []string{"<14>a\x00<11>Trace:\n  b\x00"}, []string{"<14>a", "<11>Trace:\n  b"}},
		{"a newline that silence ends", syslog.AutoFraming, 0, []string{"<14>a\x00<14>b\n", "…", "<14>c\n"}, []string{"<14>a", "<14>b", "<14>c"}},
		{"silence twice", syslog.AutoFraming, 0, []string{"<14>a\x00<14>b\n", "…", "<14>c\n", "…", "<14>d\x00"}, []string{"<14>a", "<14>b", "<14>c", "<14>d"}},
		{"no delimiters", syslog.Unframed, 0, []string{"<13>1 2026-11-20T15:17:52Z h a - - - x<13>1 2026-11-20T15:17:53Z h a - - - y", "…", "<13>1 2026-11-20T15:17:54Z h a - - - z"},
			[]string{"<13>1 2026-11-20T15:17:52Z h a - - - x", "<13>1 2026-11-20T15:17:53Z h a - - - y", "<13>1 2026-11-20T15:17:54Z h a - - - z"}},
		{"too long", syslog.AutoFraming, 8, []string{"<13>" + strings.Repeat("a", 1000), strings.Repeat("a", 500_000) + "\n<13>b\n"}, []string{"<13>aaaa [cut at max_message_size]", "<13>b"}},
		{"too long for a count", syslog.AutoFraming, 8, []string{"1000 <13>aaaa" + strings.Repeat("\n", 992), "5 <13>b"}, []string{"<13>aaaa [cut at max_message_size]", "<13>b"}},
		{"long", syslog.AutoFraming, 0, []string{"<13>" + strings.Repeat("a", 65532) + "\n<13>" + strings.Repeat("b", 65000), "\n"}, []string{"<13>" + strings.Repeat("a", 65532), "<13>" + strings.Repeat("b", 65000)}},
		{"nothing", syslog.AutoFraming, 0, []string{"\n\n\x00\r\n"}, nil},
		{"rubbish", syslog.AutoFraming, 0, []string{"\x17\x03\x01\x02\x00\x01\n99999999 <x\n<>\n"}, []string{"\x17\x03\x01\x02", "\x01\n99999999 <x\n<>"}},
	} {
		for _, transport := range streamTransports {
			t.Run(c.name+"/"+transport.String(), func(t *testing.T) {
				t.Parallel()
				cfg := testConfig(t, transport)
				cfg.Framing = c.framing
				if c.limit > 0 {
					cfg.MaxMessageSize = c.limit
				}
				f := run(t, cfg)
				conn := f.dial()
				silences := 0
				for _, p := range c.pieces {
					if p != "…" {
						send(t, conn, p)
						continue
					}
					silences++
					f.sink.wait(t, len(c.want)-strings.Count(strings.Join(c.pieces, " "), "…")+silences-1)
				}
				conn.(interface{ CloseWrite() error }).CloseWrite()
				if got := closed(conn); got != "FIN" {
					t.Errorf("closed with %s", got)
				}
				if diff := cmp.Diff(c.want, f.sink.wait(t, len(c.want))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				f.stop()
				if diff := cmp.Diff(count(f.sink.lines), f.counted()); diff != "" {
					t.Errorf("counters (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// However a stream comes in pieces, its frames are the same.
func TestPiecesOfStreams(t *testing.T) {
	var stream bytes.Buffer
	var want []string
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		m := fmt.Sprintf("<%d>Nov 20 15:17:52 host app[%d]: %s", i%192, i, strings.Repeat("x", random.IntN(300)))
		if i%100 == 99 {
			m += strings.Repeat("y", random.IntN(70_000))
		}
		if i%3 == 0 {
			fmt.Fprintf(&stream, "%d %s", len(m), m)
		} else {
			fmt.Fprintf(&stream, "%s\n", m)
		}
		if len(m) > 64<<10 {
			m = m[:64<<10] + " [cut at max_message_size]"
		}
		want = append(want, m)
	}
	for _, transport := range streamTransports {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(transport, seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 0))
				f := run(t, testConfig(t, transport))
				conn := f.dial()
				for rest := stream.Bytes(); len(rest) > 0; {
					k := min(len(rest), 1+random.IntN(1<<(1+random.IntN(17))))
					send(t, conn, string(rest[:k]))
					rest = rest[k:]
				}
				conn.Close()
				if diff := cmp.Diff(want, f.sink.wait(t, len(want))); diff != "" {
					t.Errorf("(-want +got):\n%.1000s", diff)
				}
			})
		}
	}
}

// What came before a connection breaks is kept.
func TestReset(t *testing.T) {
	f := run(t, testConfig(t, syslog.TCP))
	conn := f.dial()
	send(t, conn, "<13>a\n<13>b\n", "30 <13>half")
	f.sink.wait(t, 2)
	must(t, conn.(*net.TCPConn).SetLinger(0))
	conn.Close() // with RST
	if diff := cmp.Diff([]string{"<13>a", "<13>b", "<13>half [an incomplete frame]"}, f.sink.wait(t, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	eventually(t, "the connection is gone", func() bool { return f.Counters().Connections.Load() == 0 })
	send(t, f.dial(), "<13>next\n")
	f.sink.wait(t, 4)
}

func TestMaxConnections(t *testing.T) {
	for _, transport := range plainStreams {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			cfg.MaxConnections = 4
			f := run(t, cfg)
			var conns []net.Conn
			for i := range 4 {
				conns = append(conns, dialFrom(t, f, fmt.Sprintf("127.0.5.%d", i+1)))
				send(t, conns[i], "<13>a\n")
			}
			f.sink.wait(t, 4)
			for range 3 {
				if got := closed(dialFrom(t, f, "127.0.5.9")); got != "FIN" {
					t.Errorf("closed with %s", got)
				}
			}
			if got := f.counted(); got["refused"] != 3 || got["connections"] != 4 {
				t.Errorf("counted %v", got)
			}
			if n := strings.Count(f.logs.String(), "max_connections are open"); n != 1 {
				t.Errorf("said %d times:\n%s", n, f.logs)
			}
			conns[0].Close()
			eventually(t, "a place is free", func() bool { return f.Counters().Connections.Load() == 3 })
			send(t, dialFrom(t, f, "127.0.5.9"), "<13>b\n")
			f.sink.wait(t, 5)
		})
	}
}

// dialFrom connects from an address of the loopback network.
func dialFrom(t testing.TB, f *fixture, ip string) net.Conn {
	t.Helper()
	d := net.Dialer{}
	if f.Addr().Network() == "tcp" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	c, err := d.Dial(f.Addr().Network(), f.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestQuarterOfConnections(t *testing.T) {
	cfg := testConfig(t, syslog.TCP)
	cfg.MaxConnections = 8
	f := run(t, cfg)
	var conns []net.Conn
	for range 2 {
		c := dialFrom(t, f, "127.0.5.1")
		send(t, c, "<13>a\n")
		conns = append(conns, c)
	}
	f.sink.wait(t, 2)
	if got := closed(dialFrom(t, f, "127.0.5.1")); got != "FIN" {
		t.Errorf("closed with %s", got)
	}
	send(t, dialFrom(t, f, "127.0.5.2"), "<13>b\n")
	f.sink.wait(t, 3)
	conns[1].Close()
	eventually(t, "it is gone", func() bool { return f.Counters().Connections.Load() == 2 })
	send(t, dialFrom(t, f, "127.0.5.1"), "<13>c\n")
	f.sink.wait(t, 4)
	if got := f.Counters().ConnectionsRefused.Load(); got != 1 {
		t.Errorf("%d refused", got)
	}
}

func TestAllowConnections(t *testing.T) {
	cfg := testConfig(t, syslog.TCP)
	cfg.Address = ":0" // where an IPv4 peer is seen as an IPv6-mapped one
	cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.5.0/24")}
	f := run(t, cfg)
	_, port, _ := net.SplitHostPort(f.Addr().String())
	for _, c := range []struct{ ip, want string }{{"127.0.6.1", "FIN"}, {"127.0.5.1", "data"}, {"127.0.0.1", "FIN"}} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.ip)}}
		conn, err := d.Dial("tcp", "127.0.0.1:"+port)
		must(t, err)
		if c.want == "FIN" {
			if got := closed(conn); got != "FIN" {
				t.Errorf("%s: closed with %s", c.ip, got)
			}
		} else {
			send(t, conn, "<13>"+c.ip+"\n")
			f.sink.wait(t, 1)
		}
		conn.Close()
	}
	f.stop()
	if diff := cmp.Diff(map[string]uint64{"messages": 1, "bytes": 13, "not_allowed": 2}, f.counted()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An idle connection is closed with what it had begun to say; the time counts from its last byte.
func TestIdleTimeout(t *testing.T) {
	for _, idle := range []time.Duration{50 * time.Millisecond, 400 * time.Millisecond} {
		t.Run(idle.String(), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t, syslog.TCP)
			cfg.IdleTimeout = idle
			f := run(t, cfg)
			conn := f.dial()
			send(t, conn, "<13>a\n")
			conn.SetReadDeadline(time.Now().Add(idle / 2))
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Skipf("the machine is too busy for this test: %v", err)
			}
			last := time.Now()
			send(t, conn, "<13>half")
			if got := closed(conn); got != "FIN" {
				t.Skipf("the machine is too busy for this test: closed with %s", got) // before it read the rest
			}
			if took := time.Since(last); took < idle-time.Millisecond && len(f.sink.wait(t, 1)) == 2 {
				t.Errorf("closed after %v", took)
			}
			f.stop()
			if got := f.sink.lines; len(got) != 2 || got[1] != "<13>half" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A waiter is a Target whose messages are at rest when told.
type waiter struct {
	settled chan struct{}
	asked   atomic.Uint64
}

func (w *waiter) Settled(position uint64) <-chan struct{} {
	w.asked.Store(position)
	return w.settled
}

// Our FIN is the peer's receipt: it comes when all is at rest, not before.
func TestReceipt(t *testing.T) {
	for _, transport := range streamTransports {
		t.Run(transport.String(), func(t *testing.T) {
			target := &waiter{settled: make(chan struct{})}
			h := newSink()
			h.target = target
			cfg := testConfig(t, transport)
			cfg.Handler = h
			f := run(t, cfg)
			conn := f.dial()
			send(t, conn, "<13>a\n<13>b\n<13>c")
			conn.(interface{ CloseWrite() error }).CloseWrite()
			eventually(t, "the ticket is asked for", func() bool { return target.asked.Load() == 3 })
			conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("closed early: %v", err)
			}
			close(target.settled)
			if got := closed(conn); got != "FIN" {
				t.Errorf("closed with %s", got)
			}
		})
	}
}

// Connections that wait for their receipt do not shut out further ones of their address.
func TestReceiptsTakeNoPlace(t *testing.T) {
	target := &waiter{settled: make(chan struct{})}
	h := newSink()
	h.target = target
	cfg := testConfig(t, syslog.TCP)
	cfg.Handler, cfg.MaxConnections = h, 8 // two for an address
	f := run(t, cfg)
	for i := range 5 {
		conn := f.dial()
		send(t, conn, "<13>a\n")
		conn.(interface{ CloseWrite() error }).CloseWrite()
		eventually(t, "the message and the EOF are read", func() bool { return int(target.asked.Load()) > i })
	}
	close(target.settled)
	h.wait(t, 5)
}

// At the end of the listener a receipt is waited for no longer than draining may last. Without one TCP ends in an RST.
func TestReceiptAtTheEnd(t *testing.T) {
	for _, transport := range everyTransport {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			h := newSink()
			h.target = &waiter{settled: make(chan struct{})} // never
			cfg := testConfig(t, transport)
			cfg.Handler = h
			f := run(t, cfg)
			conn := f.dial()
			send(t, conn, "<13>a\n")
			h.wait(t, 1)
			start := time.Now()
			f.stop()
			if took := time.Since(start); took < drainTime || took > 3*drainTime {
				t.Errorf("took %v", took)
			}
			if transport == syslog.TCP || transport == syslog.TLS {
				if got := closed(conn); !strings.Contains(got, "reset") {
					t.Errorf("closed with %s, and nothing is at rest", got)
				}
			}
		})
	}
}

// Everything that was sent before the end arrives, from open connections and from such as were not even accepted.
func TestDrainStreams(t *testing.T) {
	for _, transport := range plainStreams {
		t.Run(transport.String(), func(t *testing.T) {
			h := newSink()
			blocked, release := make(chan struct{}, 1), make(chan struct{})
			h.before = func(b *syslog.Batch) {
				select {
				case blocked <- struct{}{}:
					<-release
				default:
				}
			}
			cfg := testConfig(t, transport)
			cfg.Handler = h
			f := open(t, cfg)
			want := 0
			write := func(c net.Conn) {
				for range 100 {
					send(t, c, "<13>a\n")
				}
				send(t, c, "<13>half")
				want += 101
			}
			var conns []net.Conn
			for range 20 { // wait in the backlog, half of them closed
				c := f.dial()
				write(c)
				if conns = append(conns, c); len(conns)%2 == 0 {
					c.Close()
				}
			}
			f.run()
			eventually(t, "the handler blocks", func() bool { return len(blocked) == 1 })
			write(conns[0])
			write(f.dial())
			stopped := make(chan struct{})
			go func() { f.stop(); close(stopped) }()
			eventually(t, "the listener stops", f.stopping.Load)
			close(release)
			<-stopped
			// A frame that was cut in two by "half" is one message.
			if got := len(h.wait(t, want-1)); got != want-1 {
				t.Errorf("%d messages, want %d", got, want-1)
			}
			if got := closed(conns[2]); got != "FIN" {
				t.Errorf("closed with %s", got)
			}
			if _, err := net.Dial(f.Addr().Network(), f.Addr().String()); err == nil {
				t.Error("somebody still listens")
			}
		})
	}
}

// A connection that was accepted just before the end is given a moment: what its peer sends at once arrives. (A listener whose
// socket another process keeps, or a reload, may accept one that late.)
func TestNewcomerAtTheEnd(t *testing.T) {
	for _, transport := range plainStreams {
		t.Run(transport.String(), func(t *testing.T) {
			for range 20 {
				f := run(t, testConfig(t, transport))
				start := time.Now()
				conn := f.dial()
				eventually(t, "the connection is accepted", func() bool { return f.Counters().Connections.Load() == 1 })
				stopped := make(chan struct{})
				go func() { f.stop(); close(stopped) }()
				eventually(t, "the listener stops", f.stopping.Load)
				conn.Write([]byte("<13>a\n"))
				early := time.Since(start) < newcomerTime/2 // else the machine has kept us too long
				<-stopped
				if got := closed(conn); early && got != "FIN" {
					t.Fatalf("closed with %s", got)
				} else if early {
					f.sink.wait(t, 1)
				}
				if took := time.Since(start); early && took > drainTime {
					t.Errorf("it took %v to end", took)
				}
			}
		})
	}
}

// While connections wait for a full target, others go on, however many those are.
func TestConnectionsWait(t *testing.T) {
	const blocked = 2 * manyDesks
	h := newSink()
	release := make(chan struct{})
	waiting := make(chan struct{}, blocked)
	h.before = func(b *syslog.Batch) {
		if string(b.Messages[0].Raw) == "<13>blocked" {
			if b.Feed.Patience != syslog.Patiently {
				t.Errorf("patience %v", b.Feed.Patience)
			}
			waiting <- struct{}{}
			<-release
		}
	}
	cfg := testConfig(t, syslog.TCP)
	cfg.Handler = h
	f := run(t, cfg)
	for range blocked {
		send(t, f.dial(), "<13>blocked\n")
	}
	for range blocked {
		<-waiting
	}
	send(t, f.dial(), "<13>free\n"+strings.Repeat("x", 2*smallRead)+"\n")
	if got := h.wait(t, 2); got[0] != "<13>free" {
		t.Errorf("got %q", got)
	}
	close(release)
	h.wait(t, blocked+2)
}

// brokenListener fails to accept a few times, as when descriptors run out.
type brokenListener struct {
	streamListener
	failures atomic.Int32
}

func (b *brokenListener) Accept() (net.Conn, error) {
	if b.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return b.streamListener.Accept()
}

func TestAcceptFails(t *testing.T) {
	f := open(t, testConfig(t, syslog.TCP))
	s := f.sockets[0].(*stream)
	broken := &brokenListener{streamListener: s.ln}
	broken.failures.Store(4)
	s.ln = broken
	f.run()
	send(t, f.dial(), "<13>a\n")
	f.sink.wait(t, 1)
	logs := f.logs.String()
	if strings.Count(logs, "cannot accept connections") != 1 || !strings.Contains(logs, "too many open files") || strings.Count(logs, "accepted again") != 1 {
		t.Error(logs)
	}
}

// Messages that strict refuses are counted; what is no message is not.
func TestStrict(t *testing.T) {
	const good = "<13>Nov 20 15:17:52 host app[1]: x"
	for _, transport := range everyTransport {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			cfg.Strict = true
			f := run(t, cfg)
			send(t, f.dial(), "no PRI\n", "\n", "<13>no header\n", "\x00\n", good+"\n")
			f.sink.wait(t, 1)
			f.stop()
			if diff := cmp.Diff(map[string]uint64{"messages": 1, "bytes": uint64(len(good)), "strict": 2}, f.counted()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Many senders at once, that come and go in every way, lose nothing that they sent.
func TestManyConnections(t *testing.T) {
	f := run(t, testConfig(t, syslog.TCP))
	var senders sync.WaitGroup
	for i := range 50 {
		senders.Go(func() {
			for j := range 10 {
				c, err := net.Dial("tcp", f.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				for range 10 {
					fmt.Fprintf(c, "<13>%d %d\n", i, j)
				}
				if j%2 == 0 {
					c.(*net.TCPConn).CloseWrite()
					io.Copy(io.Discard, c)
				}
				c.Close()
			}
		})
	}
	senders.Wait()
	f.sink.wait(t, 5000)
	f.stop()
	if n := f.Counters().Messages.Load(); n != 5000 {
		t.Errorf("%d messages", n)
	}
}

// Reading a stream allocates nothing for a message. crypto/tls allocates something for a record.
func TestStreamsAllocateNothing(t *testing.T) {
	for transport, most := range map[syslog.Transport]float64{syslog.TCP: 5, syslog.TLS: 60} {
		t.Run(transport.String(), func(t *testing.T) {
			h := &counter{}
			cfg := testConfig(t, transport)
			cfg.Handler = h
			f := run(t, cfg)
			conn := f.dial()
			block := []byte(strings.Repeat(benchMessage(199)+"\n", 500))
			sent := int64(0)
			allocs := testing.AllocsPerRun(50, func() {
				if _, err := conn.Write(block); err != nil {
					t.Fatal(err)
				}
				sent += 500
				eventually(t, "all is there", func() bool { return h.n.Load() == sent })
			})
			t.Logf("%v allocations for 500 messages", allocs)
			if allocs > most { // in 500 messages: the pool may be emptied
				t.Errorf("more than %v", most)
			}
		})
	}
}
