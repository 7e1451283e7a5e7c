package listen

import (
	"sync"
	"sync/atomic"
	"time"

	"sluice/syslog"
)

// A RateLimit bounds how many messages are taken in a time; what is over it is dropped and counted.
type RateLimit struct {
	Messages int64         `yaml:"messages"` // 0: no limit
	Per      time.Duration `yaml:"per"`
	By       LimitBy       `yaml:"by"`
}

// A LimitBy says who shares a limit.
type LimitBy uint8

// Who shares a limit.
const (
	BySource LimitBy = iota // the messages of one address
	ByInput                 // all of the input
)

// UnmarshalText reads source or input.
func (b *LimitBy) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(b, "by", text, []string{"source", "input"})
}

// A limiter counts what came, in windows of the limit's length. All readers of an input share it.
type limiter struct {
	RateLimit
	mu      sync.Mutex
	windows map[string]*window // by address
}

// A window is what one address has sent since it began.
type window struct {
	begun atomic.Int64 // in ns since 1970
	count atomic.Int64
}

// manyWindows is how many addresses are remembered. Beyond it those go whose window is over.
const manyWindows = 10_000

// newLimiter returns nil where there is no limit.
func newLimiter(o RateLimit) *limiter {
	if o.Messages == 0 {
		return nil
	}
	return &limiter{RateLimit: o, windows: map[string]*window{}}
}

// of returns the window of an address.
func (l *limiter) of(source []byte, now time.Time) *window {
	if l.By == ByInput {
		source = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[string(source)]
	if w == nil {
		if len(l.windows) >= manyWindows {
			for s, w := range l.windows {
				if now.UnixNano()-w.begun.Load() >= int64(l.Per) {
					delete(l.windows, s)
				}
			}
		}
		w = new(window)
		l.windows[string(source)] = w
	}
	return w
}

// allows counts a message, and reports whether it is within the limit.
func (l *limiter) allows(w *window, now int64) bool {
	if begun := w.begun.Load(); now-begun >= int64(l.Per) && w.begun.CompareAndSwap(begun, now) {
		w.count.Store(0)
	}
	return w.count.Add(1) <= l.Messages
}
