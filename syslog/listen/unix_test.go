package listen

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/socketfile"
)

var localTransports = []syslog.Transport{syslog.Unixgram, syslog.Unix}

// What is at a socket's path before we come, and what becomes of it.
func TestSocketPath(t *testing.T) {
	leave := func(network string) func(*testing.T, string) {
		return func(t *testing.T, path string) { // a socket without a process
			if network == "unix" {
				l, err := net.Listen(network, path)
				must(t, err)
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				must(t, l.Close())
				return
			}
			c, err := net.ListenPacket(network, path)
			must(t, err)
			must(t, c.Close())
		}
	}
	live := func(network string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if network == "unix" {
				l, err := net.Listen(network, path)
				must(t, err)
				t.Cleanup(func() { l.Close() })
				return
			}
			c, err := net.ListenPacket(network, path)
			must(t, err)
			t.Cleanup(func() { c.Close() })
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string // of the error behind the URL; empty: it works
		is      error
	}{
		{"nothing", func(*testing.T, string) {}, "", nil},
		{"a stale unixgram socket", leave("unixgram"), "", nil},
		{"a stale unix socket", leave("unix"), "", nil},
		{"a live unixgram socket", live("unixgram"), "address in use: another process listens there", unix.EADDRINUSE},
		{"a live unix socket", live("unix"), "address in use: another process listens there", unix.EADDRINUSE},
		{"a full unixgram socket", func(t *testing.T, path string) {
			live("unixgram")(t, path)
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
			must(t, err)
			defer unix.Close(fd)
			for unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: path}) == nil {
			}
		}, "address in use: another process listens there", unix.EADDRINUSE},
		{"a file", func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("precious"), 0o600)) }, "there is a file, not a socket; remove it if nothing needs it", nil},
		{"an empty folder", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, "there is a folder, not a socket; remove it if nothing needs it", nil},
		{"a pipe", func(t *testing.T, path string) { must(t, unix.Mkfifo(path, 0o600)) }, "there is a device or pipe, not a socket; remove it if nothing needs it", nil},
		{"a link to nothing", func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }, "there is a symbolic link, not a socket; remove it if nothing needs it", nil},
		{"a link to a stale socket", func(t *testing.T, path string) {
			leave("unixgram")(t, path+"2")
			must(t, os.Symlink(path+"2", path))
		}, "there is a symbolic link, not a socket; remove it if nothing needs it", nil},
		{"a link to a live socket", func(t *testing.T, path string) {
			live("unixgram")(t, path+"2")
			must(t, os.Symlink(path+"2", path))
		}, "address in use: another process listens there", unix.EADDRINUSE},
	} {
		for _, transport := range localTransports {
			t.Run(c.name+"/"+transport.String(), func(t *testing.T) {
				cfg := testConfig(t, transport)
				c.prepare(t, cfg.Address)
				before, _ := os.Lstat(cfg.Address)
				cfg.Handler = newSink()
				l, err := Listen(cfg)
				if err == nil {
					defer l.Close()
				}
				if c.want == "" {
					must(t, err)
					conn, err := net.Dial(transport.String(), cfg.Address)
					must(t, err)
					conn.Close()
					return
				}
				if want := transport.String() + "://" + cfg.Address + ": " + c.want; err == nil || err.Error() != want {
					t.Errorf("error %v\nwant  %s", err, want)
				}
				if c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("%v is not %v", err, c.is)
				}
				if after, err := os.Lstat(cfg.Address); err != nil || !os.SameFile(before, after) {
					t.Errorf("it was removed (%v)", err)
				}
			})
		}
	}
}

func TestJournaldHasDevLog(t *testing.T) {
	if got := socketfile.InUse("/dev/log", true).Error(); !strings.Contains(got, "systemd-journald") || !strings.Contains(got, "unixgram:///run/systemd/journal/syslog") {
		t.Error(got)
	}
	cfg := Config{Transport: syslog.Unixgram, Address: "/dev/log"}
	if got := cfg.socketError(socketfile.InUse("/dev/log", true)).Error(); !strings.Contains(got, "systemd-journald") {
		t.Errorf("the user reads %q", got)
	}
	if got := socketfile.InUse("/dev/log", false).Error(); got != "address in use: another process listens there" {
		t.Error(got)
	}
}

