package listen

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A pace makes a reader that has just emptied its socket pause before it waits for more, if messages come fast and few
// at a time: to be woken costs 4 µs, twenty times what a message does, and a sender of 100,000 messages a second would
// wake us for nearly each of them. A message that comes alone is never delayed, others by less than half a millisecond.
type pace struct{ last time.Time }

const (
	pauseTime = 250 * time.Microsecond
	fastGap   = 50 * time.Microsecond // messages that come closer are fast
	fewAtOnce = 32                    // so many at a time need no pause: being woken costs little then
	maxPauses = 4                     // at a time: each keeps a thread
)

var pauses atomic.Int32

// pause may pause, n messages having been read since the socket was last empty, the last at now. It reports whether it
// did, and whether it is therefore worth looking again.
func (p *pace) pause(now time.Time, n int) bool {
	gap := now.Sub(p.last)
	p.last = now
	if n >= fewAtOnce || gap >= time.Duration(n)*fastGap {
		return false
	}
	defer pauses.Add(-1)
	if pauses.Add(1) > maxPauses {
		return false
	}
	// time.Sleep would save nothing: its timer costs what being woken does, and rounds up to 1 ms where all is idle.
	ts := unix.NsecToTimespec(int64(pauseTime))
	_ = unix.Nanosleep(&ts, nil)
	return true
}
