package main

import (
	"context"
	"sync"
	"sync/atomic"

	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// A pipeline takes batches from inputs to the queues of targets: it is the syslog.Handler of the daemon.
type pipeline struct {
	routing atomic.Pointer[routing]
	ctx     context.Context // ends when readers that wait for a full target must not wait any longer
	passing sync.Pool       // of *passage
	handled atomic.Uint64   // messages
	taps    taps
}

// A routing is rules and the targets that they mean. A reload puts another in its place; it is retired when the last batch
// has gone by it.
type routing struct {
	rules   *rules.Set
	targets []*writer.Target
	users   atomic.Int64 // batches that go by it, and one more while it is the pipeline's
	once    sync.Once
	retired chan struct{}
}

func newRouting(set *rules.Set, targets []*writer.Target) *routing {
	r := &routing{rules: set, targets: targets, retired: make(chan struct{})}
	r.users.Add(1)
	return r
}

func (r *routing) leave() {
	if r.users.Add(-1) == 0 {
		r.once.Do(func() { close(r.retired) })
	}
}

// A passage is what a batch needs on its way.
type passage struct {
	routes rules.Routes
	full   []writer.Offer
	waiter writer.Waiter
}

func newPipeline(ctx context.Context, set *rules.Set, targets []*writer.Target) *pipeline {
	p := &pipeline{ctx: ctx, passing: sync.Pool{New: func() any { return new(passage) }}}
	p.routing.Store(newRouting(set, targets))
	return p
}

// reroute has batches go by other rules from now on. It returns what they went by before.
func (p *pipeline) reroute(to *routing) *routing {
	before := p.routing.Swap(to)
	before.leave()
	return before
}

// enter returns what a batch goes by. It has to be left.
func (p *pipeline) enter() *routing {
	for {
		r := p.routing.Load()
		r.users.Add(1)
		if p.routing.Load() == r { // else it may be retired already
			return r
		}
		r.leave()
	}
}

// Handle offers b to all its targets before it waits for any of them.
func (p *pipeline) Handle(b *syslog.Batch) {
	now := p.enter()
	defer now.leave()
	through := p.passing.Get().(*passage)
	defer p.passing.Put(through)
	r := &through.routes
	p.handled.Add(uint64(len(b.Messages)))
	now.rules.Route(b, r)
	leaveOutAbout(b, r, now.targets)
	p.taps.show(b, r.To, now.targets)
	full := through.full[:0]
	for i, indexes := range r.To {
		if len(indexes) == 0 {
			continue
		}
		queue := now.targets[i].Queue
		rest, position := queue.Append(b, indexes)
		b.Feed.Mark(queue, position)
		if len(rest) > 0 {
			full = append(full, writer.Offer{Queue: queue, Rest: rest})
		}
	}
	if len(full) > 0 {
		through.waiter.Offers(p.ctx, b, full)
		clear(full)
	}
	through.full = full[:0]
	if p.ctx.Err() != nil {
		b.Feed.Forsake() // what is full or closed now sheds; a receipt for that would be a lie, and without one it comes again
	}
}
