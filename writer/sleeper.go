package writer

import (
	"context"
	"time"
)

// A sleeper is a goroutine that takes from the queue, and waits for wake while there is nothing.
type sleeper struct {
	idle    bool // waits for anything; under the queue's mu
	lingers bool // waits for the next tick; likewise
	wake    chan struct{}
	timer   *time.Timer // of the goroutine; nil until it sleeps for a time
}

func newSleeper() sleeper { return sleeper{wake: make(chan struct{}, 1)} }

// rouse wakes the sleeper. The token of an earlier call may still lie there; it wakes as well.
func (s *sleeper) rouse() {
	s.awake()
	s.nudge()
}

// awake says that the sleeper need not be roused again. It is called under the queue's mu, and followed by nudge.
func (s *sleeper) awake() { s.idle, s.lingers = false, false }

// nudge has the sleeper look around. It needs no lock.
func (s *sleeper) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sleep waits until it is roused or that time has come; the zero time never comes. It reports false when ctx ends first.
func (s *sleeper) sleep(ctx context.Context, until time.Time) bool {
	var expired <-chan time.Time
	if !until.IsZero() {
		if s.timer == nil {
			s.timer = time.NewTimer(time.Until(until))
		} else {
			s.timer.Reset(time.Until(until))
		}
		defer s.timer.Stop()
		expired = s.timer.C
	}
	select {
	case <-s.wake:
	case <-expired:
	case <-ctx.Done():
		return false
	}
	return true
}
