package listen

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/syslog"
)

var datagramTransports = []syslog.Transport{syslog.Unixgram, syslog.UDP}

// Each datagram is a message, or nothing.
func TestDatagrams(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		sent  []string
		want  []string
	}{
		{"messages", 0, []string{"<13>a", "<13>b\n", "<13>c\x00"}, []string{"<13>a", "<13>b", "<13>c"}},
		{"newlines inside", 0, []string{"<13>a\nb\n\n"}, []string{"<13>a\nb\n"}},
		{"nothing", 0, []string{"", "\n", "\x00", "\r\n\x00\x00", "<13>a"}, []string{"<13>a"}},
		{"an octet count is text", 0, []string{"5 <13>a"}, []string{"5 <13>a"}},
		{"rubbish", 0, []string{"<999>x", "\xff\xfe", "<", "\x00\x00a"}, []string{"<999>x [a broken PRI]", "\xff\xfe", "< [a broken PRI]", "\x00\x00a"}},
		{"just long enough", 8, []string{"<13>aaaa", "<13>aaaa\n"}, []string{"<13>aaaa", "<13>aaaa"}},
		{"too long", 8, []string{"<13>aaaaB", "<13>aaaaBB\n", "<13>b"}, []string{"<13>aaaa [cut at max_message_size]", "<13>aaaa [cut at max_message_size]", "<13>b"}},
		{"much too long", 0, []string{"<13>" + strings.Repeat("a", 65000)}, []string{"<13>" + strings.Repeat("a", 65000)}},
	} {
		for _, transport := range datagramTransports {
			t.Run(c.name+"/"+transport.String(), func(t *testing.T) {
				cfg := testConfig(t, transport)
				if c.limit > 0 {
					cfg.MaxMessageSize = c.limit
				}
				f := run(t, cfg)
				send(t, f.dial(), c.sent...)
				if diff := cmp.Diff(c.want, f.sink.wait(t, len(c.want))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				f.stop()
				if diff := cmp.Diff(count(c.want), f.counted()); diff != "" {
					t.Errorf("counters (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// count is what the counters should say of messages as a sink keeps them.
func count(lines []string) map[string]uint64 {
	m := map[string]uint64{}
	for _, line := range lines {
		raw, guess, _ := strings.Cut(line, " [")
		m["messages"]++
		m["bytes"] += uint64(len(raw))
		if strings.HasPrefix(guess, "cut") {
			m["truncated"]++
		} else if guess != "" {
			m["malformed"]++
		}
	}
	return m
}

// counted is what the counters say, those that are not 0.
func (f *fixture) counted() map[string]uint64 {
	c, m := f.Counters(), map[string]uint64{}
	for name, n := range map[string]uint64{
		"messages": c.Messages.Load(), "bytes": c.Bytes.Load(), "malformed": c.Malformed.Load(), "truncated": c.Truncated.Load(),
		"kernel": c.DroppedKernel.Load(), "not_allowed": c.DroppedNotAllowed.Load(), "strict": c.DroppedStrict.Load(),
		"connections": uint64(c.Connections.Load()), "refused": c.ConnectionsRefused.Load(),
	} {
		if n != 0 {
			m[name] = n
		}
	}
	return m
}

// logger(1) and others send what no UDP datagram can hold.
func TestLongUnixgram(t *testing.T) {
	f := run(t, testConfig(t, syslog.Unixgram))
	send(t, f.dial(), "<13>"+strings.Repeat("a", 200_000), "<13>b")
	want := []string{"<13>" + strings.Repeat("a", 65532) + " [cut at max_message_size]", "<13>b"}
	if diff := cmp.Diff(want, f.sink.wait(t, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who may write to /dev/log cannot plant descriptors in us.
func TestPlantedFiles(t *testing.T) {
	for _, transport := range localTransports {
		t.Run(transport.String(), func(t *testing.T) {
			f := run(t, testConfig(t, transport))
			c := f.dial().(*net.UnixConn)
			send(t, c, "<13>a\n")
			f.sink.wait(t, 1)
			raw, err := c.SyscallConn()
			must(t, err)
			before := descriptors(t)
			for range 20 {
				must(t, control(raw, func(fd int) error { return unix.Sendmsg(fd, []byte("<13>a\n"), unix.UnixRights(0), nil, 0) }))
			}
			f.sink.wait(t, 21)
			eventually(t, "the files on their way are gone", func() bool { return descriptors(t) <= before })
		})
	}
}

func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		transport syslog.Transport
		address   string // to listen on
		dial      string // host to dial
		want      syslog.Origin
	}{
		{syslog.Unixgram, "", "", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("web1"), Local: true}},
		{syslog.Unix, "", "", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("web1"), Local: true}},
		{syslog.UDP, "127.0.0.1:0", "127.0.0.1", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("127.0.0.1")}},
		{syslog.UDP, ":0", "127.0.0.1", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("127.0.0.1")}},
		{syslog.UDP, ":0", "::1", syslog.Origin{Source: []byte("::1"), Host: []byte("::1")}},
		{syslog.UDP, "[::1]:0", "::1", syslog.Origin{Source: []byte("::1"), Host: []byte("::1")}},
		{syslog.TCP, ":0", "127.0.0.1", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("127.0.0.1")}},
		{syslog.TCP, ":0", "::1", syslog.Origin{Source: []byte("::1"), Host: []byte("::1")}},
		{syslog.TCP, "localhost:0", "127.0.0.1", syslog.Origin{Source: []byte("127.0.0.1"), Host: []byte("127.0.0.1")}},
	} {
		t.Run(fmt.Sprint(c.transport, c.address, c.dial), func(t *testing.T) {
			cfg := testConfig(t, c.transport)
			if c.address != "" {
				cfg.Address = c.address
			}
			f := run(t, cfg)
			to := f.Addr().String()
			if c.dial != "" {
				_, port, _ := net.SplitHostPort(to)
				to = net.JoinHostPort(c.dial, port)
			}
			conn, err := net.Dial(f.Addr().Network(), to)
			if c.dial == "::1" && err != nil {
				t.Skip(err)
			}
			must(t, err)
			defer conn.Close()
			send(t, conn, "<13>Nov 20 15:17:52 app[1]: x\n")
			f.sink.wait(t, 1)
			f.stop()
			c.want.Input, c.want.Transport = "test", c.transport
			if diff := cmp.Diff(c.want, f.sink.from()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := f.sink.last.Hostname; string(got) != string(c.want.Host) {
				t.Errorf("hostname %q, want %q", got, c.want.Host)
			}
		})
	}
}

// Forged sources by the hundred thousand cost no more than maxPeers of them, and the true ones are still told apart.
func TestForgedSources(t *testing.T) {
	cfg := testConfig(t, syslog.UDP)
	cfg.Handler = newSink()
	p := newPeers(newListener(cfg).settings.Load())
	for i := range 200_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if got := p.origin(a.As16()); string(got.Source) != a.String() {
			t.Fatalf("%v has the source %s", a, got.Source)
		}
		if len(p.origins) > maxPeers {
			t.Fatalf("%d origins are kept", len(p.origins))
		}
	}
}

func TestManySources(t *testing.T) {
	f := run(t, testConfig(t, syslog.UDP))
	want := map[string]int{}
	for i := range 200 {
		d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 1, byte(i))}}
		c, err := d.Dial("udp", f.Addr().String())
		must(t, err)
		send(t, c, "<13>a", "<13>b")
		c.Close()
		want[fmt.Sprintf("127.0.1.%d", i)] = 2
	}
	f.sink.wait(t, 400)
	f.stop()
	if diff := cmp.Diff(want, f.sink.sources); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllowDatagrams(t *testing.T) {
	cfg := testConfig(t, syslog.UDP)
	cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.2.0/24"), netip.MustParsePrefix("::ffff:127.0.3.0/120")}
	f := run(t, cfg)
	for _, ip := range []string{"127.0.0.1", "127.0.2.9", "127.0.1.255", "127.0.3.1", "127.0.4.0"} {
		d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(ip)}}
		c, err := d.Dial("udp", f.Addr().String())
		must(t, err)
		send(t, c, "<13>"+ip, "")
		c.Close()
	}
	f.sink.wait(t, 2)
	f.stop()
	if diff := cmp.Diff(map[string]int{"127.0.2.9": 1, "127.0.3.1": 1}, f.sink.sources); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.Counters().DroppedNotAllowed.Load(); got != 3 {
		t.Errorf("%d dropped, want 3", got)
	}
	if n := strings.Count(f.logs.String(), "not in allow"); n != 1 {
		t.Errorf("said %d times:\n%s", n, f.logs)
	}
}

