package listen

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// bindPassed binds a socket as systemd does, and returns it as it is passed.
func bindPassed(t testing.TB, transport syslog.Transport) *Passed {
	t.Helper()
	address := "127.0.0.1:0"
	if transport == syslog.Unix || transport == syslog.Unixgram {
		address = filepath.Join(t.TempDir(), "s")
	}
	var bound syscall.Conn
	if transport == syslog.UDP || transport == syslog.Unixgram {
		conn, err := net.ListenPacket(transport.String(), address)
		must(t, err)
		defer conn.Close()
		bound = conn.(syscall.Conn)
	} else {
		ln, err := net.Listen(transport.String(), address)
		must(t, err)
		if u, ok := ln.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		defer ln.Close()
		bound = ln.(syscall.Conn)
	}
	file, err := bound.(interface{ File() (*os.File, error) }).File()
	must(t, err)
	t.Cleanup(func() { file.Close() })
	p, err := NewPassed(transport.String(), file)
	must(t, err)
	if p.Transport != transport {
		t.Errorf("%s looks like %s", transport, p.Transport)
	}
	return p
}

// What is sent to a socket while nobody reads it is there for the next input that is passed it, and the file of a unix
// socket stays.
func TestPassed(t *testing.T) {
	var passed []*Passed
	for _, transport := range []syslog.Transport{syslog.UDP, syslog.TCP, syslog.Unix, syslog.Unixgram} {
		passed = append(passed, bindPassed(t, transport))
	}
	cfg := testConfig(t, syslog.UDP)
	cfg.Inherit, cfg.Passed = true, passed
	for _, round := range []string{"first", "second"} {
		var want []string
		for _, p := range passed {
			conn, err := net.Dial(p.Transport.String(), p.Address)
			must(t, err)
			want = append(want, "<14>Nov 20 15:17:52 app: "+round+" over "+p.Transport.String())
			send(t, conn, want[len(want)-1]+"\n")
			conn.Close()
		}
		f := run(t, cfg)
		got := f.sink.wait(t, len(passed))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q came, not %q", got, want)
		}
		if n := f.Counters().Messages.Load(); n != uint64(len(passed)) {
			t.Errorf("%d messages were counted", n)
		}
		if len(f.Addrs()) != len(passed) {
			t.Errorf("%d sockets", len(f.Addrs()))
		}
		f.stop()
	}
	for _, p := range passed[2:] {
		if _, err := os.Stat(p.Address); err != nil {
			t.Error(err)
		}
	}
}

// The messages of each socket have its own transport, and only those of a local one are local.
func TestPassedOrigin(t *testing.T) {
	for _, transport := range []syslog.Transport{syslog.UDP, syslog.TCP, syslog.Unix, syslog.Unixgram} {
		p, cfg := bindPassed(t, transport), testConfig(t, syslog.UDP)
		cfg.Inherit, cfg.Passed = true, []*Passed{p}
		f := run(t, cfg)
		send(t, f.dial(), "<14>app: x\n")
		f.sink.wait(t, 1)
		f.stop()
		local := transport == syslog.Unix || transport == syslog.Unixgram
		if o := f.sink.from(); o.Transport != transport || o.Local != local {
			t.Errorf("%s: %+v", transport, o)
		}
	}
}

// Other settings keep the sockets, and the transport of each.
func TestPassedChange(t *testing.T) {
	passed := []*Passed{bindPassed(t, syslog.UDP), bindPassed(t, syslog.Unixgram), bindPassed(t, syslog.TCP)}
	cfg := testConfig(t, syslog.UDP)
	cfg.Inherit, cfg.Passed, cfg.MaxMessageSize = true, passed, 20
	f := run(t, cfg)
	cfg.Handler, cfg.MaxMessageSize = f.sink, 100
	must(t, f.CheckChange(cfg))
	f.Change(cfg)
	for i, p := range passed {
		conn, err := net.Dial(p.Transport.String(), p.Address)
		must(t, err)
		defer conn.Close()
		send(t, conn, "<14>app: a message of more than twenty bytes\n")
		f.sink.wait(t, 2*i+1)
		send(t, conn, "<14>app: a message of more than twenty bytes\n")
		if got := f.sink.wait(t, 2*i+2)[2*i+1]; got != "<14>app: a message of more than twenty bytes" {
			t.Errorf("%s: %s", p, got)
		}
		if o := f.sink.from(); o.Transport != p.Transport {
			t.Errorf("%s: %+v", p, o)
		}
	}
	cfg.Passed = passed[1:]
	if f.CheckChange(cfg) == nil {
		t.Error("other sockets, and no word about it")
	}
}

