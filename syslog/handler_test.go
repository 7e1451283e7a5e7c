package syslog

import (
	"context"
	"testing"
)

func TestBatch(t *testing.T) {
	b := NewBatch()
	for i := range BatchSize {
		if b.Full() {
			t.Fatalf("full with %d of %d messages", i, BatchSize)
		}
		b.Next().Msg = []byte{byte(i)}
	}
	if !b.Full() || len(b.Messages) != BatchSize || b.Messages[BatchSize-1].Msg[0] != BatchSize-1 {
		t.Fatalf("not full with %d messages", len(b.Messages))
	}
	b.Undo()
	if b.Full() || len(b.Messages) != BatchSize-1 {
		t.Errorf("%d messages after Undo", len(b.Messages))
	}
	b.Reset()
	if len(b.Messages) != 0 {
		t.Errorf("%d messages after Reset", len(b.Messages))
	}
}

// A settling target keeps, for each position that was asked for, the channel to close.
type settling map[uint64]chan struct{}

func (s settling) Settled(position uint64) <-chan struct{} {
	if s[position] == nil {
		s[position] = make(chan struct{})
	}
	return s[position]
}

// done asks without waiting.
func done(ticket Ticket) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ticket.Wait(ctx)
}

func TestTicketOfNothingIsDone(t *testing.T) {
	var f Feed
	if !f.Sync().Wait(t.Context()) {
		t.Error("not done")
	}
}

func TestTicketWaitsForAllTargets(t *testing.T) {
	file, remote := &settling{}, &settling{}
	var f Feed
	f.Mark(file, 1)
	f.Mark(remote, 7)
	f.Mark(file, 3) // replaces the first
	ticket := f.Sync()
	if _, asked := (*file)[1]; asked || len(ticket) != 2 {
		t.Errorf("asked for %v, %d channels", *file, len(ticket))
	}
	close((*file)[3])
	if done(ticket) {
		t.Error("done before the second target")
	}
	f.Mark(file, 4)
	close((*remote)[7])
	if !ticket.Wait(t.Context()) {
		t.Error("waits for what came behind it")
	}
	if done(f.Sync()) {
		t.Error("a later ticket is done before its target")
	}
	close((*file)[4])
	if !f.Sync().Wait(t.Context()) {
		t.Error("not done when everything is at rest")
	}
}

func TestTicketEndsWithItsContext(t *testing.T) {
	var f Feed
	f.Mark(&settling{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if f.Sync().Wait(ctx) {
		t.Error("done, though nothing is at rest")
	}
}

func TestTicketThatIsDoneWinsOverItsContext(t *testing.T) {
	target := &settling{}
	var f Feed
	f.Mark(target, 1)
	ticket := f.Sync()
	close((*target)[1])
	for range 100 { // a select with both ready chooses either
		if !done(ticket) {
			t.Fatal("a ticket that is done was reported as given up")
		}
	}
}
