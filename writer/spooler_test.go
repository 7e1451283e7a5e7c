package writer

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/freeport"
)

// spooledOptions are those of a forward with little memory and a spool.
func spooledOptions(spool int64) RemoteOptions {
	o := testRemoteOptions()
	o.Queue = QueueOptions{Memory: 1 << 20, Spool: spool, WhenFull: BlockSenders, BlockFor: time.Minute, Fsync: time.Second}
	return o
}

// newSpooled returns a flow with its spool in dir.
func newSpooled(t testing.TB, o RemoteOptions, dir string, addresses ...string) *flow {
	t.Helper()
	f := newFlow(t, o, "", addresses...)
	fatal(t, f.OpenSpool(dir, f.log))
	return f
}

// leave ends a flow whose collector may be away.
func (f *flow) leave() {
	f.t.Helper()
	f.Finish()
	<-f.done
}

// A collector that is away for twenty times the memory: nothing is lost, nobody waits for it, and it comes in order.
func TestSpoolWhileAway(t *testing.T) {
	where := freeport.Address(t)
	f := newSpooled(t, spooledOptions(64<<20), t.TempDir(), where).start()
	const messages = 100_000
	f.send(messages)
	<-f.Settled(messages)
	if n := f.SpoolBytes(); n < 19_000_000 {
		t.Errorf("%d bytes in the spool", n)
	}
	c := newCollector(t, where)
	c.inOrder = true
	c.start()
	c.waitFor(messages)
	waitUntil(t, "the spool is empty", func() bool { return f.SpoolBytes() == 0 })
	f.send(1000)
	c.waitFor(messages + 1000)
	f.finish()
	if twice := c.account(messages + 1000); twice > 0 {
		t.Errorf("%d came twice", twice)
	}
}

// What a target that has to end cannot deliver is there for the next run, with a spool and without; and what the last run
// left comes before anything new.
func TestSpoolOutlivesRun(t *testing.T) {
	for name, spool := range map[string]int64{"with a spool": 64 << 20, "without": 0} {
		t.Run(name, func(t *testing.T) {
			where, dir := freeport.Address(t), filepath.Join(t.TempDir(), "spool", "x")
			o := spooledOptions(spool)
			o.Queue.Memory = 16 << 20
			next := 0
			for range 3 {
				f := newSpooled(t, o, dir, where)
				ctx, cancel := context.WithCancel(t.Context())
				go func() { f.done <- f.Run(ctx) }()
				f.next = next
				f.send(5000)
				next = f.next
				waitUntil(t, "it was tried", func() bool { return f.Errors() > 0 })
				if spool == 0 {
					cancel() // the time to drain is over
				}
				f.leave()
				cancel()
				if f.Dropped() > 0 {
					t.Fatalf("%d dropped", f.Dropped())
				}
			}
			c := newCollector(t, where)
			c.inOrder = true
			c.start()
			f := newSpooled(t, o, dir, where).start()
			f.next = next
			f.send(5000)
			c.waitFor(next + 5000)
			f.finish()
			if twice := c.account(next + 5000); twice > 0 {
				t.Errorf("%d came twice", twice)
			}
			if _, err := os.Stat(dir); spool == 0 && err == nil {
				t.Error("the folder of what was saved is still there")
			}
		})
	}
}

// The spool is full: drop_oldest drops segments, drop_newest what comes, block waits; and each message is sent or counted.
func TestSpoolFull(t *testing.T) {
	for _, w := range []WhenFull{BlockSenders, DropOldest, DropNewest} {
		t.Run(w.String(), func(t *testing.T) {
			where := freeport.Address(t)
			o := spooledOptions(4 << 20)
			o.Queue.WhenFull, o.Queue.BlockFor = w, 300*time.Millisecond
			f := newSpooled(t, o, t.TempDir(), where).start()
			const messages = 60_000 // 12 MB
			f.send(messages)
			<-time.After(10 * time.Millisecond)
			c := newCollector(t, where)
			c.inOrder = true
			c.start()
			waitUntil(t, "all is sent or counted", func() bool { return c.distinct()+int(f.Dropped()) == messages && f.SpoolBytes() == 0 })
			f.Finish()
			fatal(t, <-f.done)
			if dropped := int(f.Dropped()); dropped < messages/2 || dropped > messages*3/4 {
				t.Errorf("%d of %d dropped", dropped, messages)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if oldest, newest := c.seen[5000] > 0, c.seen[messages-1] > 0; oldest == (w == DropOldest) || newest != (w == DropOldest) {
				t.Errorf("the first message came: %v, the last: %v", oldest, newest)
			}
		})
	}
}

// A collector that comes and goes, with resets, while more comes than it takes: all arrives, whatever way it took.
func TestSpoolBreaks(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n >= 30 {
			c.read(lines, -1)
			return
		}
		for range 10 {
			c.read(lines, 200)
			<-time.After(time.Millisecond) // slower than what is sent
		}
		reset(conn)
	}
	c.start()
	f := newSpooled(t, spooledOptions(64<<20), t.TempDir(), c.address()).start()
	const messages = 150_000
	f.send(messages)
	<-f.Settled(messages)
	c.waitFor(messages)
	waitUntil(t, "the spool is empty", func() bool { return f.SpoolBytes() == 0 })
	f.finish()
	t.Logf("%d came twice", c.account(messages))
}

