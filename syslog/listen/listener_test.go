package listen

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// What cannot work is said before anything is opened.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		transport syslog.Transport
		change    func(*Config)
		want      string
	}{
		{syslog.UDP, func(c *Config) { c.Address = "10.0.0.1" }, "udp://10.0.0.1: not host:port: address 10.0.0.1: missing port in address"},
		{syslog.UDP, func(c *Config) { c.Workers = 0 }, "udp://127.0.0.1:0: workers is 0, not 1 to 256"},
		{syslog.TCP, func(c *Config) { c.MaxConnections = 0 }, "tcp://127.0.0.1:0: max_connections is 0, not at least 1"},
		{syslog.TCP, func(c *Config) { c.MaxMessageSize = 1 << 40 }, "tcp://127.0.0.1:0: max_message_size is 1099511627776, not 1 to 67108864 bytes"},
		{syslog.TCP, func(c *Config) { c.IdleTimeout = -1 }, "tcp://127.0.0.1:0: idle_timeout, keep_alive and receive_buffer cannot be negative"},
		{syslog.TCP, func(c *Config) { c.Handler = nil }, "tcp://127.0.0.1:0: no handler"},
		{syslog.Unix, func(c *Config) { c.Address = "" }, "unix://: a socket needs a path"},
		{syslog.Unix, func(c *Config) { c.Address = "/" + strings.Repeat("a", 107) }, "unix:///" + strings.Repeat("a", 107) + ": the path has 108 bytes, a socket's at most 107"},
		{syslog.Unix, func(c *Config) { c.Address, c.Mode = "/s", 0o4666 }, "unix:///s: mode 04666 is not 0 to 0777"},
		{syslog.Unixgram, func(c *Config) {
			c.Address, c.Allow = "/s", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, "unixgram:///s: allow names IP addresses, and a local socket's peers have none; use mode, owner and group"},
		{syslog.Redis, func(c *Config) {}, "redis://127.0.0.1:0: not a transport to listen on"},
	} {
		cfg := testConfig(t, c.transport)
		cfg.Handler = newSink()
		c.change(&cfg)
		if _, err := Listen(cfg); err == nil || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestBindErrors(t *testing.T) {
	taken := map[syslog.Transport]string{}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	taken[syslog.TCP], taken[syslog.UDP] = tcp.Addr().String(), udp.LocalAddr().String()
	for _, transport := range []syslog.Transport{syslog.UDP, syslog.TCP} {
		for _, c := range []struct {
			address, want string
			is            error
		}{
			{taken[transport], "address in use: another process listens there", unix.EADDRINUSE},
			{"192.0.2.1:0", "no interface of this machine has that address", unix.EADDRNOTAVAIL},
			{"127.0.0.1:99999", "invalid port", nil},
		} {
			cfg := testConfig(t, transport)
			cfg.Handler, cfg.Address = newSink(), c.address
			_, err := Listen(cfg)
			if err == nil || !strings.HasPrefix(err.Error(), transport.String()+"://"+c.address+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
		}
		t.Run("below 1024/"+transport.String(), func(t *testing.T) {
			if text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); strings.TrimSpace(string(text)) != "1024" {
				t.Skip("no port is privileged here")
			}
			unprivileged(t, false, func() {
				cfg := testConfig(t, transport)
				cfg.Handler, cfg.Address = newSink(), "127.0.0.1:1"
				if _, err := Listen(cfg); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "need root or CAP_NET_BIND_SERVICE") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// Who writes 0.0.0.0 gets no IPv6, so that both can be listened to, each as an input of its own.
func TestFamilies(t *testing.T) {
	for _, transport := range []syslog.Transport{syslog.UDP, syslog.TCP} {
		cfg := testConfig(t, transport)
		cfg.Address = "0.0.0.0:0"
		f := open(t, cfg)
		_, port, _ := net.SplitHostPort(f.Addr().String())
		cfg.Address = "[::]:" + port
		cfg.Handler = newSink()
		l, err := Listen(cfg)
		if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EADDRNOTAVAIL) {
			t.Errorf("%v", err)
		}
		if err == nil {
			l.Close()
		}
	}
}

func TestReceiveBuffer(t *testing.T) {
	for _, c := range []struct {
		name string
		want bool // a warning
		size int
	}{{"too much", true, 1 << 30}, {"little", false, 64 << 10}, {"the kernel's", false, 0}} {
		t.Run(c.name, func(t *testing.T) {
			unprivileged(t, false, func() {
				cfg := testConfig(t, syslog.UDP)
				cfg.ReceiveBuffer, cfg.Workers = c.size, 3
				f := open(t, cfg)
				if n := strings.Count(f.logs.String(), "raise net.core.rmem_max"); n > 1 || (n == 1) != c.want {
					t.Errorf("%d warnings: %s", n, f.logs)
				}
			})
		})
	}
}

// Run leaves nothing behind: neither goroutines nor descriptors.
func TestNothingIsLeft(t *testing.T) {
	for _, transport := range everyTransport {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			cfg.IdleTimeout = time.Hour
			cfg.Workers = 2
			goroutines, files := runtime.NumGoroutine(), descriptors(t)
			for range 3 {
				f := run(t, cfg)
				conns := make([]net.Conn, 20)
				for i := range conns {
					conns[i] = f.dial()
					send(t, conns[i], "<13>a\n<13>b")
				}
				f.sink.wait(t, 20)
				f.stop()
				for _, c := range conns {
					c.Close()
				}
			}
			eventually(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines })
			eventually(t, "the descriptors are gone", func() bool { return descriptors(t) <= files })
		})
	}
}

// Close is for a Listener that is not Run.
func TestClose(t *testing.T) {
	for _, transport := range everyTransport {
		cfg := testConfig(t, transport)
		cfg.Handler = newSink()
		for range 2 {
			l, err := Listen(cfg)
			must(t, err)
			cfg.Address = l.Addr().String()
			l.Close()
			l.Close()
		}
		if transport <= syslog.Unix {
			if _, err := os.Lstat(cfg.Address); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there", cfg.Address)
			}
		}
	}
}