// What the kernel drops for want of room is counted to the last, though nothing comes behind it.
func TestKernelDrops(t *testing.T) {
	cfg := testConfig(t, syslog.UDP)
	cfg.ReceiveBuffer = 4096
	h := newSink()
	blocked, release := make(chan struct{}, 1), make(chan struct{})
	h.before = func(*syslog.Batch) {
		select {
		case blocked <- struct{}{}:
			<-release
		default:
		}
	}
	cfg.Handler = h
	f := run(t, cfg)
	c := f.dial()
	send(t, c, "<13>first")
	eventually(t, "the handler blocks", func() bool { return len(blocked) == 1 })
	const sent = 1000
	for range sent {
		send(t, c, "<13>more")
	}
	dropped := f.Counters().DroppedKernel.Load() // nothing is read yet
	if dropped == 0 || dropped >= sent {
		t.Fatalf("%d of %d dropped", dropped, sent)
	}
	close(release)
	h.wait(t, sent+1-int(dropped))
	f.stop()
	if got := f.counted(); got["messages"]+got["kernel"] != sent+1 {
		t.Errorf("%v of %d", got, sent+1)
	}
}

// The same from the control messages alone: countDropped is not asked until Run is over.
func TestKernelDropsOnTheWay(t *testing.T) {
	cfg := testConfig(t, syslog.UDP)
	cfg.ReceiveBuffer = 4096
	f := open(t, cfg)
	c := f.dial()
	for range 100 {
		send(t, c, "<13>early")
	}
	f.run()
	f.sink.wait(t, 1)
	eventually(t, "a control message tells", func() bool {
		send(t, c, "<13>late")
		return f.counters.DroppedKernel.Load() > 0
	})
	eventually(t, "the log tells", func() bool { return strings.Contains(f.logs.String(), "the kernel dropped") })
}