// A collector whose window shuts for good: what the kernel took of us is taken to the spool as well, so that neither a
// crash of ours nor its end loses it, and senders get their receipt.
func TestSpoolWhileStuck(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	stuck := make(chan struct{})
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n == 0 {
			<-stuck
			return
		}
		c.read(lines, -1)
	}
	c.start()
	dir := t.TempDir()
	f := newSpooled(t, spooledOptions(64<<20), dir, c.address()).start()
	const messages = 60_000
	f.send(messages)
	<-f.Settled(messages)
	if f.Errors() > 0 {
		t.Fatal("it is not stuck")
	}
	crashed := t.TempDir() // what a kill -9 would leave
	copyFolder(t, dir, crashed)
	other := newCollector(t, "127.0.0.1:0").start()
	after := newSpooled(t, spooledOptions(64<<20), crashed, other.address()).start()
	other.waitFor(messages)
	after.finish()
	other.account(messages)
	close(stuck)
	c.waitFor(messages)
	f.finish()
	c.account(messages)
}

func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	fatal(t, os.CopyFS(to, os.DirFS(from)))
}

// A spool that cannot be written to: memory is used as if there were none, it is said, and what it takes later goes there.
func TestSpoolDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		lacks(t, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	where := freeport.Address(t)
	o := spooledOptions(64 << 20)
	o.Queue.Memory = 2 << 20
	f := newSpooled(t, o, filepath.Join(dir, "x"), where).start()
	const messages = 12_000 // 2.4 MB: more than either holds
	f.send(messages)
	c := newCollector(t, where)
	c.inOrder = true
	c.start()
	c.waitFor(messages)
	f.finish()
	c.account(messages)
}

// A file that could be written only in part when the run ended goes on where it was.
func TestSavedFileGoesOn(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		lacks(t, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	path, saved := filepath.Join(dir, "log"), filepath.Join(t.TempDir(), "saved")
	o := DefaultFileOptions()
	want := ""
	for run := range 2 {
		sink := openFile(t, path, o)
		q := newQueue(t, o.Queue, "")
		target := NewTarget("file", q, sink, newRemote(RemoteOptions{}, "tcp").log)
		fatal(t, q.OpenSpool(saved, target.log))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- target.Run(ctx) }()
		if run == 0 {
			var lines []string
			for i := range 3000 { // 600 KB
				lines = append(lines, fmt.Sprint(i, strings.Repeat("x", 195)))
				want += lines[i] + "\n"
			}
			b := batchOf(syslog.Patiently, lines...)
			q.Append(b, indexes(b))
			waitUntil(t, "the disk is full", func() bool { return target.Errors() > 1 })
			cancel()
		} else {
			waitUntil(t, "what was saved is written", func() bool { return q.SpoolBytes() == 0 })
			target.Finish()
		}
		fatal(t, <-done)
		cancel()
		if target.Dropped() > 0 {
			t.Fatalf("%d dropped", target.Dropped())
		}
		fatal(t, unix.Mount("", dir, "", unix.MS_REMOUNT, "size=2m"))
	}
	got, err := os.ReadFile(path)
	fatal(t, err)
	whole := map[string]bool{}
	for line := range strings.Lines(string(got)) {
		if whole[line] {
			t.Errorf("twice: %.20q", line)
		}
		whole[line] = true
	}
	for line := range strings.Lines(want) {
		if !whole[line] {
			t.Fatalf("missing: %.20q", line)
		}
	}
	if len(got) > len(want)+200 {
		t.Errorf("%d bytes, want %d and at most one torn line", len(got), len(want))
	}
}
