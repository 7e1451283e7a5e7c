package listen

import (
	"runtime"
	"sync/atomic"
	"time"

	"sluice/syslog"
)

// A desk is what a connection needs while it is read: a buffer, a batch and a parser. Connections borrow one and return
// it when there is nothing left to read, so that desks are as many as busy connections, not as open ones. (2,000 idle
// connections with buffers of their own cost 140 MB.)
type desk struct {
	intake
	buf   []byte
	ahead []byte // tls: for what is encrypted
}

const (
	// largeRead is how much is read at once. More gains nothing: buffer and batch should stay in the second-level cache.
	largeRead = 128 << 10
	// smallRead is how much while many desks are lent. So many are only while their owners wait for a full target, and
	// what they hold would add up: 2,000 of them to 40 MB in place of 400.
	smallRead = 8 << 10
	manyDesks = 64
	// deskWait is how long a connection waits for a desk before one more is made.
	deskWait = time.Millisecond
)

// desks are those that nobody has borrowed, nil ones being still to be made. There are as many as can be busy at once,
// and more only while owners wait for a full target. A sync.Pool will not do: it makes one as soon as there is none, and
// connections that the collector had wait, each for its new desk, came to hold 890.
type desks struct {
	free  chan *desk
	first chan struct{} // held by the first of those who wait
	lent  atomic.Int32
	make  func() *desk
}

func newDesks(cfg *Config, counters *syslog.Counters) *desks {
	framer := syslog.Framer{Max: cfg.MaxMessageSize}
	d := &desks{
		free:  make(chan *desk, 2*runtime.GOMAXPROCS(0)+maxPauses),
		first: make(chan struct{}, 1),
		make: func() *desk {
			desk := &desk{intake: newIntake(cfg, counters), buf: make([]byte, framer.Room()+largeRead)}
			if cfg.TLS != nil {
				desk.ahead = make([]byte, aheadRead)
			}
			return desk
		},
	}
	for range cap(d.free) {
		d.free <- nil
	}
	return d
}

// borrow returns a desk and how much should be read at once.
func (d *desks) borrow() (_ *desk, read int) {
	var desk *desk
	select {
	case desk = <-d.free:
	default:
		desk = d.wait()
	}
	if desk == nil {
		desk = d.make()
	}
	if d.lent.Add(1) > manyDesks {
		return desk, smallRead
	}
	return desk, largeRead
}

// wait waits for a desk, and returns nil if one more should be made: one a deskWait, however many wait.
func (d *desks) wait() *desk {
	select {
	case desk := <-d.free:
		return desk
	case d.first <- struct{}{}:
	}
	defer func() { <-d.first }()
	timer := time.NewTimer(deskWait)
	defer timer.Stop()
	select {
	case desk := <-d.free:
		return desk
	case <-timer.C:
		return nil
	}
}

// giveBack takes a desk back. If it was one more than usual it is garbage now.
func (d *desks) giveBack(desk *desk) {
	desk.batch.Feed = nil
	d.lent.Add(-1)
	select {
	case d.free <- desk:
	default:
	}
}
