package syslog

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// Each message of rsyslog.txt goes through the real rsyslogd and through Parse, and the three built-in formats that
// promise to be rsyslog's must agree byte for byte, but for the time of reception. A case that says `differs` must
// differ, so that the list of what we do on purpose stays honest.
func TestRsyslogAgrees(t *testing.T) {
	daemon := startRsyslogd(t)
	// rsyslog gives a stamp without a year the current one; in the middle of the year so do we.
	opts := DefaultParseOptions()
	opts.Location = time.UTC
	p := NewParser(opts, time.UTC)
	p.SetNow(time.Date(time.Now().UTC().Year(), 7, 2, 12, 0, 0, 0, time.UTC))
	peer := &Origin{Input: "lan", Transport: UDP, Source: []byte("127.0.0.1"), Host: []byte("127.0.0.1")}

	for _, c := range readCases(t, "rsyslog.txt") {
		t.Run(c.name, func(t *testing.T) {
			raw, ok := c.get("udp")
			if !ok {
				t.Fatalf("line %d: no message", c.line)
			}
			theirs := daemon.ask(t, raw)
			var m Message
			p.Parse(&m, []byte(raw), peer)
			same := true
			for i, format := range rsyslogFormats {
				tmpl, err := FormatSpec{Text: format.ours, Zone: time.UTC}.Compile()
				fatal(t, err)
				got, want := string(tmpl.Append(nil, &m)), theirs[i]
				if m.Guess&NoTimestamp != 0 {
					got, want = maskReception(got), maskReception(want)
				}
				if got == want {
					continue
				}
				same = false
				if _, ok := c.get("differs"); !ok {
					t.Errorf("line %d: %s\n   ours %q\nrsyslog %q", c.line, format.ours, got, want)
				}
			}
			if why, ok := c.get("differs"); ok && same {
				t.Errorf("line %d: agrees with rsyslog, though it should not: %s", c.line, why)
			}
		})
	}
}

var rsyslogFormats = []struct{ ours, theirs string }{
	{"standard", "RSYSLOG_FileFormat"},
	{"traditional", "RSYSLOG_TraditionalFileFormat"},
	{"rfc3164", "RSYSLOG_TraditionalForwardFormat"},
}

var reception = regexp.MustCompile(`^(<\w+>)?(20\d\d-\d\d-\d\dT[0-9:.]{15}\+00:00|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)`)

func maskReception(line string) string { return reception.ReplaceAllString(line, "$1(now)") }

// An rsyslogd is the running daemon: it writes the first two formats to files and sends the third, which ends in no
// newline, back to us.
type rsyslogd struct {
	in, out net.Conn
	files   []string
	read    int // lines of each file that were read
}

func startRsyslogd(t *testing.T) *rsyslogd {
	t.Helper()
	path, err := exec.LookPath("rsyslogd")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/rsyslogd")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("rsyslogd is missing: install Debian's package rsyslog")
		}
		t.Skip("rsyslogd is missing: install Debian's package rsyslog")
	}
	dir := t.TempDir()
	back, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	fatal(t, err)
	t.Cleanup(func() { back.Close() })
	d := &rsyslogd{out: back}
	var actions strings.Builder
	for _, f := range rsyslogFormats[:2] {
		d.files = append(d.files, filepath.Join(dir, f.ours))
		fmt.Fprintf(&actions, "  action(type=\"omfile\" file=%q template=%q)\n", d.files[len(d.files)-1], f.theirs)
	}
	port := freeport.New(t)
	conf := filepath.Join(dir, "rsyslog.conf")
	fatal(t, os.WriteFile(conf, fmt.Appendf(nil, `global(workDirectory=%q net.enableDNS="off")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="%s" ruleset="all")
ruleset(name="all") {
%s  action(type="omfwd" target="127.0.0.1" port="%d" protocol="udp" template=%q)
}
`, dir, port, &actions, back.LocalAddr().(*net.UDPAddr).Port, rsyslogFormats[2].theirs), 0o600))

	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, path, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	cmd.Env = append(os.Environ(), "TZ=UTC")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	fatal(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		if cmd.Wait(); t.Failed() && said.Len() > 0 {
			t.Logf("rsyslogd said: %s", &said)
		}
	})
	d.in, err = net.Dial("udp", net.JoinHostPort("127.0.0.1", port))
	fatal(t, err)
	t.Cleanup(func() { d.in.Close() })
	d.awaitStart(t)
	return d
}

// awaitStart knocks until an answer comes, and then until the answer to the last knock has come.
func (d *rsyslogd) awaitStart(t *testing.T) {
	t.Helper()
	for i := 0; ; i++ {
		knock := fmt.Sprintf("<13>Jul  2 12:00:00 h knock: %d", i)
		d.in.Write([]byte(knock)) // refused until the daemon listens
		answer, err := d.receive(100 * time.Millisecond)
		for ; err == nil; answer, err = d.receive(10 * time.Second) {
			d.lines(t, d.read+1)
			if d.read++; answer == knock {
				return
			}
		}
		if i == 100 {
			t.Fatalf("rsyslogd does not answer: %v", err)
		}
	}
}

// ask sends one message and returns what rsyslogd makes of it, in the order of rsyslogFormats.
func (d *rsyslogd) ask(t *testing.T, raw string) []string {
	t.Helper()
	_, err := d.in.Write([]byte(raw))
	fatal(t, err)
	sent, err := d.receive(10 * time.Second)
	fatal(t, err)
	d.read++
	return append(d.lines(t, d.read), sent)
}

func (d *rsyslogd) receive(limit time.Duration) (string, error) {
	buf := make([]byte, 64<<10)
	d.out.SetReadDeadline(time.Now().Add(limit))
	n, err := d.out.Read(buf)
	return string(buf[:n]), err
}

// lines returns the nth line of each file, as soon as all have it.
func (d *rsyslogd) lines(t *testing.T, n int) []string {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	var lines []string
	for len(lines) < len(d.files) {
		text, _ := os.ReadFile(d.files[len(lines)])
		if all := strings.Split(string(text), "\n"); len(all) > n {
			lines = append(lines, all[n-1])
			continue
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s has no line %d", d.files[len(lines)], n)
		}
	}
	return lines
}
