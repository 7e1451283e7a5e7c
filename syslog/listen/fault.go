package listen

import (
	"sync/atomic"
	"time"
)

// faultPause is how long a fault that was said is not said again.
const faultPause = time.Minute

// A fault is something that goes wrong many times a second, if it does, and is said once a minute.
type fault struct {
	next   atomic.Int64 // when it may be said again, in ns since 1970
	unsaid atomic.Uint64
	broken atomic.Bool
}

// due reports whether the fault is to be said now, and how many times it was not since it last was.
func (f *fault) due(now time.Time) (unsaid uint64, ok bool) {
	f.broken.Store(true)
	next, n := f.next.Load(), now.UnixNano()
	if n < next || !f.next.CompareAndSwap(next, n+int64(faultPause)) {
		f.unsaid.Add(1)
		return 0, false
	}
	return f.unsaid.Swap(0), true
}

// resolved reports whether the fault was there when resolved was last called and is gone now.
func (f *fault) resolved() bool { return f.broken.Load() && f.broken.Swap(false) }

// sayNotAllowed says that allow kept some peers out.
func (l *Listener) sayNotAllowed(now time.Time, what string, n uint64) {
	if unsaid, ok := l.notAllowed.due(now); ok {
		l.log.Warn("refused "+what+" of peers that are not in allow", "refused", n, "unsaid", unsaid)
	}
}

// sayRead says that a socket could not be read, which it is tried again.
func (l *Listener) sayRead(err error) {
	if unsaid, ok := l.reading.due(time.Now()); ok {
		l.log.Error("cannot read", "error", err, "unsaid", unsaid)
	}
}

// pause waits for d, or until l stops.
func (l *Listener) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.stopSignal:
	}
}
