package writer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sluice/syslog"
)

// Several full queues are waited for together, and each gets its message as soon as it has room.
func TestOffersMany(t *testing.T) {
	const second = time.Second
	type queue struct {
		blockFor time.Duration
		settle   time.Duration // when its block comes to rest; 0 = never
		at       time.Duration // when it has the message, or sheds it
		shed     uint64
	}
	for _, c := range []struct {
		name     string
		patience syslog.Patience
		queues   []queue
		took     time.Duration
	}{
		{"each as soon as it has room", syslog.Patiently, []queue{{30 * second, 5 * second, 5 * second, 0}, {30 * second, 2 * second, 2 * second, 0}, {30 * second, 9 * second, 9 * second, 0}}, 9 * second},
		{"one stays full", syslog.Patiently, []queue{{30 * second, 0, 30 * second, 1}, {30 * second, 2 * second, 2 * second, 0}}, 30 * second},
		{"each its own patience", syslog.Patiently, []queue{{30 * second, 0, 30 * second, 1}, {3 * second, 0, 3 * second, 1}, {0, 50 * second, 50 * second, 0}}, 50 * second},
		{"the waits do not add up", syslog.Patiently, []queue{{10 * second, 0, 10 * second, 1}, {10 * second, 0, 10 * second, 1}, {10 * second, 0, 10 * second, 1}}, 10 * second},
		{"nor for /dev/log", syslog.Briefly, []queue{{10 * second, 0, second, 1}, {0, 0, second, 1}, {10 * second, second / 2, second / 2, 0}}, second},
		{"both at once", syslog.Patiently, []queue{{10 * second, second, second, 0}, {10 * second, second, second, 0}}, second},
	} {
		bubble(t, c.name, func(t *testing.T) {
			var queues []*Queue
			for _, spec := range c.queues {
				q := fullQueue(t, spec.blockFor)
				settleAfter(q, spec.settle)
				queues = append(queues, q)
			}
			for i, spec := range c.queues { // the timers fire in this order: a moment before and after
				state := func() (appended uint64) {
					queues[i].mu.Lock()
					defer queues[i].mu.Unlock()
					return queues[i].appended
				}
				time.AfterFunc(spec.at-time.Nanosecond, func() {
					if state() != 1 {
						t.Errorf("queue %d has or shed it too early", i)
					}
				})
				time.AfterFunc(spec.at+time.Nanosecond, func() {
					if state() != 2 || queues[i].Dropped() != spec.shed {
						t.Errorf("queue %d: %d appended, %d shed; want 2 and %d", i, state(), queues[i].Dropped(), spec.shed)
					}
				})
			}
			if took, _ := wait(t.Context(), c.patience, queues...); took != c.took {
				t.Errorf("waited %v, want %v", took, c.took)
			}
			<-time.After(time.Nanosecond)
			synctest.Wait()
		})
	}
}

// Once one sender has waited block_for in vain, those who began to wait later shed at the same moment.
func TestOffersGiveUpTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fullQueue(t, 30*time.Second)
		begin := time.Now()
		ended := make(chan time.Duration)
		for i := range 3 {
			time.AfterFunc(time.Duration(i)*10*time.Second, func() {
				wait(context.Background(), syslog.Patiently, q)
				ended <- time.Since(begin)
			})
		}
		for range 3 {
			if at := <-ended; at != 30*time.Second {
				t.Errorf("a sender sheds at %v", at)
			}
		}
		if q.Dropped() != 3 {
			t.Errorf("%d dropped, want 3", q.Dropped())
		}
	})
}

// A target that is dead for days must not gather the marks of those who wait for it, however often another wakes them.
func TestOffersWaitOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, busy := fullQueue(t, 0), fullQueue(t, 0)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() {
			wait(ctx, syslog.Patiently, dead, busy)
			done <- true
		}()
		for range 1000 {
			synctest.Wait()
			busy.mu.Lock()
			busy.room.open() // and somebody else is quicker
			busy.mu.Unlock()
		}
		synctest.Wait()
		if n := len(dead.room.waiting); n != 1 {
			t.Errorf("one sender waits %d times", n)
		}
		cancel()
		<-done
	})
}

// A ticket that a reader asks for after Offers covers what was taken late, and what was shed.
func TestOffersMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken, shed := fullQueue(t, time.Minute), fullQueue(t, time.Second)
		settleAfter(taken, 10*time.Second)
		b := batchOf(syslog.Patiently, "m")
		new(Waiter).Offers(t.Context(), b, []Offer{{Queue: taken, Rest: []int32{0}}, {Queue: shed, Rest: []int32{0}}})
		ticket := b.Feed.Sync()
		if closed(ticket[0]) || closed(ticket[1]) {
			t.Error("done while blocks are in hand")
		}
		shed.settle()
		drain(taken)
		if !ticket.Wait(t.Context()) {
			t.Error("not done")
		}
	})
}