func TestDropsWrap(t *testing.T) {
	var d drops
	var got []uint64
	for _, total := range []uint32{0, 5, 5, 3, 1 << 30, 1<<31 + 7, 1<<32 - 1, 4, 2, 10} {
		got = append(got, d.advance(total))
	}
	want := []uint64{0, 5, 0, 0, 1<<30 - 5, 1<<30 + 7, 1<<31 - 8, 5, 0, 6}
	if !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
}

// All that was sent before the end arrives, though nobody read it until then.
func TestDrainDatagrams(t *testing.T) {
	for _, transport := range datagramTransports {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			h := newSink()
			blocked, release := make(chan struct{}, 1), make(chan struct{})
			h.before = func(*syslog.Batch) {
				select {
				case blocked <- struct{}{}:
					<-release
				default:
				}
			}
			cfg.Handler = h
			f := run(t, cfg)
			c := f.dial()
			send(t, c, "<13>0")
			eventually(t, "the handler blocks", func() bool { return len(blocked) == 1 })
			const more = 9 // max_dgram_qlen is 10 on many machines
			for i := range more {
				send(t, c, fmt.Sprintf("<13>%d", i+1))
			}
			stopped := make(chan struct{})
			go func() { f.stop(); close(stopped) }()
			eventually(t, "the listener stops", f.stopping.Load)
			close(release)
			<-stopped
			if got := h.wait(t, more+1); len(got) != more+1 || got[more] != "<13>9" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Workers share the port among themselves and with nobody else.
func TestWorkers(t *testing.T) {
	cfg := testConfig(t, syslog.UDP)
	cfg.Workers = 4
	f := run(t, cfg)
	for i := range 64 {
		send(t, f.dial(), fmt.Sprintf("<13>%d", i))
	}
	f.sink.wait(t, 64)
	other := cfg
	other.Handler, other.Address = newSink(), f.Addr().String()
	for _, workers := range []int{1, 2} {
		other.Workers = workers
		if _, err := Listen(other); err == nil || !strings.HasSuffix(err.Error(), ": address in use: another process listens there") {
			t.Errorf("%d more workers: %v", workers, err)
		}
	}
}

// Reading allocates nothing for a message.
func TestDatagramsAllocateNothing(t *testing.T) {
	for _, transport := range datagramTransports {
		t.Run(transport.String(), func(t *testing.T) {
			h := &counter{}
			cfg := testConfig(t, transport)
			cfg.Handler = h
			f := open(t, cfg)
			c := f.dial()
			d := f.sockets[0].(*datagrams)
			line := []byte(benchMessage(200))
			var got int
			allocs := testing.AllocsPerRun(1000, func() {
				for range 8 {
					if _, err := c.Write(line); err != nil {
						t.Fatal(err)
					}
				}
				_ = d.raw.Control(func(fd uintptr) {
					for {
						n, err := d.once(fd)
						if got += n; err == unix.EAGAIN {
							return
						}
					}
				})
			})
			if int64(got) != h.n.Load() || got < 8000 {
				t.Errorf("%d read, %d handed over", got, h.n.Load())
			}
			if allocs > 3 { // of the test's own closures, in 8 messages
				t.Errorf("%v allocations for 8 messages", allocs)
			}
		})
	}
}

// The runtime's poller does not know a socket of datagrams: it would wake a thread for each that comes.
func TestDatagramsUnpolled(t *testing.T) {
	for _, transport := range datagramTransports {
		f := open(t, testConfig(t, transport))
		must(t, control(f.sockets[0].(*datagrams).raw, func(fd int) error {
			polls, err := filepath.Glob("/proc/self/fdinfo/*")
			must(t, err)
			for _, poll := range polls {
				info, err := os.ReadFile(poll)
				if err == nil && regexp.MustCompile(fmt.Sprintf(`(?m)^tfd: +%d `, fd)).Match(info) { // else it was closed meanwhile
					t.Errorf("%v: %s polls it:\n%s", transport, poll, info)
				}
			}
			return nil
		}))
	}
}
