package listen

import (
	"time"
)

// sayNotAllowed says that allow kept some peers out.
func (l *Listener) sayNotAllowed(now time.Time, what string, n uint64) {
	if unsaid, ok := l.notAllowed.Due(now); ok {
		l.log.Warn("refused "+what+" of peers that are not in allow", "refused", n, "unsaid", unsaid)
	}
}

// sayRead says that a socket could not be read, which it is tried again.
func (l *Listener) sayRead(err error) {
	if unsaid, ok := l.reading.Due(time.Now()); ok {
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
