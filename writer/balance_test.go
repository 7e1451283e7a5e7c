package writer

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// The first collector that can be reached gets everything, the next one while it is away, and the first again when it is
// back.
func TestFailover(t *testing.T) {
	a, b := newCollector(t, "127.0.0.1:0").start(), newCollector(t, "127.0.0.1:0").start()
	f := newFlow(t, testRemoteOptions(), "", a.address(), b.address()).start()
	f.send(1000)
	a.waitFor(1000)
	<-f.Settled(1000)
	where := a.address()
	a.close()
	f.send(1000)
	b.waitFor(1000) // and perhaps some of what a had just got
	back := newCollector(t, where).start()
	waitUntil(t, "the first gets it again", func() bool {
		f.send(1)
		return back.distinct() > 0
	})
	f.finish()
	both := map[int]bool{}
	for _, c := range []*collector{a, b, back} {
		c.mu.Lock()
		for n := range c.seen {
			both[n] = true
		}
		c.mu.Unlock()
	}
	if len(both) != f.next {
		t.Errorf("%d of %d messages came", len(both), f.next)
	}
	if !f.Up() || f.Errors() > 0 {
		t.Errorf("%d errors, up %v: one of two collectors was there all the time", f.Errors(), f.Up())
	}
}

// Blocks go to each in turn; what one had not read when it died goes to the others.
func TestRoundRobin(t *testing.T) {
	a, b, dying := newCollector(t, "127.0.0.1:0").start(), newCollector(t, "127.0.0.1:0").start(), newCollector(t, "127.0.0.1:0")
	dying.serve = func(_ int, conn net.Conn, lines *bufio.Reader) {
		dying.read(lines, 5000)
		dying.ln.Close()
		reset(conn)
	}
	dying.start()
	o := testRemoteOptions()
	o.Balance = RoundRobin
	f := newFlow(t, o, "", a.address(), dying.address(), b.address()).start()
	const messages = 100_000
	f.send(messages)
	waitUntil(t, "all has come", func() bool {
		both := map[int]bool{}
		for _, c := range []*collector{a, b, dying} {
			c.mu.Lock()
			for n := range c.seen {
				both[n] = true
			}
			c.mu.Unlock()
		}
		return len(both) == messages
	})
	f.finish()
	for _, c := range []*collector{a, b} {
		if n := c.distinct(); n < messages/5 {
			t.Errorf("one got %d of %d messages", n, messages)
		}
	}
	if f.Errors() > 0 {
		t.Errorf("%d errors though two collectors were there", f.Errors())
	}
}

// A host's messages go to one collector, as long as that is there.
func TestHash(t *testing.T) {
	a, b := newCollector(t, "127.0.0.1:0").start(), newCollector(t, "127.0.0.1:0").start()
	o := testRemoteOptions()
	o.Balance = Hash
	f := newFlow(t, o, "{hostname}", a.address(), b.address()).start()
	const messages = 50_000 // of 100 hosts: a number's last two digits
	f.send(messages)
	waitUntil(t, "all has come", func() bool { return a.distinct()+b.distinct() == messages })
	hosts := func(c *collector) map[int]bool {
		hosts := map[int]bool{}
		c.mu.Lock()
		defer c.mu.Unlock()
		for n := range c.seen {
			hosts[n%100] = true
		}
		return hosts
	}
	ofA, ofB := hosts(a), hosts(b)
	if len(ofA)+len(ofB) != 100 || len(ofA) < 20 || len(ofB) < 20 {
		t.Errorf("one collector has %d of 100 hosts, the other %d", len(ofA), len(ofB))
	}
	a.close()
	f.send(messages)
	waitUntil(t, "b has the second half", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for n := range messages {
			if b.seen[messages+n] == 0 {
				return false
			}
		}
		return true
	})
	f.finish()
}

// When none can be reached the error names them all.
func TestBalanceNobody(t *testing.T) {
	r := newRemote(testRemoteOptions(), "tcp", "127.0.0.1:1", "127.0.0.1:2")
	err := r.Write(blockOf(line{"", "x"}))
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1: ") || !strings.Contains(err.Error(), "127.0.0.1:2: ") {
		t.Errorf("%v", err)
	}
	if err := r.Close(); err == nil {
		t.Error("closed as if all had been sent")
	}
}

// Waits grow while nothing goes well, are jittered, and begin again only when all has gone well for a while.
func TestBackoff(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		r := Retry{Min: time.Second, Max: 10 * time.Second, Steady: 5 * time.Second}
		var b backoff
		about := func(want time.Duration) {
			t.Helper()
			if got := b.wait(&r); got < want*8/10 || got > want*12/10 {
				t.Errorf("waits %s, want about %s", got, want)
			}
		}
		about(time.Second)
		about(2 * time.Second)
		b.succeeded(&r)
		about(4 * time.Second) // it broke at once
		b.succeeded(&r)
		<-time.After(5 * time.Second)
		b.succeeded(&r)
		about(0)
		about(time.Second)
		about(2 * time.Second)
		about(4 * time.Second)
		about(8 * time.Second)
		about(10 * time.Second)
		about(10 * time.Second)
	})
}
