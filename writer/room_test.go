package writer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sluice/syslog"
)

// fullQueue returns a queue that is full with the block in hand.
func fullQueue(t testing.TB, blockFor time.Duration) *Queue {
	q := newQueue(t, QueueOptions{Memory: 4, BlockFor: blockFor}, "")
	fill(q)
	return q
}

func fill(q *Queue) {
	put(q, "full")
	q.tryTake()
}

// settleAfter has the block in hand of q come to rest later, unless d is 0.
func settleAfter(q *Queue, d time.Duration) {
	if d > 0 {
		time.AfterFunc(d, q.settle)
	}
}

// wait offers a message to q as a reader of this patience does, and returns how long that took and whether it was shed.
func wait(ctx context.Context, p syslog.Patience, queues ...*Queue) (took time.Duration, shed uint64) {
	b := batchOf(p, "m")
	var offers []Offer
	for _, q := range queues {
		shed -= q.Dropped()
		rest, position := q.Append(b, []int32{0})
		b.Feed.Mark(q, position)
		if len(rest) > 0 {
			offers = append(offers, Offer{Queue: q, Rest: rest})
		}
	}
	start := time.Now()
	if len(offers) > 0 {
		new(Waiter).Offers(ctx, b, offers)
	}
	for _, q := range queues {
		shed += q.Dropped()
	}
	return time.Since(start), shed
}

// How long one reader waits for one queue that is full and has not been waited for before.
func TestOffersOne(t *testing.T) {
	const never = time.Duration(0)
	for _, c := range []struct {
		name     string
		patience syslog.Patience
		blockFor time.Duration
		settle   time.Duration // when the block in hand comes to rest
		cancel   time.Duration
		took     time.Duration
		shed     uint64
	}{
		{"UDP never waits", syslog.Never, 30 * time.Second, time.Millisecond, never, 0, 1},
		{"/dev/log waits for room", syslog.Briefly, 30 * time.Second, 900 * time.Millisecond, never, 900 * time.Millisecond, 0},
		{"/dev/log waits a second", syslog.Briefly, 30 * time.Second, 1100 * time.Millisecond, never, time.Second, 1},
		{"/dev/log waits a second though the others wait for ever", syslog.Briefly, 0, never, never, time.Second, 1},
		{"TCP waits for room", syslog.Patiently, 30 * time.Second, 29 * time.Second, never, 29 * time.Second, 0},
		{"TCP waits block_for", syslog.Patiently, 30 * time.Second, 31 * time.Second, never, 30 * time.Second, 1},
		{"block_for 0 is for ever", syslog.Patiently, 0, 1000 * time.Hour, never, 1000 * time.Hour, 0},
		{"the end of the context ends it", syslog.Patiently, 0, never, 5 * time.Second, 5 * time.Second, 1},
		{"the context has ended before", syslog.Patiently, 0, never, -1, 0, 1},
		{"/dev/log and the end of the context", syslog.Briefly, 0, never, 500 * time.Millisecond, 500 * time.Millisecond, 1},
	} {
		bubble(t, c.name, func(t *testing.T) {
			q := fullQueue(t, c.blockFor)
			settleAfter(q, c.settle)
			ctx := t.Context()
			if c.cancel != 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, time.Now().Add(c.cancel))
				defer cancel()
			}
			if took, shed := wait(ctx, c.patience, q); took != c.took || shed != c.shed {
				t.Errorf("waited %v, shed %d; want %v, %d", took, shed, c.took, c.shed)
			}
		})
	}
}

// An outage lasts from when a queue is full until a block of it is at rest. What was waited for in vain is not waited for
// again until then.
func TestOffersOutage(t *testing.T) {
	type offer struct {
		patience syslog.Patience
		took     time.Duration
		shed     uint64
	}
	rest := offer{} // the block in hand comes to rest, and the next one fills the queue
	udp := offer{syslog.Never, 0, 1}
	devlog := func(took time.Duration) offer { return offer{syslog.Briefly, took, 1} }
	tcp := func(took time.Duration) offer { return offer{syslog.Patiently, took, 1} }
	const block = 30 * time.Second
	for _, c := range []struct {
		name   string
		offers []offer
	}{
		{"/dev/log waits once", []offer{devlog(time.Second), devlog(0), devlog(0)}},
		{"and once more in the next outage", []offer{devlog(time.Second), devlog(0), rest, devlog(time.Second), devlog(0)}},
		{"TCP waits though /dev/log does not any more", []offer{devlog(time.Second), tcp(block), tcp(0)}},
		{"nobody waits once TCP has", []offer{tcp(block), tcp(0), devlog(0), udp}},
		{"all wait in the next outage", []offer{tcp(block), tcp(0), rest, devlog(time.Second), tcp(block), tcp(0), devlog(0)}},
		{"UDP changes nothing", []offer{udp, udp, devlog(time.Second), tcp(block)}},
	} {
		bubble(t, c.name, func(t *testing.T) {
			q := fullQueue(t, block)
			for i, o := range c.offers {
				if o == rest {
					q.settle()
					fill(q)
					continue
				}
				if took, shed := wait(t.Context(), o.patience, q); took != o.took || shed != o.shed {
					t.Fatalf("offer %d: waited %v, shed %d; want %v, %d", i, took, shed, o.took, o.shed)
				}
			}
		})
	}
}

// A queue that sheds says so to append: nobody has to offer again what it will not take.
func TestAppendWhileShedding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fullQueue(t, time.Second)
		wait(t.Context(), syslog.Patiently, q)
		if rest, _ := put(q, "a", "b"); rest != 0 || q.Dropped() != 3 {
			t.Errorf("%d handed back, %d dropped; want 0 and 3", rest, q.Dropped())
		}
		q.settle()
		if rest, _ := put(q, "a", "b"); rest != 1 || q.Dropped() != 3 {
			t.Errorf("at rest: %d handed back, %d dropped; want 1 and 3", rest, q.Dropped())
		}
	})
}
