package writer

import (
	"context"
	"time"

	"sluice/syslog"
)

// defaultBlockFor is how long a full target keeps senders waiting unless it says otherwise.
const defaultBlockFor = 30 * time.Second

// brieflyFor is how long /dev/log may keep its senders waiting, once in an outage.
const brieflyFor = time.Second

// roomState is what a queue remembers of an outage: the time from when it is full until a block of it is at rest.
type roomState struct {
	shedding bool            // somebody has waited block_for in vain: nobody waits any more
	hurried  bool            // a socket like /dev/log has waited its second
	waiting  []chan struct{} // whom to wake when there is room, or no more hope
	round    uint64          // counts how often all of them were woken; never 0
}

// open ends the outage.
func (r *roomState) open() {
	r.shedding, r.hurried = false, false
	r.wake()
}

func (r *roomState) wake() {
	for i, c := range r.waiting {
		select {
		case c <- struct{}{}:
		default: // woken already, by another queue that it waits for
		}
		r.waiting[i] = nil
	}
	r.waiting = r.waiting[:0]
	r.round++
}

// An Offer is what is left of a batch for one queue that is full.
type Offer struct {
	Queue *Queue
	Rest  []int32

	round uint64 // the round of the queue's waiting in which this offer has its place there already
}

// A Waiter is what a reader waits with. It is used again: a reader that is faster than the disk waits more than a thousand
// times for a million messages. The zero Waiter is ready for use.
type Waiter struct {
	sleeper sleeper // may be roused by a queue that was given up: then we look, and wait again
}

// Offers waits, as feed's patience and each queue allow, until every queue has taken what is left of b for it, and
// sheds what was not taken then. The queues are waited for together. It returns early, shedding, when ctx ends.
func (w *Waiter) Offers(ctx context.Context, b *syslog.Batch, offers []Offer) {
	if w.sleeper.wake == nil {
		w.sleeper = newSleeper()
	}
	wake, start := w.sleeper.wake, time.Now()
	for {
		until, left := time.Time{}, offers[:0]
		for _, o := range offers {
			deadline, ok := o.await(wake, b.Feed.Patience, start)
			if !ok {
				o.giveUp(b)
				continue
			}
			if !deadline.IsZero() && (until.IsZero() || deadline.Before(until)) {
				until = deadline
			}
			left = append(left, o)
		}
		if offers = left; len(offers) == 0 {
			return
		}
		if !w.sleeper.sleep(ctx, until) {
			for _, o := range offers {
				o.giveUp(b)
			}
			return
		}
		left = offers[:0]
		for _, o := range offers {
			var position uint64
			if o.Rest, position = o.Queue.Append(b, o.Rest); len(o.Rest) > 0 {
				left = append(left, o)
			}
			b.Feed.Mark(o.Queue, position)
		}
		offers = left
	}
}

// await has c woken when there is room. It reports false if a reader of this patience that has waited since start may
// wait no longer, else until when it may: the zero time means for ever.
func (o *Offer) await(c chan struct{}, patience syslog.Patience, start time.Time) (until time.Time, ok bool) {
	q := o.Queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes.Load() < q.options.Memory { // there is room by now
		select {
		case c <- struct{}{}:
		default:
		}
		return time.Time{}, true
	}
	switch {
	case patience == syslog.Never, q.room.shedding, patience == syslog.Briefly && q.room.hurried:
		return time.Time{}, false
	case patience == syslog.Briefly:
		until = start.Add(brieflyFor)
	case q.options.BlockFor > 0:
		until = start.Add(q.options.BlockFor)
	}
	if !until.IsZero() && !time.Now().Before(until) {
		if patience == syslog.Briefly {
			q.room.hurried = true
		} else {
			q.room.shedding = true
			q.room.wake() // nor need the others go on waiting
		}
		return time.Time{}, false
	}
	if o.round != q.room.round { // once only, though a queue beside this one may wake us often
		o.round = q.room.round
		q.room.waiting = append(q.room.waiting, c)
	}
	return until, true
}

func (o *Offer) giveUp(b *syslog.Batch) {
	o.Queue.mu.Lock()
	o.Queue.shed(len(o.Rest))
	position := o.Queue.appended
	o.Queue.mu.Unlock()
	b.Feed.Mark(o.Queue, position)
}
