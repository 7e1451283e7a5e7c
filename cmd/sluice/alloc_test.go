//go:build !race

package main

import (
	"testing"

	"sluice/rules"
)

// From the socket's buffer to the block nothing is allocated for a message. The test waits for the writer after each
// read, as otherwise it would measure the queue filling up; that ticket is what it may cost.
func TestFlowAllocatesNothing(t *testing.T) {
	f := newFlow(t, "standard", &rules.Rule{Name: "everything", Targets: []int{0}})
	stream := benchStream()
	read := func() {
		f.feed(stream)
		f.batch.Feed.Sync().Wait(t.Context())
	}
	for range 20 {
		read()
	}
	const ticket = 4
	if allocs := testing.AllocsPerRun(100, read); allocs > ticket {
		t.Errorf("%v allocations for %d messages", allocs, perRead)
	}
}
