package main

import (
	"context"
	"runtime/debug"
	"time"
)

// giveBackMemory returns what a burst has left behind: blocks that waited for a disk, and the stacks that connections grew
// while they were busy. The collector runs by itself only when something is allocated, which an idle daemon does not, so
// 2,000 connections that have been busy once would hold 16 MB of stack for minutes.
func giveBackMemory(ctx context.Context, handled func() uint64) {
	const (
		look  = time.Second
		burst = 10_000 // messages: less leaves nothing worth a collection
		quiet = 100    // messages a second
	)
	tick := time.NewTicker(look)
	defer tick.Stop()
	returned, last := uint64(0), uint64(0)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := handled()
		if now-last < quiet && now-returned > burst {
			debug.FreeOSMemory()
			returned = now
		}
		last = now
	}
}
