package listen

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/syslog"
)

// become changes the input's options while it runs.
func (f *fixture) become(t *testing.T, set func(*Config)) {
	t.Helper()
	cfg := f.settings.Load().cfg
	set(&cfg)
	must(t, f.CheckChange(cfg))
	f.Change(cfg)
}

// What changes for connections and sockets that stay open.
func TestChange(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*Config)
		before string
		after  string
		want   string // the last line
	}{
		{"nothing", func(*Config) {}, "<13>a: x\n", "<13>b: y\n", "<13>b: y"},
		{"max_message_size", func(cfg *Config) { cfg.MaxMessageSize = 8 }, "<13>a: x\n", "<13>b: 123456789\n", "<13>b: 1 [cut at max_message_size]"},
		{"a larger one", func(cfg *Config) { cfg.MaxMessageSize = 1 << 20 }, "<13>a: x\n", "<13>b: " + strings.Repeat("y", 40000) + "\n", "<13>b: " + strings.Repeat("y", 40000)},
		{"the name", func(cfg *Config) { cfg.Name = "renamed" }, "<13>a: x\n", "<13>b: y\n", "<13>b: y"},
		{"hostname", func(cfg *Config) { cfg.Hostname = "web2" }, "<13>a: x\n", "<13>b: y\n", "<13>b: y"},
	} {
		for _, transport := range []syslog.Transport{syslog.TCP, syslog.TLS, syslog.Unix, syslog.UDP, syslog.Unixgram} {
			t.Run(c.name+" of "+transport.String(), func(t *testing.T) {
				f := run(t, testConfig(t, transport))
				conn := f.dial()
				send(t, conn, c.before)
				f.sink.wait(t, 1)
				f.become(t, c.set)
				send(t, conn, "<13>c: \n") // may be read by whoever looked a moment before the change
				f.sink.wait(t, 2)
				send(t, conn, c.after)
				if got := f.sink.wait(t, 3)[2]; got != c.want {
					t.Errorf("got %.80q", got)
				}
				f.sink.mu.Lock()
				defer f.sink.mu.Unlock()
				now := f.settings.Load().cfg
				if o := f.sink.origin; o.Input != now.Name || o.Local && string(o.Host) != now.Hostname {
					t.Errorf("the origin is %s of %s", o.Host, o.Input)
				}
			})
		}
	}
}

// A message that is half there is ended as it was begun.
func TestChangeMidway(t *testing.T) {
	f := run(t, testConfig(t, syslog.TCP))
	conn := f.dial()
	send(t, conn, "<13>a: x\n<13>b: "+strings.Repeat("y", 1000))
	f.sink.wait(t, 1)
	f.become(t, func(cfg *Config) { cfg.MaxMessageSize, cfg.Framing = 10, syslog.NULFramed })
	send(t, conn, "z\n")
	f.sink.wait(t, 2)
	send(t, conn, "<13>c: 12345\x00")
	want := []string{"<13>a: x", "<13>b: " + strings.Repeat("y", 1000) + "z", "<13>c: 123 [cut at max_message_size]"}
	if got := f.sink.wait(t, 3); !slices.Equal(got, want) {
		t.Errorf("got %.200q", got)
	}
}

