package writer

import (
	"math/rand/v2"
	"time"
)

// Retry says how long to wait between tries to write: Min after the first, each time twice as long, at most Max.
type Retry struct {
	Min time.Duration `yaml:"min"`
	Max time.Duration `yaml:"max"`

	// Steady is how long all must have gone well before the waits begin with Min again, so that a collector that takes
	// connections only to break them is not besieged; and then the first try comes at once, and waits are jittered, since
	// many may have lost the same collector at the same time. 0: one success is enough.
	Steady time.Duration `yaml:"-"`
}

// The waits between tries to write a block, unless Retry says otherwise.
const (
	retryMin = 100 * time.Millisecond
	retryMax = 5 * time.Second
)

// A backoff is how long the next wait is.
type backoff struct {
	next time.Duration // 0: none yet
	up   time.Time     // since when all goes well; zero: it does not
}

// succeeded is called after each write.
func (b *backoff) succeeded(r *Retry) {
	switch {
	case r.Steady == 0:
		b.next = 0
	case b.up.IsZero():
		b.up = time.Now()
	}
}

// wait returns how long to wait after a fault.
func (b *backoff) wait(r *Retry) time.Duration {
	if r.Steady == 0 {
		wait := max(b.next, r.Min)
		b.next = min(2*wait, r.Max)
		return wait
	}
	if !b.up.IsZero() && time.Since(b.up) >= r.Steady {
		b.up, b.next = time.Time{}, r.Min
		return 0
	}
	b.up = time.Time{}
	wait := max(b.next, r.Min)
	b.next = min(2*wait, r.Max)
	return wait*4/5 + rand.N(wait*2/5+1)
}
