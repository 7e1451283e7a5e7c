package syslog

import (
	"sync/atomic"
	"time"
)

// faultPause is how long a fault that was said is not said again.
const faultPause = time.Minute

// A Fault is something that goes wrong many times a second, if it does, and is said in the log once a minute. Its zero value
// is a fault that has not happened. Many goroutines may use it.
type Fault struct {
	next   atomic.Int64 // when it may be said again, in ns since 1970
	unsaid atomic.Uint64
	broken atomic.Bool
}

// Due reports whether the fault is to be said now, and how many times it was not since it last was.
func (f *Fault) Due(now time.Time) (unsaid uint64, ok bool) {
	f.broken.Store(true)
	next, n := f.next.Load(), now.UnixNano()
	if n < next || !f.next.CompareAndSwap(next, n+int64(faultPause)) {
		f.unsaid.Add(1)
		return 0, false
	}
	return f.unsaid.Swap(0), true
}

// Resolved reports whether the fault was there when Resolved was last called and is gone now.
func (f *Fault) Resolved() bool { return f.broken.Load() && f.broken.Swap(false) }
