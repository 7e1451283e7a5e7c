package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// Records as the device gives them, and what becomes of them.
var kernelRecords = []struct{ record, want string }{
	{"6,339,5140900,-;NET: Registered PF_INET6 protocol family\n",
		`kern.info|kernel:|kernel||NET: Registered PF_INET6 protocol family|{"sequence":339,"since_boot":5140900,"flags":"-"}`},
	{"6,194,313306,-;PCI host bridge to bus 0000:00\n SUBSYSTEM=pci_bus\n DEVICE=+pci_bus:0000:00\n",
		`kern.info|kernel:|kernel||PCI host bridge to bus 0000:00|{"sequence":194,"since_boot":313306,"flags":"-","SUBSYSTEM":"pci_bus","DEVICE":"+pci_bus:0000:00"}`},
	{"4,1,0,c;cont\n", `kern.warning|kernel:|kernel||cont|{"sequence":1,"since_boot":0,"flags":"c"}`},
	{"0,2,17,-,caller=T1;panic; with a semicolon\n", `kern.emerg|kernel:|kernel||panic; with a semicolon|{"sequence":2,"since_boot":17,"flags":"-","caller":"T1"}`},
	{"3,3,18,-,future=1,caller=C0;x\n", `kern.err|kernel:|kernel||x|{"sequence":3,"since_boot":18,"flags":"-","caller":"C0"}`},
	{`6,4,19,-;zwei\x0aZeilen \xc3\xbc \x5c \q` + "\n A=\\x0a\"\\x5c\n", "kern.info|kernel:|kernel||zwei\nZeilen ü \\ \\q|" + `{"sequence":4,"since_boot":19,"flags":"-","A":"\n\"\\"}`},
	{"30,5,20,-;systemd[1]: Started x.\n", `daemon.info|systemd[1]:|systemd|1|Started x.|{"sequence":5,"since_boot":20,"flags":"-"}`},
	{"12,6,21,-;by hand\n", `user.warning||||by hand|`},
	{"2047,7,22,-;a facility without name\n", `user.debug||||a facility without name|`},
	{"6,8,23,-;\n", `kern.info|kernel:|kernel|||{"sequence":8,"since_boot":23,"flags":"-"}`},
	{"6,9,24;no flags\n", `kern.info|kernel:|kernel||no flags|{"sequence":9,"since_boot":24,"flags":""}`},
	{"6,10,25,-;odd lines\n nothing\n =x\n  B=1\n", `kern.info|kernel:|kernel||odd lines|{"sequence":10,"since_boot":25,"flags":"-"," B":"1"}`},
}

var notKernel = []string{"", "\n", ";", "6;x", "6,1;x", "6,1,x,-;x", "x,1,1,-;x", "-1,1,1,-;x", "4096,1,1,-;x", "6,1,99999999999999999,-;x", "6,1,1,-\n;x", "<6>x"}

func TestKernelRecords(t *testing.T) {
	boot := caseNow.Add(-time.Hour)
	d := NewDecoder(Text, newParser(t, syslog.DefaultParseOptions()))
	o := &syslog.Origin{Transport: syslog.Kernel, Host: []byte("web1"), Local: true}
	for _, c := range kernelRecords {
		r, ok := parseKernelRecord([]byte(c.record))
		if !ok {
			t.Errorf("%q: not read", c.record)
			continue
		}
		var m syslog.Message
		if !d.kernelMessage(&m, []byte(c.record), &r, boot, o) {
			t.Errorf("%q: no message", c.record)
			continue
		}
		got := fmt.Sprintf("%s.%s|%s|%s|%s|%s|%s", m.Facility, m.Severity, m.Tag, m.AppName, m.ProcID, m.Text(), m.Record)
		want := c.want
		if !strings.HasSuffix(want, "}") { // of no interest
			got = strings.TrimSuffix(got, string(m.Record))
		}
		if got != want {
			t.Errorf("%q:\n got %q\nwant %q", c.record, got, want)
		}
		if !json.Valid(m.Record) {
			t.Errorf("%q: no JSON: %s", c.record, m.Record)
		}
		if at := m.Timestamp.Time(); !at.Equal(boot.Add(r.sinceBoot)) || string(m.Hostname) != "web1" || string(m.Raw) != strings.TrimRight(c.record, "\n") {
			t.Errorf("%q: at %s, from %s, raw %q", c.record, at, m.Hostname, m.Raw)
		}
	}
	for _, s := range notKernel {
		if _, ok := parseKernelRecord([]byte(s)); ok {
			t.Errorf("%q is a record", s)
		}
	}
}