// Who may connect, how many, how long they may be silent, and what the socket's file is like.
func TestChangeWhoMay(t *testing.T) {
	f := run(t, testConfig(t, syslog.TCP))
	old := f.dial()
	send(t, old, "<13>a: x\n")
	f.sink.wait(t, 1)
	f.become(t, func(cfg *Config) { cfg.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	if how := closed(f.dial()); how == "data" {
		t.Error(how)
	}
	f.become(t, func(cfg *Config) { cfg.Allow, cfg.MaxConnections = nil, 1 })
	if how := closed(f.dial()); how == "data" {
		t.Error(how)
	}
	f.become(t, func(cfg *Config) { cfg.IdleTimeout = 10 * time.Millisecond })
	if how := closed(old); how != "FIN" {
		t.Errorf("a connection that is idle for long ends with %s", how)
	}

	f = run(t, testConfig(t, syslog.Unix))
	f.become(t, func(cfg *Config) { cfg.Mode = 0o600 })
	info, err := os.Stat(f.cfg.Address)
	must(t, err)
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the mode is %o", mode)
	}
}

func TestCheckChange(t *testing.T) {
	f := run(t, testConfig(t, syslog.UDP))
	for want, set := range map[string]func(*Config){
		"another socket": func(cfg *Config) { cfg.Address = "127.0.0.1:1" },
		"udp://" + f.cfg.Address + ": workers cannot change while the socket is open: restart for that": func(cfg *Config) { cfg.Workers = 2 },
		"udp://" + f.cfg.Address + ": max_connections is 0, not at least 1":                             func(cfg *Config) { cfg.MaxConnections = 0 },
	} {
		cfg := f.cfg
		set(&cfg)
		if err := f.CheckChange(cfg); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A hundred changes while four connections and a socket of datagrams are sent to: nothing is lost.
func TestChangeUnderLoad(t *testing.T) {
	for _, transport := range []syslog.Transport{syslog.TCP, syslog.Unixgram} {
		t.Run(transport.String(), func(t *testing.T) {
			f := run(t, testConfig(t, transport))
			const each = 5000
			var senders sync.WaitGroup
			for i := range 4 {
				conn := f.dial()
				senders.Go(func() {
					for n := range each {
						if _, err := fmt.Fprintf(conn, "<13>a%d: %d\n", i, n); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for i := range 100 {
				f.become(t, func(cfg *Config) { cfg.MaxMessageSize = 1000 + 100*(i%7) })
			}
			senders.Wait()
			got := f.sink.wait(t, 4*each)
			slices.Sort(got)
			if n := len(slices.Compact(got)); n != 4*each {
				t.Errorf("%d different messages", n)
			}
		})
	}
}

// The counters are looked at while a socket of UDP gets other settings: a race that a soak under the detector found.
func TestCountersDuringChange(t *testing.T) {
	f := run(t, testConfig(t, syslog.UDP))
	conn := f.dial()
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				f.Counters()
			}
		}
	})
	for i := range 20 {
		f.become(t, func(cfg *Config) { cfg.MaxMessageSize = 1000 + i })
		fmt.Fprintf(conn, "<13>a: %d", i)
		f.sink.wait(t, i+1)
	}
	close(stop)
	looking.Wait()
}

// countingListener makes connections that count how often they are waited for.
type countingListener struct {
	*net.TCPListener
	reads *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	return countingConn{c, l.reads}, err
}

type countingConn struct {
	*net.TCPConn
	reads *atomic.Int64
}

func (c countingConn) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.TCPConn.SyscallConn()
	return countingRaw{raw, c.reads}, err
}

type countingRaw struct {
	syscall.RawConn
	reads *atomic.Int64
}

func (r countingRaw) Read(f func(uintptr) bool) error {
	r.reads.Add(1)
	return r.RawConn.Read(f)
}

// A connection on which a silence has ended a message waits for the next one, and does not ask without end.
func TestSilenceIsOver(t *testing.T) {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	s := newSink()
	cfg := testConfig(t, syslog.TCP)
	cfg.Handler = s
	l := newListener(cfg)
	var reads atomic.Int64
	must(t, l.addStream(countingListener{ln, &reads}, syslog.TCP))
	f := &fixture{Listener: l, sink: s, logs: &logbook{}, t: t}
	f.run()
	conn := f.dial()
	send(t, conn, "<13>a: 0\x00<13>a: 1\n") // only silence ends the second
	f.sink.wait(t, 2)
	const more = 50
	for i := range more {
		send(t, conn, "<13>a: x\x00")
		f.sink.wait(t, 3+i)
	}
	if n := reads.Load(); n > 4*more {
		t.Errorf("it was looked at %d times for %d messages", n, more+2)
	}
}
