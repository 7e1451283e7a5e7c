package main

import (
	"context"
	"sync"
	"time"
)

// A pacer spreads messages over time for all connections together. It is asked once a batch; nil lets all pass.
type pacer struct {
	rate float64 // messages a second

	mu   sync.Mutex
	next time.Time // when the next message is due
}

// pacerSlack is how far behind its schedule a pacer may be and still catch up: the sleep of a busy machine, not a
// receiver's outage, which would end in a burst.
const pacerSlack = 100 * time.Millisecond

func newPacer(rate float64) *pacer {
	if rate == 0 {
		return nil
	}
	return &pacer{rate: rate}
}

// batch is how many messages to send at once: 10 ms' worth, of at most so many.
func (p *pacer) batch(most int) int {
	if p == nil {
		return most
	}
	return int(max(1, min(float64(most), p.rate/100)))
}

// take waits until n messages are due, and reports false if ctx ends first.
func (p *pacer) take(ctx context.Context, n int) bool {
	if p == nil {
		return ctx.Err() == nil
	}
	now := time.Now()
	p.mu.Lock()
	if earliest := now.Add(-pacerSlack); p.next.Before(earliest) {
		p.next = now
	}
	due := p.next
	p.next = due.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	p.mu.Unlock()
	return pause(ctx, due.Sub(now))
}

// pause waits for d, and reports false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
