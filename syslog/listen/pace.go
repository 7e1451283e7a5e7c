package listen

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pace makes a reader that has just emptied its socket pause before it waits for more, if messages come fast: to be woken
// costs 4 µs, twenty times what a message does, and a sender of 100,000 messages a second would wake us for nearly each of
// them. A message that comes alone is never delayed.
type pace struct{ last time.Time }

// Pauses.
const (
	shortPause = 250 * time.Microsecond // for a stream, or where the kernel queues little
	longPause  = time.Millisecond       // for a socket with an ample buffer

	fastGap   = 50 * time.Microsecond // messages that come closer are fast
	fewAtOnce = 32                    // so many from a stream at a time need no pause: being woken costs little then
	maxPauses = 4                     // at a time: each keeps a thread
)

var pauses atomic.Int32

// pause may make a short pause, n messages having been read since the socket was last empty, the last at now. It reports
// whether it did, and whether it is therefore worth looking again.
func (p *pace) pause(now time.Time, n int) bool {
	return p.fast(now, n) && n < fewAtOnce && nap(shortPause)
}

// rest may make a long one, however many came.
func (p *pace) rest(now time.Time, n int) bool { return p.fast(now, n) && nap(longPause) }

// fast reports whether n messages came fast.
func (p *pace) fast(now time.Time, n int) bool {
	gap := now.Sub(p.last)
	p.last = now
	return gap < time.Duration(n)*fastGap
}

// keepsPlace is held by a reader that naps unknown to the scheduler.
var (
	keepsPlace atomic.Bool
	manyPlaces = runtime.GOMAXPROCS(0) > 1
)

// nap sleeps, unless too many do.
func nap(d time.Duration) bool {
	defer pauses.Add(-1)
	if pauses.Add(1) > maxPauses {
		return false
	}
	// time.Sleep would save nothing: its timer costs what being woken does, and rounds up to 1 ms where all is idle.
	ts := unix.NsecToTimespec(int64(d))
	if manyPlaces && keepsPlace.CompareAndSwap(false, true) {
		// If the scheduler heard of it, it would give our place to another thread, take it back afterwards, and look for such
		// places 50,000 times a second: a tenth of what a datagram costs. One place at a time is left idle instead.
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
		keepsPlace.Store(false)
		return true
	}
	_ = unix.Nanosleep(&ts, nil)
	return true
}
