package writer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
	"sluice/syslog/freeport"
)

// A rsyslog is a real rsyslogd that writes what it receives, as raw text, to a file.
type rsyslog struct {
	t    *testing.T
	dir  string
	conf string
	out  string
	cmd  *exec.Cmd
}

// newRsyslog prepares a rsyslogd with these inputs; it is not running yet.
func newRsyslog(t *testing.T, inputs string) *rsyslog {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("rsyslogd is missing: apt-get install rsyslog")
		}
		t.Skip("rsyslogd is missing: apt-get install rsyslog")
	}
	dir := t.TempDir()
	r := &rsyslog{t: t, dir: dir, out: filepath.Join(dir, "out"), conf: filepath.Join(dir, "conf")}
	conf := inputs + "\n$template bare,\"%rawmsg%\\n\"\n*.* " + r.out + ";bare\n"
	if err := os.WriteFile(r.conf, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rsyslog) start() {
	r.cmd = exec.Command("rsyslogd", "-n", "-f", r.conf, "-i", filepath.Join(r.dir, "pid"))
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rsyslog) stop() {
	if r.cmd != nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		r.cmd = nil
	}
}

// waitLines waits until the file has n lines and returns them without their PRI and stamp.
func (r *rsyslog) waitLines(n int) []string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		text, _ := os.ReadFile(r.out)
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) >= n && len(text) > 0 {
			for i, l := range lines {
				_, lines[i], _ = strings.Cut(l, " host ")
			}
			return lines
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("%d of %d lines:\n%.2000s", len(lines), n, text)
		}
	}
}

// sender runs a target with that sink and returns a function that sends some lines through it, and one that finishes.
func sender(t *testing.T, sink Sink, format string) (send func(lines ...string), finish func()) {
	template, err := syslog.FormatSpec{Text: format, Zone: time.UTC}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	target := NewTarget("collector", NewQueue(DefaultRemoteOptions().Queue, template, nil), sink, slog.New(slog.NewTextHandler(io.Discard, nil)))
	target.Retry = Retry{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- target.Run(ctx) }()
	ended := false
	finish = func() {
		if !ended {
			ended = true
			target.Finish()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(func() { cancel(); finish() })
	opts := syslog.DefaultParseOptions()
	opts.Location = time.UTC
	parser := syslog.NewParser(opts, time.UTC)
	parser.SetNow(time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC))
	origin := &syslog.Origin{Source: []byte("10.0.0.7"), Host: []byte("10.0.0.7")}
	return func(lines ...string) {
		b := &syslog.Batch{Messages: make([]syslog.Message, len(lines)), Feed: &syslog.Feed{}}
		indexes := make([]int32, len(lines))
		for i, line := range lines {
			parser.Parse(&b.Messages[i], []byte(line), origin)
			indexes[i] = int32(i)
		}
		target.Append(b, indexes)
	}, finish
}

// newRemote returns a sink for collectors of one network.
func newRemote(o RemoteOptions, network string, where ...string) *Remote {
	var addresses []Address
	for _, w := range where {
		addresses = append(addresses, Address{Network: network, Where: w})
	}
	return NewRemote(addresses, o, slog.New(slog.DiscardHandler))
}

func numberedLines(n int) (lines, want []string) {
	for i := range n {
		text := fmt.Sprintf("app[7]: line %d", i)
		want = append(want, text)
		lines = append(lines, "<134>Nov 20 15:17:52 host "+text)
	}
	return lines, want
}

// Each transport and framing ends in a real rsyslogd, message for message, in order.
func TestRemoteToRsyslog(t *testing.T) {
	for _, c := range []struct {
		name, network, inputs, format string
		framing                       RemoteFraming
	}{
		{"tcp", "tcp", `module(load="imtcp") input(type="imtcp" port="%s" address="127.0.0.1")`, "rfc3164", SendNewline},
		{"tcp octet-counted", "tcp", `module(load="imtcp") input(type="imtcp" port="%s" address="127.0.0.1")`, "rfc3164", SendOctetCounted},
		{"udp", "udp", `module(load="imudp") input(type="imudp" port="%s" address="127.0.0.1" rcvbufSize="8m")`, "rfc3164", SendNewline},
		{"unixgram", "unixgram", `module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="%s" RateLimit.Interval="0")`, "raw", SendNewline},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, want := numberedLines(500)
			var r *rsyslog
			var address string
			if c.network == "unixgram" {
				address = filepath.Join(t.TempDir(), "in.sock")
				r = newRsyslog(t, fmt.Sprintf(c.inputs, address))
			} else {
				port := freeport.New(t)
				address = net.JoinHostPort("127.0.0.1", port)
				r = newRsyslog(t, fmt.Sprintf(c.inputs, port))
			}
			options := DefaultRemoteOptions()
			options.Framing = c.framing
			send, finish := sender(t, NewRemote([]Address{{Network: c.network, Where: address}}, options, slog.New(slog.DiscardHandler)), c.format)
			if c.network != "udp" { // nobody listens yet: it waits, and nothing is lost
				send(lines[:100]...)
				r.start()
				r.waitLines(100)
				send(lines[100:]...)
			} else {
				r.start()
				r.waitPort(address)
				send(lines...)
			}
			got := r.waitLines(len(want))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-sent +rsyslogd):\n%.2000s", diff)
			}
			finish()
		})
	}
}

// waitPort waits until somebody has the UDP port.
func (r *rsyslog) waitPort(address string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		c, err := net.ListenPacket("udp", address)
		if err != nil {
			return
		}
		c.Close()
		<-tick.C
	}
	r.t.Fatal("rsyslogd does not listen on " + address)
}

// A collector that takes nothing does not keep the daemon from ending.
func TestRemoteInterrupt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	remote := newRemote(DefaultRemoteOptions(), "tcp", l.Addr().String())
	b := newBlock()
	b.Text = make([]byte, 64<<20) // more than any socket's buffers
	b.Ends = []uint32{uint32(len(b.Text))}
	failed := make(chan error)
	go func() { failed <- remote.Write(b) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	remote.Interrupt()
	if err := <-failed; err == nil {
		t.Error("64 MiB were written to nobody")
	}
}

func TestUDPCutsWhatNoDatagramHolds(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	remote := newRemote(DefaultRemoteOptions(), "udp", conn.LocalAddr().String())
	send, finish := sender(t, remote, "message")
	send("<13>"+strings.Repeat("a", 70000), "<13>b")
	buf := make([]byte, 1<<17)
	for _, want := range []int{maxUDP, 1} {
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := conn.Read(buf); err != nil || n != want {
			t.Errorf("%d bytes, want %d: %v", n, want, err)
		}
	}
	finish()
	if n := remote.Truncated.Load(); n != 1 {
		t.Errorf("%d counted as cut", n)
	}
}
