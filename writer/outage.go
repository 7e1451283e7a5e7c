package writer

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// How often a target repeats itself in the log.
const (
	faultsEvery = 30 * time.Second // a target that comes and goes says so this often
	dropsEvery  = 10 * time.Second // messages that are dropped are added up this long
)

// An outage is what a target's log is told of its faults: once when one begins and once when it is over, and what was
// dropped meanwhile.
type outage struct {
	down    atomic.Bool
	latest  atomic.Pointer[Fault]
	told    bool      // the log knows that it is down
	last    time.Time // when the log was told of a fault
	untold  int       // faults that came too soon after it
	dropped uint64    // as the log knows
	counted time.Time // when it was told so
}

// A Fault is what went wrong when a target was last written to.
type Fault struct {
	Err   error
	At    time.Time
	Since time.Time // when the first of the tries failed that have failed in a row
}

// fault is called for each try that fails.
func (o *outage) fault(log *slog.Logger, err error) {
	now := time.Now()
	f := Fault{err, now, now}
	if before := o.latest.Load(); before != nil && o.down.Load() {
		f.Since = before.Since
	}
	o.latest.Store(&f)
	if !o.down.CompareAndSwap(false, true) {
		return
	}
	if o.last.IsZero() || now.Sub(o.last) >= faultsEvery {
		if o.untold > 0 {
			log = log.With("unsaid", o.untold)
		}
		log.Error("cannot write, trying again", "error", err)
		o.last, o.untold, o.told = now, 0, true
		return
	}
	o.untold++
}

// over is called after each write.
func (o *outage) over(log *slog.Logger) {
	if o.down.CompareAndSwap(true, false) && o.told {
		log.Info("writing again")
		o.told = false
	}
}

// drops says how many messages the queue has shed since the log was told, now and then.
func (o *outage) drops(log *slog.Logger, dropped uint64) {
	if dropped == o.dropped {
		return
	}
	if now := time.Now(); now.Sub(o.counted) >= dropsEvery {
		log.Warn("messages dropped: the queue was full", "messages", dropped-o.dropped)
		o.dropped, o.counted = dropped, now
	}
}
