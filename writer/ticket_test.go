package writer

import (
	"context"
	"strings"
	"testing"
)

// A ticket is done exactly when all that was appended before it is written or shed. The block in hand holds a, the full
// one behind it b, the open one c.
func TestSettled(t *testing.T) {
	big := strings.Repeat("x", blockSize)
	type step struct {
		name string
		do   func(q *Queue)
		done string // which of the tickets 0 (before a), a, b, c are done then
	}
	take := func(q *Queue) { q.tryTake() }
	settle := func(q *Queue) { q.settle() }
	shed := func(q *Queue) { put(q, big, "") } // where there is no room for it
	for _, c := range []struct {
		name  string
		o     QueueOptions
		steps []step
	}{
		{"one block after the other", QueueOptions{Memory: 1 << 20}, []step{
			{"at first", func(*Queue) {}, "0"},
			{"a is written", settle, "0a"},
			{"b is taken", take, "0a"},
			{"b is written", settle, "0ab"},
			{"d is put into the open block", func(q *Queue) { put(q, "d") }, "0ab"},
			{"c and d are taken", take, "0ab"},
			{"e waits", func(q *Queue) { put(q, "e") }, "0ab"},
			{"c and d are written", settle, "0abc"},
		}},
		{"drop_oldest drops b and c while a is in hand", QueueOptions{Memory: 2*blockSize + 100, WhenFull: DropOldest}, []step{
			{"d pushes b out", shed, "0"},
			{"a is written", settle, "0ab"},
			{"what is left is taken", take, "0ab"},
			{"and written", settle, "0abc"},
		}},
		{"drop_newest sheds behind them", QueueOptions{Memory: 2 * blockSize, WhenFull: DropNewest}, []step{
			{"d is shed", shed, "0"},
			{"a is written", settle, "0a"},
		}},
		{"the target is closed", QueueOptions{Memory: 1 << 20}, []step{
			{"all is abandoned", func(q *Queue) { q.abandon() }, "0abc"},
			{"what comes later is shed", func(q *Queue) { put(q, "d") }, "0abc"},
		}},
		{"the target is closed in time", QueueOptions{Memory: 1 << 20}, []step{
			{"finished", func(q *Queue) { q.Finish() }, "0"},
			{"a is written", settle, "0a"},
			{"b and c are", func(q *Queue) { drain(q) }, "0abc"},
			{"abandon finds nothing", func(q *Queue) { q.abandon() }, "0abc"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(t, c.o, "")
			tickets := map[string]<-chan struct{}{"0": q.Settled(0)}
			for _, text := range []string{"a" + big, "b" + big, "c"} {
				_, position := put(q, text)
				if text[0] == 'a' {
					q.tryTake()
				}
				tickets[text[:1]] = q.Settled(position)
				if twice := q.Settled(position); closed(twice) {
					t.Error("done before it is written")
				}
			}
			for _, s := range c.steps {
				s.do(q)
				done := ""
				for _, name := range []string{"0", "a", "b", "c"} {
					if closed(tickets[name]) {
						done += name
					}
				}
				if done != s.done {
					t.Errorf("%s: %q are done, want %q", s.name, done, s.done)
				}
			}
		})
	}
}

// After abandon nothing waits for the queue any more, neither a ticket nor a sender, and every message is counted.
func TestAbandoned(t *testing.T) {
	for w := BlockSenders; w <= DropNewest; w++ {
		t.Run(w.String(), func(t *testing.T) {
			q := newQueue(t, QueueOptions{Memory: 1000, WhenFull: w}, "")
			put(q, "a", "b")
			q.tryTake()
			put(q, "c")
			if n := q.abandon(); n != 3 || q.Dropped() != 3 || q.QueueBytes() != 0 {
				t.Errorf("%d abandoned, %d dropped, %d bytes; want 3, 3, 0", n, q.Dropped(), q.QueueBytes())
			}
			rest, position := put(q, "d", "e")
			if rest != 0 || q.Dropped() != 5 || q.QueueBytes() != 0 {
				t.Errorf("%d handed back, %d dropped, %d bytes; want 0, 5, 0", rest, q.Dropped(), q.QueueBytes())
			}
			if !closed(q.Settled(position)) {
				t.Error("a ticket for what was shed is not done")
			}
			b := batchOf(0, "f", "g")
			new(Waiter).Offers(context.Background(), b, []Offer{{Queue: q, Rest: indexes(b)}})
			if q.Dropped() != 7 || !b.Feed.Sync().Wait(t.Context()) {
				t.Errorf("%d dropped, want 7, and a ticket that is done", q.Dropped())
			}
			if n := q.abandon(); n != 0 || q.Dropped() != 7 {
				t.Errorf("abandoned twice: %d, %d dropped", n, q.Dropped())
			}
		})
	}
}
