package syslog

import "context"

// BatchSize is how many messages a reader hands over at most at once. 256 messages are 66 KB, which a second-level cache
// holds several times between parsing, routing and formatting; with 128 each queue was locked, and its writer woken, for half
// as many, which cost 4 to 8 % (measured).
const BatchSize = 256

// A Batch is some messages of one reader, in the order in which they came. The reader owns it, and the buffers that
// its messages point into, again as soon as Handle returns.
type Batch struct {
	Messages []Message
	Feed     *Feed // whose messages these are
}

// NewBatch returns an empty batch with room for BatchSize messages.
func NewBatch() *Batch { return &Batch{Messages: make([]Message, 0, BatchSize)} }

// Next makes room for one more message and returns it, not cleared. The batch must not be full.
func (b *Batch) Next() *Message {
	b.Messages = b.Messages[:len(b.Messages)+1]
	return &b.Messages[len(b.Messages)-1]
}

// Undo takes back the last Next.
func (b *Batch) Undo() { b.Messages = b.Messages[:len(b.Messages)-1] }

// Full reports whether the batch has to be handed over before Next.
func (b *Batch) Full() bool { return len(b.Messages) == cap(b.Messages) }

// Reset empties the batch.
func (b *Batch) Reset() { b.Messages = b.Messages[:0] }

// A Handler takes what inputs read.
type Handler interface {
	// Handle passes b on. It keeps nothing of b. It returns when every message has been taken by all its targets, or
	// counted as shed, and waits for a full target only as b.Feed allows. Many readers call it at once.
	Handle(b *Batch)
}

// Patience says how long a reader may be kept waiting by a target that is full.
type Patience uint8

const (
	// Never: the transport cannot push back, so waiting would lose more than it saves (UDP, Redis and ZMQ subscribers).
	Never Patience = iota
	// Briefly: one second, once in an outage, because a sender would hang with us (/dev/log).
	Briefly
	// Patiently: as long as the target's block_for, since the sender can be pushed back (TCP, Unix streams).
	Patiently
)

// A Feed is one reader's thread through the handler: it remembers how far each target is that the reader's messages
// went to. One goroutine uses it.
type Feed struct {
	Patience Patience
	marks    []mark
	next     int // of marks: batch after batch has the same targets in the same order
	forsaken bool
}

// A Target is what Mark remembers a position in.
type Target interface {
	// Settled returns a channel that is closed when everything up to position is at rest: written, delivered, in a
	// spool, or counted as shed.
	Settled(position uint64) <-chan struct{}
}

type mark struct {
	target   Target
	position uint64
}

// Mark notes that the feed's messages went to t, up to position. Handlers call it.
func (f *Feed) Mark(t Target, position uint64) {
	for range f.marks {
		if f.next >= len(f.marks) {
			f.next = 0
		}
		m := &f.marks[f.next]
		if f.next++; m.target == t {
			m.position = position
			return
		}
	}
	f.marks = append(f.marks, mark{t, position})
}

// Forsake is for a handler that at its end no longer cares what is shed: whoever sent that is not to take it for safe. No
// ticket of the feed is ever done from now on.
func (f *Feed) Forsake() { f.forsaken = true }

// A Ticket is done when all that its feed had handed over when Sync was called is at rest.
type Ticket []<-chan struct{}

// forsaken is never done.
var forsaken = Ticket{nil}

// Never reports whether the ticket is of a feed that was forsaken.
func (t Ticket) Never() bool { return len(t) == 1 && t[0] == nil }

// Sync returns a ticket for everything handed over so far. It does not wait.
func (f *Feed) Sync() Ticket {
	if f.forsaken {
		return forsaken
	}
	ticket := make(Ticket, len(f.marks))
	for i, m := range f.marks {
		ticket[i] = m.target.Settled(m.position)
	}
	return ticket
}

// Wait blocks until the ticket is done or ctx ends, and reports whether it is done: with a ctx that has ended it only asks.
func (t Ticket) Wait(ctx context.Context) bool {
	for _, c := range t {
		select {
		case <-c:
			continue
		case <-ctx.Done():
		}
		select { // both may have been true
		case <-c:
		default:
			return false
		}
	}
	return true
}
