package main

import (
	"sync"
	"time"
)

// A sampler looks at the counters once a second, so that a rate can be told to whoever asks.
type sampler struct {
	mu      sync.Mutex
	samples []sample // the oldest first, at most rateOver of them
}

// rateOver is how many seconds a rate is the mean of.
const rateOver = 5

// A sample is what the counters were at a time. Counters are known by their kind and name.
type sample struct {
	at     time.Time
	counts map[counted]uint64
}

type counted struct {
	kind byte // i for an input, t for a target
	name string
}

// take keeps what read fills in, and forgets the oldest sample.
func (s *sampler) take(now time.Time, read func(counts map[counted]uint64)) {
	fresh := sample{at: now}
	s.mu.Lock()
	if len(s.samples) == rateOver {
		fresh.counts = s.samples[0].counts
		clear(fresh.counts)
		s.samples = s.samples[1:]
	} else {
		fresh.counts = map[counted]uint64{}
	}
	s.mu.Unlock()
	read(fresh.counts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, fresh)
}

// rate is how much a counter that is at n now has grown a second; 0 for one that was not there before.
func (s *sampler) rate(of counted, n uint64, now time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.samples {
		if was, known := old.counts[of]; known && n >= was && now.After(old.at) {
			return float64(n-was) / now.Sub(old.at).Seconds()
		}
	}
	return 0
}

// sampleRates samples until done is closed.
func (d *daemon) sampleRates(done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		d.rates.take(time.Now(), func(counts map[counted]uint64) {
			p := d.now()
			for i, in := range p.inputs {
				counts[counted{'i', p.cfg.Inputs[i].Name}] = in.Counters().Messages.Load()
			}
			for _, t := range p.targets {
				counts[counted{'t', t.Name}] = t.Messages()
			}
		})
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}
