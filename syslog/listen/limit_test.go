package listen

import (
	"fmt"
	"testing"
	"time"
)

// Each address has its own window, or the input one for all; and a source that invents addresses costs no memory for ever.
func TestLimiter(t *testing.T) {
	start := time.Unix(1000, 0)
	count := func(l *limiter, source string, at time.Time, n int) (allowed int) {
		w := l.of([]byte(source), at)
		for range n {
			if l.allows(w, at.UnixNano()) {
				allowed++
			}
		}
		return allowed
	}
	l := newLimiter(RateLimit{Messages: 10, Per: 5 * time.Second})
	for _, c := range []struct {
		source       string
		after        time.Duration
		sent, passed int
	}{
		{"10.0.0.1", 0, 7, 7}, {"10.0.0.1", time.Second, 7, 3}, {"10.0.0.2", time.Second, 20, 10},
		{"10.0.0.1", 5*time.Second - 1, 1, 0}, {"10.0.0.1", 5 * time.Second, 20, 10}, {"10.0.0.1", time.Hour, 5, 5},
	} {
		if got := count(l, c.source, start.Add(c.after), c.sent); got != c.passed {
			t.Errorf("%s after %s: %d of %d passed, want %d", c.source, c.after, got, c.sent, c.passed)
		}
	}
	all := newLimiter(RateLimit{Messages: 10, Per: 5 * time.Second, By: ByInput})
	if got := count(all, "a", start, 7) + count(all, "b", start, 7); got != 10 {
		t.Errorf("%d of 14 passed of one input", got)
	}
	for i := range 3 * manyWindows {
		count(l, fmt.Sprint(i), start.Add(time.Duration(i)*time.Second), 1)
	}
	if n := len(l.windows); n > manyWindows {
		t.Errorf("%d addresses are remembered", n)
	}
	if newLimiter(RateLimit{Per: time.Second}) != nil {
		t.Error("no limit is one")
	}
}