// Mode and owner are exact, and the file goes when the listener does, unless it is another's by then.
func TestSocketFile(t *testing.T) {
	umask := unix.Umask(0o077)
	defer unix.Umask(umask)
	for _, transport := range localTransports {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			cfg.Address = filepath.Join(filepath.Dir(cfg.Address), "made", "for it", "s")
			cfg.Mode = 0o662
			cfg.Owner, cfg.Group = strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())
			if os.Getuid() == 0 {
				cfg.Owner, cfg.Group = "daemon", "4242"
			}
			f := run(t, cfg)
			var st unix.Stat_t
			must(t, unix.Lstat(cfg.Address, &st))
			if st.Mode&0o7777 != 0o662 {
				t.Errorf("mode %#o", st.Mode&0o7777)
			}
			if os.Getuid() == 0 && (st.Uid != 1 || st.Gid != 4242) {
				t.Errorf("owner %d, group %d", st.Uid, st.Gid)
			}
			f.stop()
			if _, err := os.Lstat(cfg.Address); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it is still there (%v)", err)
			}

			f = run(t, cfg)
			must(t, os.Rename(cfg.Address, cfg.Address+"2"))
			must(t, os.WriteFile(cfg.Address, nil, 0o600))
			f.stop()
			if _, err := os.Lstat(cfg.Address); err != nil {
				t.Errorf("another's file was removed: %v", err)
			}
		})
	}
}

func TestSocketFileErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no such user", func(c *Config) { c.Owner = "no-such-user" }, `owner: no user "no-such-user"`},
		{"no such group", func(c *Config) { c.Group = "no-such-group" }, `group: no group "no-such-group"`},
		{"a negative user", func(c *Config) { c.Owner = "-1" }, `owner: no user "-1"`},
		{"a folder that is a file", func(c *Config) {
			_ = os.WriteFile(c.Address, nil, 0o600)
			c.Address += "/s"
		}, "not a directory"},
	} {
		for _, transport := range localTransports {
			t.Run(c.name+"/"+transport.String(), func(t *testing.T) {
				cfg := testConfig(t, transport)
				cfg.Handler = newSink()
				c.change(&cfg)
				if _, err := Listen(cfg); err == nil || err.Error() != transport.String()+"://"+cfg.Address+": "+c.want {
					t.Errorf("%v", err)
				}
				if _, err := os.Lstat(cfg.Address); err == nil {
					t.Error("a socket was left behind")
				}
			})
		}
	}
}

func TestForbiddenFolder(t *testing.T) {
	for _, transport := range localTransports {
		t.Run(transport.String(), func(t *testing.T) {
			cfg := testConfig(t, transport)
			cfg.Handler = newSink()
			must(t, os.Chmod(filepath.Dir(cfg.Address), 0o500))
			unprivileged(t, true, func() {
				_, err := Listen(cfg)
				if want := transport.String() + "://" + cfg.Address + ": permission denied"; err == nil || err.Error() != want || !errors.Is(err, os.ErrPermission) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// As root the queue of a unixgram socket is made longer; else there is a word about it.
func TestQueueLength(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"short", "10", "512"},
		{"long", "1000", "1000"},
		{"rubbish", "x", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t, syslog.Unixgram)
			cfg.Sysctl = fakeSysctl(t, c.before)
			f := open(t, cfg)
			got, err := os.ReadFile(filepath.Join(cfg.Sysctl, "net/unix/max_dgram_qlen"))
			must(t, err)
			if strings.TrimSpace(string(got)) != c.after {
				t.Errorf("%q", got)
			}
			if f.logs.String() != "" {
				t.Error(f.logs)
			}
		})
	}
	t.Run("forbidden", func(t *testing.T) {
		cfg := testConfig(t, syslog.Unixgram)
		cfg.Sysctl = fakeSysctl(t, "10")
		must(t, os.Chmod(filepath.Join(cfg.Sysctl, "net/unix/max_dgram_qlen"), 0o444))
		unprivileged(t, false, func() {
			f := open(t, cfg)
			if !strings.Contains(f.logs.String(), "raise net.unix.max_dgram_qlen to 512") || f.sockets[0].(*datagrams).queued == some {
				t.Error(f.logs)
			}
		})
	})
	t.Run("none", func(t *testing.T) {
		cfg := testConfig(t, syslog.Unixgram)
		cfg.Sysctl = t.TempDir()
		open(t, cfg)
	})
}