func TestPassedTLS(t *testing.T) {
	cfg := testConfig(t, syslog.TLS)
	cfg.Passed = []*Passed{bindPassed(t, syslog.TCP)}
	f := run(t, cfg)
	send(t, f.dial(), "<14>app: secret\n")
	f.sink.wait(t, 1)
	if o := f.sink.from(); o.Transport != syslog.TLS {
		t.Errorf("%+v", o)
	}
	cfg = testConfig(t, syslog.TLS)
	cfg.Handler, cfg.Inherit, cfg.Passed = newSink(), true, []*Passed{bindPassed(t, syslog.UDP)}
	if _, err := Listen(cfg); err == nil || !strings.Contains(err.Error(), "cannot be secured") {
		t.Errorf("udp as tls: %v", err)
	}
}

// What an input of an address takes over instead of binding it.
func TestWanted(t *testing.T) {
	for _, c := range []struct {
		transport syslog.Transport
		address   string
		passed    Passed
		want      bool
	}{
		{syslog.UDP, ":514", Passed{Transport: syslog.UDP, Address: "[::]:514", dual: true}, true},
		{syslog.UDP, ":514", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, true},
		{syslog.UDP, ":syslog", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, true},
		{syslog.UDP, "0.0.0.0:514", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, true},
		{syslog.UDP, "0.0.0.0:514", Passed{Transport: syslog.UDP, Address: "[::]:514", dual: true}, true},
		{syslog.UDP, "0.0.0.0:514", Passed{Transport: syslog.UDP, Address: "[::]:514"}, false},
		{syslog.UDP, "[::]:514", Passed{Transport: syslog.UDP, Address: "[::]:514"}, true},
		{syslog.UDP, "[::]:514", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, false},
		{syslog.UDP, "127.0.0.1:514", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, false},
		{syslog.UDP, "localhost:514", Passed{Transport: syslog.UDP, Address: "127.0.0.1:514"}, true},
		{syslog.UDP, ":514", Passed{Transport: syslog.UDP, Address: "127.0.0.1:514"}, false},
		{syslog.UDP, ":515", Passed{Transport: syslog.UDP, Address: "0.0.0.0:514"}, false},
		{syslog.UDP, ":514", Passed{Transport: syslog.TCP, Address: "0.0.0.0:514"}, false},
		{syslog.TLS, ":6514", Passed{Transport: syslog.TCP, Address: "[::]:6514", dual: true}, true},
		{syslog.Unixgram, "/dev/log", Passed{Transport: syslog.Unixgram, Address: "/dev/log"}, true},
		{syslog.Unix, "/dev/log", Passed{Transport: syslog.Unixgram, Address: "/dev/log"}, false},
	} {
		cfg := Config{Transport: c.transport, Address: c.address}
		if got := cfg.Wanted(&c.passed); got != c.want {
			t.Errorf("%s://%s wants %s: %t", c.transport, c.address, &c.passed, got)
		}
	}
}

// [::] that takes IPv4 is told from one that does not.
func TestPassedDual(t *testing.T) {
	for network, dual := range map[string]bool{"udp": true, "udp6": false} {
		conn, err := net.ListenPacket(network, "[::]:0")
		must(t, err)
		defer conn.Close()
		file, err := conn.(*net.UDPConn).File()
		must(t, err)
		defer file.Close()
		p, err := NewPassed("x", file)
		must(t, err)
		if p.dual != dual {
			t.Errorf("%s: %+v", network, p)
		}
	}
}

// What nothing can be received from.
func TestPassedUnusable(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(pair[1])
	packets, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	must(t, err)
	r, w, err := os.Pipe()
	must(t, err)
	defer w.Close()
	for _, c := range []struct {
		file *os.File
		want string
	}{
		{os.NewFile(uintptr(pair[0]), "pair"), "its unit needs Accept=no"},
		{os.NewFile(uintptr(packets), "packets"), "none of udp, tcp, unix and unixgram"},
		{r, "no socket"},
	} {
		if _, err := NewPassed("x", c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, not %s", err, c.want)
		}
		c.file.Close()
	}
}