func FuzzKernelRecord(f *testing.F) {
	for _, c := range kernelRecords {
		f.Add([]byte(c.record))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		r, ok := parseKernelRecord(s)
		if !ok {
			return
		}
		d := NewDecoder(Text, newParser(t, syslog.DefaultParseOptions()))
		var m syslog.Message
		if d.kernelMessage(&m, s, &r, caseNow, origins["redis"]) && !json.Valid(bytes.ToValidUTF8(m.Record, nil)) {
			t.Errorf("no JSON: %s", m.Record)
		}
	})
}

// A kernelFixture is a running input and its sink.
type kernelFixture struct {
	*Kernel
	sink *sink
	logs *logbook
	run  func()
	stop func() // and wait until Run has returned
}

func newKernel(t testing.TB, path, state, boot string) *kernelFixture {
	t.Helper()
	f := &kernelFixture{sink: newSink(), logs: newLogbook()}
	cfg := KernelConfig{Path: path, Boot: boot}
	cfg.Setting = Setting{Name: path, Hostname: "web1", Zone: time.UTC, StateDir: state, Handler: f.sink, Log: slog.New(slog.NewTextHandler(f.logs, nil))}
	k, err := NewKernel(cfg)
	fatal(t, err)
	f.Kernel = k
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	f.run = func() {
		go func() {
			defer close(done)
			if err := k.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		t.Cleanup(f.stop)
	}
	f.stop = func() { cancel(); <-done }
	return f
}

// kernelLines are records with a dictionary, and messages of them.
func kernelLines(from, to int) (records string, messages []string) {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "6,%d,%d,-;message %d\n SUBSYSTEM=pci\n DEVICE=+pci:%d\n", i, i*10, i, i)
		messages = append(messages, fmt.Sprintf(" message %d", i))
	}
	return b.String(), messages
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	fatal(t, err)
	_, err = file.WriteString(text)
	fatal(t, err)
	fatal(t, file.Close())
}

func (f *kernelFixture) expect(t testing.TB, want []string) {
	t.Helper()
	if got := f.sink.wait(t, len(want)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %d messages %.300q, want %d %.300q", len(got), got, len(want), want)
	}
}

// It goes on where it was, also in what came meanwhile, and counts what is missing. Another boot begins anew.
func TestKernelRestart(t *testing.T) {
	dir := t.TempDir()
	path, state := filepath.Join(dir, "kmsg"), filepath.Join(dir, "state")
	const many = 5000 // more than the buffer holds
	records, first := kernelLines(0, many)
	appendTo(t, path, records)
	f := newKernel(t, path, state, "one")
	f.run()
	f.expect(t, first)
	records, second := kernelLines(many, many+10)
	appendTo(t, path, records)
	f.expect(t, append(first, second...))
	f.stop()

	records, third := kernelLines(many+15, many+20)
	appendTo(t, path, records)
	f = newKernel(t, path, state, "one")
	f.run()
	f.expect(t, third)
	f.stop()
	if n := f.counters.DroppedKernel.Load(); n != 5 || !strings.Contains(f.logs.String(), "lost=5") {
		t.Errorf("%d are missing: %s", n, f.logs)
	}

	f = newKernel(t, path, state, "two")
	f.run()
	f.expect(t, append(append(first, second...), third...))
	f.stop()

	fatal(t, os.WriteFile(cursorPath(state, path), []byte("nonsense"), 0o600))
	f = newKernel(t, path, state, "two")
	f.run()
	f.sink.wait(t, many+15)
	f.stop()
	if !strings.Contains(f.logs.String(), "begins anew") || f.counters.Malformed.Load() != 0 {
		t.Errorf("said: %s", f.logs)
	}
}

// A bench is a target that tells when it is asked, and whose messages come to rest once, when the test says so.
type bench struct{ asked, rest chan struct{} }

func (b *bench) Settled(uint64) <-chan struct{} {
	select {
	case b.asked <- struct{}{}:
	default:
	}
	return b.rest
}

// The cursor moves when what was read is at rest, and not before; nobody needs to stop for it.
func TestKernelCursor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kmsg")
	fatal(t, unix.Mkfifo(path, 0o600))
	f := newKernel(t, path, dir, "one")
	rest := &bench{make(chan struct{}, 1), make(chan struct{})}
	f.sink.target = rest
	f.run()
	records, messages := kernelLines(0, 3)
	appendTo(t, path, records)
	f.expect(t, messages)
	<-rest.asked
	if _, ok, err := readKernelCursor(cursorPath(dir, path)); ok || err != nil {
		t.Error("it moved before they were at rest", err)
	}
	close(rest.rest)
	eventually(t, "the cursor", func() bool {
		c, ok, _ := readKernelCursor(cursorPath(dir, path))
		return ok && c == kernelCursor{"one", 2}
	})
}

