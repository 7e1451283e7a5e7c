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
	rules   *rules.Set
	targets []*writer.Target
	ctx     context.Context // ends when readers that wait for a full target must not wait any longer
	routes  sync.Pool       // of *rules.Routes
	handled atomic.Uint64   // messages
	taps    taps
}

func newPipeline(ctx context.Context, set *rules.Set, targets []*writer.Target) *pipeline {
	return &pipeline{rules: set, targets: targets, ctx: ctx, routes: sync.Pool{New: func() any { return new(rules.Routes) }}}
}

// Handle offers b to all its targets before it waits for any of them.
func (p *pipeline) Handle(b *syslog.Batch) {
	r := p.routes.Get().(*rules.Routes)
	defer p.routes.Put(r)
	p.handled.Add(uint64(len(b.Messages)))
	p.rules.Route(b, r)
	leaveOutAbout(b, r, p.targets)
	p.taps.show(b, r.To)
	var full []writer.Offer
	for i, indexes := range r.To {
		if len(indexes) == 0 {
			continue
		}
		queue := p.targets[i].Queue
		rest, position := queue.Append(b, indexes)
		b.Feed.Mark(queue, position)
		if len(rest) > 0 {
			full = append(full, writer.Offer{Queue: queue, Rest: rest})
		}
	}
	if len(full) > 0 {
		writer.Offers(p.ctx, b, full)
	}
}
