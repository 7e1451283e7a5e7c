package writer

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog/freeport"
)

// newFileFlow runs a target that writes numbered messages to path, with a spool folder, or where it saves what is left.
func newFileFlow(t *testing.T, path string, o QueueOptions) *flow {
	t.Helper()
	f := &flow{t: t, done: make(chan error, 1)}
	f.remote = newRemote(testRemoteOptions(), "tcp") // for its log
	f.Target = NewTarget("file", newQueue(t, o, ""), fileSink(t, path), f.remote.log)
	fatal(t, f.OpenSpool(filepath.Join(t.TempDir(), "spool"), f.remote.log))
	return f
}

func fileSink(t *testing.T, path string) *FileSink {
	t.Helper()
	sink, err := NewFileSink(path, DefaultFileOptions())
	fatal(t, err)
	return sink
}

// change makes the flow's target one of sink, which may be nil.
func (f *flow) change(sink Sink, path *Path) {
	f.Change(Change{Format: f.format, Queue: f.bounds(), Retry: quickRetry, Sink: sink, Path: path})
}

// wantNumbers checks that files, one after the other, hold each number below n once, in order.
func wantNumbers(t *testing.T, n int, files ...string) {
	t.Helper()
	next := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		fatal(t, err)
		for line := range bytes.Lines(text) {
			var number int
			_, err := fmt.Sscan(string(line), &number)
			fatal(t, err)
			if number != next {
				t.Fatalf("%s: %d where %d was to come", filepath.Base(file), number, next)
			}
			next++
		}
	}
	if next != n {
		t.Errorf("%d of %d messages are there", next, n)
	}
}

// quickRetry is that of a flow.
var quickRetry = Retry{Min: time.Millisecond, Max: 20 * time.Millisecond, Steady: 50 * time.Millisecond}

var blocking = QueueOptions{Memory: 1 << 20, WhenFull: BlockSenders}

// Fifty changes of the file under load: each message is in one of them, once and in order.
func TestChangeUnderLoad(t *testing.T) {
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "0.log")}
	f := newFileFlow(t, files[0], blocking).start()
	for i := range 50 {
		f.send(1000)
		files = append(files, filepath.Join(dir, fmt.Sprint(i+1, ".log")))
		f.change(fileSink(t, files[i+1]), nil)
		f.send(1000)
	}
	f.finish()
	wantNumbers(t, 100_000, files...)
	if f.Messages() != 100_000 {
		t.Errorf("%d messages were counted", f.Messages())
	}
}

// A target whose file cannot be written to gets another one: all that waits goes there.
func TestChangeAwayFromFault(t *testing.T) {
	for _, fault := range []string{"/dev/full", "fifo"} {
		t.Run(filepath.Base(fault), func(t *testing.T) {
			dir := t.TempDir()
			if fault == "fifo" {
				fault = filepath.Join(dir, "fifo")
				fatal(t, unix.Mkfifo(fault, 0o600))
			}
			f := newFileFlow(t, fault, blocking).start()
			f.send(1000)
			waitUntil(t, "it fails", func() bool { return f.Errors() > 0 })
			f.send(1000)
			good := filepath.Join(dir, "good.log")
			f.change(fileSink(t, good), nil)
			f.send(1000)
			f.finish()
			wantNumbers(t, 3000, good)
		})
	}
}

// What came while the path had no fields goes, once it has, to the file that takes what has no place.
func TestChangeToPaths(t *testing.T) {
	dir := t.TempDir()
	f := newFileFlow(t, "/dev/full", blocking).start()
	f.send(1000)
	waitUntil(t, "it fails", func() bool { return f.Errors() > 0 })
	path, err := CompilePath(filepath.Join(dir, "{hostname}.log"), time.UTC)
	fatal(t, err)
	path.Limit(1000)
	f.change(fileSink(t, ""), path)
	f.send(200)
	f.finish()
	wantNumbers(t, 1000, filepath.Join(dir, "_other.log"))
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	fatal(t, err)
	if len(files) != 101 { // a hundred hosts
		t.Errorf("%d files", len(files))
	}
}

