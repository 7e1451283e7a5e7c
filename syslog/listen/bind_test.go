package listen

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/syslog"
)

// A bound socket accepts connections of the kind that is promised, has its file's mode, and leaves no file behind.
func TestBind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "x.sock")
	for _, c := range []struct {
		transport syslog.Transport
		address   string
	}{{syslog.TCP, "127.0.0.1:0"}, {syslog.Unix, path}} {
		cfg := Config{Transport: c.transport, Address: c.address, Options: DefaultOptions()}
		cfg.Mode = 0o600
		ln, err := Bind(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if c.transport == syslog.Unix {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file: %v %v", info, err)
			}
			if _, err := Bind(cfg); err == nil || !strings.Contains(err.Error(), "address in use") {
				t.Errorf("bound twice: %v", err)
			}
		}
		peer, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_, tcp := nc.(*net.TCPConn)
		_, unix := nc.(*net.UnixConn)
		if tcp != (c.transport == syslog.TCP) || unix != (c.transport == syslog.Unix) {
			t.Errorf("%s gives a %T", c.transport, nc)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		if _, err := ln.Accept(); err == nil {
			t.Error("it accepts when it is closed")
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
	for _, c := range []struct {
		transport syslog.Transport
		address   string
		want      string
	}{{syslog.UDP, "127.0.0.1:0", "not a stream"}, {syslog.TCP, "127.0.0.1", "not host:port"}, {syslog.Unix, "@x", "abstract"}} {
		cfg := Config{Transport: c.transport, Address: c.address, Options: DefaultOptions()}
		if _, err := Bind(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s://%s: %v", c.transport, c.address, err)
		}
	}
}
