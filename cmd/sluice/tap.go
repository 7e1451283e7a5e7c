package main

import (
	"sync"
	"sync/atomic"

	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// taps are those who watch messages go by. While there is nobody, that costs a batch one atomic load.
type taps struct {
	current atomic.Pointer[[]*tap]
	mu      sync.Mutex // for those who change it
}

// tapRoom is how many bytes of messages wait at most for one who watches.
const tapRoom = 256 << 10

// A tap copies the messages that somebody wants to see. What he does not fetch in time is left out and counted: nobody
// waits for him.
type tap struct {
	set    *rules.Set // of one rule, which matches what is wanted
	target string     // only what goes there; empty: whatever it is
	wake   chan struct{}

	mu     sync.Mutex // inputs hand over batches at once
	routes rules.Routes
	format *syslog.Template
	heads  bool   // the severity's code stands before each line, for whoever colours them
	text   []byte // lines
	missed uint64
}

// newTap returns a tap of the messages for which match holds; nil is all. It is not in use yet.
func newTap(match rules.Condition, target string, format *syslog.Template) *tap {
	set := rules.NewSet([]*rules.Rule{{Name: "tail", Match: match, Targets: []int{0}}}, 1)
	return &tap{set: set, target: target, format: format, wake: make(chan struct{}, 1)}
}

func (t *taps) add(one *tap) { t.change(func(all []*tap) []*tap { return append(all, one) }) }

func (t *taps) remove(one *tap) {
	t.change(func(all []*tap) []*tap {
		left := all[:0]
		for _, other := range all {
			if other != one {
				left = append(left, other)
			}
		}
		return left
	})
}

// change makes a new list, since batches go by the old one.
func (t *taps) change(to func([]*tap) []*tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*tap
	if now := t.current.Load(); now != nil {
		all = append(all, *now...)
	}
	if all = to(all); len(all) == 0 {
		t.current.Store(nil)
		return
	}
	t.current.Store(&all)
}

// show copies what of b is wanted. To says which messages go to which of the targets.
func (t *taps) show(b *syslog.Batch, to [][]int32, targets []*writer.Target) {
	all := t.current.Load()
	if all == nil {
		return
	}
	for _, one := range *all {
		one.copy(b, one.there(to, targets))
	}
}

// there is what goes to the tap's target; nothing if a reload has removed it.
func (t *tap) there(to [][]int32, targets []*writer.Target) []int32 {
	for i, target := range targets {
		if target.Name == t.target {
			return to[i]
		}
	}
	return nil
}

func (t *tap) copy(b *syslog.Batch, there []int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set.Route(b, &t.routes)
	for _, i := range t.routes.To[0] {
		if t.target != "" {
			for len(there) > 0 && there[0] < i { // both ascend
				there = there[1:]
			}
			if len(there) == 0 || there[0] != i {
				continue
			}
		}
		if len(t.text) >= tapRoom {
			t.missed++
			continue
		}
		m := &b.Messages[i]
		if t.heads {
			t.text = append(t.text, '0'+byte(m.Severity&7))
		}
		t.text = append(t.format.Append(t.text, m), '\n')
	}
	if len(t.text) > 0 {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// fetch returns the lines that wait, and how many were left out behind them. The tap keeps spare, to write the next ones to.
func (t *tap) fetch(spare []byte) (text []byte, missed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, missed = t.text, t.missed
	t.text, t.missed = spare[:0], 0
	return text, missed
}