// A collector that is away, one that never reads and one that has much unread are replaced: the new one gets everything,
// in order; and once each, unless the old one took it.
func TestChangeCollector(t *testing.T) {
	defer func(d time.Duration) { changeTime = d }(changeTime)
	changeTime = 50 * time.Millisecond
	for name, serve := range map[string]func(c *collector, lines *bufio.Reader){
		"away":       nil,
		"deaf":       func(c *collector, _ *bufio.Reader) { <-c.t.Context().Done() },
		"half read":  func(c *collector, lines *bufio.Reader) { c.read(lines, 700); <-c.t.Context().Done() },
		"all's well": func(c *collector, lines *bufio.Reader) { c.read(lines, -1) },
	} {
		for _, spool := range []int64{0, 64 << 20} {
			t.Run(fmt.Sprint(name, " with a spool of ", spool), func(t *testing.T) {
				old, fresh := newCollector(t, "127.0.0.1:0"), newCollector(t, "127.0.0.1:0")
				where := freeport.Address(t)
				if serve != nil {
					old.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { serve(old, lines) }
					old.start()
					where = old.address()
				}
				fresh.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { fresh.read(lines, -1) }
				fresh.start()
				o := spooledOptions(spool)
				o.Queue.Memory = 32 << 20
				if name == "half read" {
					o.Resend *= 5 // on a busy machine it may take long until more is sent than what is left unread
				}
				f := newSpooled(t, o, t.TempDir(), where).start()
				f.send(20_000)
				switch {
				case serve == nil:
					waitUntil(t, "it fails", func() bool { return f.Errors() > 0 })
				case name == "all's well":
					old.waitFor(1000)
				default:
					waitUntil(t, "it connects", func() bool { return f.Bytes() > 0 || old.distinct() > 0 })
				}
				if spool > 0 && name != "all's well" {
					waitUntil(t, "the spool is used", func() bool { return f.SpoolBytes() > 0 })
				}
				f.change(newRemote(o, "tcp", fresh.address()), nil)
				f.send(20_000)
				waitUntil(t, "all is sent", func() bool { return f.QueueBytes() == 0 && f.SpoolBytes() == 0 })
				f.finish()
				missing := 0
				for i := range 40_000 {
					if old.times(i) == 0 && fresh.times(i) == 0 {
						missing++
					}
				}
				if missing > 0 {
					t.Errorf("%d messages are missing", missing)
				}
				if fresh.newest != 39_999 || name == "away" && len(fresh.seen) != 40_000 {
					t.Errorf("the new collector got %d messages, the last is %d", len(fresh.seen), fresh.newest)
				}
			})
		}
	}
}

// times is how often message n came.
func (c *collector) times(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[n]
}

// Only the options of the queue change: the connection stays, and a spool comes and goes.
func TestChangeQueue(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	connections := 0
	c.serve = func(n int, _ net.Conn, lines *bufio.Reader) { connections = n + 1; c.read(lines, -1) }
	c.start()
	o := spooledOptions(0)
	f := newSpooled(t, o, t.TempDir(), c.address()).start()
	for i := range 20 {
		f.send(1000)
		o := f.bounds()
		o.Spool = int64(i%2) * (64 << 20)
		o.Memory = 1<<20 + int64(i)
		fatal(t, f.PrepareSpool(o))
		f.Change(Change{Format: f.format, Queue: o, Retry: quickRetry})
	}
	waitUntil(t, "all is sent", func() bool { return f.QueueBytes() == 0 && f.SpoolBytes() == 0 })
	f.finish()
	c.waitFor(20_000)
	if c.account(20_000) > 0 || connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

// What waits in a spool that is no longer wanted is sent nevertheless, and what comes meanwhile after it.
func TestChangeSpoolAway(t *testing.T) {
	where := freeport.Address(t)
	o := spooledOptions(64 << 20)
	o.Queue.Memory = 8 << 20
	f := newSpooled(t, o, t.TempDir(), where).start()
	f.send(5000)
	waitUntil(t, "the spool is used", func() bool { return f.SpoolBytes() > 0 })
	options := f.bounds()
	options.Spool = 0
	f.Change(Change{Format: f.format, Queue: options, Retry: quickRetry})
	f.send(5000)
	c := newCollector(t, where)
	c.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { c.read(lines, -1) }
	c.start()
	waitUntil(t, "all is sent", func() bool { return f.QueueBytes() == 0 && f.SpoolBytes() == 0 })
	f.finish()
	c.waitFor(10_000)
	c.account(10_000)
}

// A file that was moved away is let go at once, though no block comes.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	file, moved := filepath.Join(dir, "a.log"), filepath.Join(dir, "a.log.1")
	f := newFileFlow(t, file, blocking).start()
	f.send(10)
	<-f.Settled(10)
	fatal(t, os.Rename(file, moved))
	f.Reopen()
	waitUntil(t, "it is closed", func() bool { return !isOpen(t, moved) })
	f.send(10)
	f.finish()
	wantNumbers(t, 20, moved, file)
}

// isOpen reports whether this process has the file open.
func isOpen(t *testing.T, path string) bool {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	fatal(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == path {
			return true
		}
	}
	return false
}
