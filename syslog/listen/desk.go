package listen

import (
	"sync/atomic"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// A desk is what a connection needs while it is read: a buffer, a batch and a parser.
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
)

// desks lends them, and says how much to read with each.
type desks struct {
	*crowd.Desks[desk]
	lent atomic.Int32
}

func newDesks(cfg *Config, counters *syslog.Counters) *desks {
	framer := syslog.Framer{Max: cfg.MaxMessageSize}
	return &desks{Desks: crowd.NewDesks(maxPauses, func() *desk {
		desk := &desk{intake: newIntake(cfg, counters), buf: make([]byte, framer.Room()+largeRead)}
		if cfg.TLS != nil {
			desk.ahead = make([]byte, aheadRead)
		}
		return desk
	})}
}

// borrow returns a desk and how much should be read at once.
func (d *desks) borrow() (_ *desk, read int) {
	desk := d.Borrow()
	if d.lent.Add(1) > manyDesks {
		return desk, smallRead
	}
	return desk, largeRead
}

func (d *desks) giveBack(desk *desk) {
	desk.batch.Feed = nil
	d.lent.Add(-1)
	d.GiveBack(desk)
}