// A cursor that cannot be written is said, and keeps nothing else from going on.
func TestKernelCursorFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kmsg")
	records, messages := kernelLines(1, 3)
	appendTo(t, path, records)
	appendTo(t, filepath.Join(dir, "kernel"), "a file where the folder would be")
	f := newKernel(t, path, dir, "one")
	f.run()
	f.expect(t, messages)
	f.stop()
	if !strings.Contains(f.logs.String(), "cannot keep the cursor") {
		t.Errorf("said: %s", f.logs)
	}
}

// Records come in parts, writers come and go, and what is none is counted.
func TestKernelFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	fatal(t, unix.Mkfifo(path, 0o600))
	f := newKernel(t, path, "", "one")
	f.run()
	appendTo(t, path, "6,1,1,-;one\n6,2,2")
	f.expect(t, []string{" one"})
	appendTo(t, path, ",-;two\n")
	f.expect(t, []string{" one", " two"})
	appendTo(t, path, "garbage\n"+strings.Repeat("x", 2*longestKernel)+"\n6,3,3,-;three\n")
	f.expect(t, []string{" one", " two", " three"})
	f.stop()
	if n := f.counters.Malformed.Load(); n < 3 || !strings.Contains(f.logs.String(), "cannot be read and is lost") {
		t.Errorf("%d malformed: %s", n, f.logs)
	}
}

// The kernel says by EPIPE that it has overwritten what was to be read next; other errors pass.
func TestKernelOverrun(t *testing.T) {
	for _, c := range []struct {
		answers []any
		lost    uint64
		said    string
	}{
		{[]any{"6,1,1,-;x\n", unix.EPIPE, "6,5,1,-;x\n"}, 3, "lost=3"},
		{[]any{unix.EPIPE, "6,5,1,-;x\n"}, 1, "lost=1"},
		{[]any{"6,1,1,-;x\n", unix.EPIPE, unix.EPIPE, "6,5,1,-;x\n", unix.EPIPE, "6,7,1,-;x\n"}, 4, "lost=3"},
		{[]any{unix.EINTR, "6,1,1,-;x\n", unix.EIO, "6,2,1,-;x\n"}, 0, "read again"},
	} {
		path := filepath.Join(t.TempDir(), "kmsg")
		fatal(t, unix.Mkfifo(path, 0o600))
		f := newKernel(t, path, "", "one")
		messages := 0
		for _, a := range c.answers {
			if _, ok := a.(string); ok {
				messages++
			}
		}
		f.receive = func(fd int, b []byte) (int, error) {
			if len(c.answers) == 0 {
				return 0, unix.EAGAIN
			}
			a := c.answers[0]
			c.answers = c.answers[1:]
			if err, ok := a.(error); ok {
				return -1, err
			}
			return copy(b, a.(string)), nil
		}
		f.run()
		f.sink.wait(t, messages)
		f.stop()
		if n := f.counters.DroppedKernel.Load(); n != c.lost || !strings.Contains(f.logs.String(), c.said) {
			t.Errorf("%d lost, not %d; said %s", n, c.lost, f.logs)
		}
	}
}

// The real device, where it can be read: as many records as it has, the first one as it is there.
func TestKernelDevice(t *testing.T) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("/dev/kmsg: ", err)
	}
	defer unix.Close(fd)
	buf := make([]byte, longestKernel)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Skip("/dev/kmsg: ", err)
	}
	want, ok := parseKernelRecord(bytes.Clone(buf[:n]))
	if !ok {
		t.Fatalf("not read: %q", buf[:n])
	}
	records := 1
	for err = nil; err != unix.EAGAIN; {
		if _, err = unix.Read(fd, buf); err == nil {
			records++
		}
	}
	f := newKernel(t, "/dev/kmsg", t.TempDir(), "")
	f.run()
	lines := f.sink.wait(t, records)
	if got := lines[0]; got != " "+string(appendKernelText(nil, want.text)) && want.priority < 8 {
		t.Errorf("the first is %q, not %q", got, want.text)
	}
	f.stop()
	if n := f.counters.Malformed.Load(); n != 0 {
		t.Errorf("%d malformed: %s", n, f.logs)
	}
	f2 := newKernel(t, "/dev/kmsg", f.cfg.StateDir, "")
	if !f2.known || f2.start != f.cursor.sequence {
		t.Errorf("it would go on behind %d, not %d", f2.start, f.cursor.sequence)
	}
	f2.Close()
}

func TestKernelCannotOpen(t *testing.T) {
	_, err := NewKernel(KernelConfig{Path: filepath.Join(t.TempDir(), "none"), Setting: Setting{Handler: newSink()}})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}
