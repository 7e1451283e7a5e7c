package writer

import (
	"bufio"
	"net"
	"path/filepath"
	"testing"

	"sluice/syslog/freeport"
	"sluice/writer/spool"
)

// onlyLater waits until the collector has the last of what was sent after a purge, and checks that nothing else came.
func onlyLater(t *testing.T, f *flow, c *collector, from, to int) {
	t.Helper()
	c.waitFor(to - from)
	f.Finish()
	fatal(t, <-f.done)
	if f.QueueBytes() != 0 || f.SpoolBytes() != 0 {
		t.Errorf("%d bytes are left in memory, %d in the spool", f.QueueBytes(), f.SpoolBytes())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.seen {
		if n < from || n >= to {
			t.Fatalf("%d came, which was purged", n)
		}
	}
}

// What waits for a collector that is away is purged, the block in hand included; what comes later is delivered.
func TestPurgeWhileAway(t *testing.T) {
	for _, balance := range []Balance{Failover, Hash} {
		t.Run(balance.String(), func(t *testing.T) {
			a := freeport.Address(t)
			b := a
			if balance == Hash {
				b = freeport.Address(t)
			}
			o, path := spooledOptions(64<<20), ""
			o.Balance = balance
			if balance == Hash {
				path = "{hostname}"
			}
			f := newFlow(t, o, path, a, b)
			fatal(t, f.OpenSpool(t.TempDir(), f.log))
			f.start()
			const before, after = 50_000, 10_000
			f.send(before)
			<-f.Settled(before)
			if n := f.Purge(); n != before {
				t.Errorf("%d messages were purged", n)
			}
			if d := f.Drops(); d.Purged != before || d.QueueFull != 0 || f.Dropped() != before {
				t.Errorf("%+v", d)
			}
			if n := f.Purge(); n != 0 {
				t.Errorf("%d messages more", n)
			}
			f.send(after)
			c := newCollector(t, a).start()
			if b != a {
				d := newCollector(t, b)
				d.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { c.read(lines, -1) }
				d.start()
			}
			onlyLater(t, f, c, before, before+after)
		})
	}
}

// A collector has taken some and reads nothing of it: when its connection breaks, what was purged meanwhile does not go
// again.
func TestPurgeWhileStuck(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	stuck := make(chan struct{})
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n == 0 {
			<-stuck
			reset(conn)
			return
		}
		c.read(lines, -1)
	}
	c.start()
	f := newSpooled(t, spooledOptions(64<<20), t.TempDir(), c.address()).start()
	const before, after = 60_000, 1000
	f.send(before)
	<-f.Settled(before)
	if n := f.Purge(); n == 0 || n > before {
		t.Errorf("%d messages were purged", n)
	}
	f.send(after)
	close(stuck)
	c.waitFor(after)
	waitUntil(t, "all is sent", func() bool { return f.QueueBytes() == 0 && f.SpoolBytes() == 0 })
	f.Finish()
	fatal(t, <-f.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen) != after || c.newest != before+after-1 {
		t.Errorf("%d messages came, the last is %d", len(c.seen), c.newest)
	}
}

// Purged again and again under load, with breaks: nothing hangs, what is left in the end is nothing, and what the
// collector misses is counted.
func TestPurgeUnderLoad(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n < 20 {
			c.read(lines, 2000)
			reset(conn)
			return
		}
		c.read(lines, -1)
	}
	c.start()
	f := newSpooled(t, spooledOptions(64<<20), t.TempDir(), c.address()).start()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 50 {
			f.Purge()
			f.send(2000)
		}
	}()
	<-ended
	waitUntil(t, "all is sent", func() bool { return f.QueueBytes() == 0 && f.SpoolBytes() == 0 })
	f.Finish()
	<-f.done
	if lost := uint64(100_000 - c.distinct()); lost > f.Drops().Purged {
		t.Errorf("%d messages are missing, %d were purged", lost, f.Drops().Purged)
	}
}

// A file's block may be half written: it is finished, and what waits behind it is purged.
func TestPurgeFile(t *testing.T) {
	q := newQueue(t, QueueOptions{Memory: 1 << 20, Spool: 16 << 20, WhenFull: BlockSenders}, "")
	f := &flow{t: t, done: make(chan error, 1)}
	sink, err := NewFileSink("/dev/full", DefaultFileOptions())
	fatal(t, err)
	f.remote = newRemote(testRemoteOptions(), "tcp")
	f.Target = NewTarget("file", q, sink, f.remote.log)
	dir := filepath.Join(t.TempDir(), "spool")
	fatal(t, f.OpenSpool(dir, f.remote.log))
	f.start()
	t.Cleanup(func() { <-f.done }) // before the folder goes
	f.send(20_000)
	<-f.Settled(20_000)
	n := f.Purge()
	if n == 0 || n >= 20_000 {
		t.Errorf("%d of 20000 were purged", n)
	}
	if f.QueueBytes() == 0 {
		t.Error("the block in hand is gone")
	}
	if n := f.Purge(); n != 0 {
		t.Errorf("%d messages more", n)
	}
	inHand := 20_000 - int(n)
	f.leave() // the block is saved for the next run
	if got := countRecords(t, dir); got != inHand {
		t.Errorf("%d messages are saved, %d were in hand", got, inHand)
	}
}

// countRecords is how many messages wait in the spool of a target that has ended.
func countRecords(t *testing.T, dir string) int {
	t.Helper()
	sum, err := spool.Inspect(dir)
	fatal(t, err)
	return int(sum.Messages)
}
