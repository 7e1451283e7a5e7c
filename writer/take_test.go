package writer

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A taking is a queue whose blocks are taken and settled at once.
type taking struct {
	*Queue
	at    []time.Duration // when, since it began
	ended chan struct{}
}

func takeAll(t *testing.T, memory int64) *taking {
	k := &taking{Queue: newQueue(t, QueueOptions{Memory: memory}, ""), ended: make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(k.ended)
		for k.takeOr(t.Context(), func() time.Duration { return 0 }) != nil {
			k.at = append(k.at, time.Since(began))
			k.settle()
		}
	}()
	synctest.Wait()
	return k
}

func (k *taking) finish() {
	k.Finish()
	<-k.ended
}

// What comes after a rest is taken at once; what comes then, at the next tick.
func TestTicks(t *testing.T) {
	bubble(t, "a busy queue", func(t *testing.T) {
		const lasts = 100 * time.Millisecond
		k := takeAll(t, 1<<20)
		for range lasts / (100 * time.Microsecond) {
			put(k.Queue, "x")
			time.Sleep(100 * time.Microsecond)
		}
		k.finish()
		if k.at[0] != 0 {
			t.Errorf("the first message waited for %v", k.at[0])
		}
		if most := int(lasts/tick) + 2; len(k.at) > most || len(k.at) < most/2 {
			t.Errorf("%d blocks were taken in %v, want about %d", len(k.at), lasts, most)
		}
	})

	bubble(t, "after each rest", func(t *testing.T) {
		k := takeAll(t, 1<<20)
		var want []time.Duration
		for i := range 10 {
			put(k.Queue, "x")
			want = append(want, time.Duration(i)*5*tick)
			time.Sleep(5 * tick)
		}
		k.finish()
		if !slices.Equal(k.at, want) {
			t.Errorf("taken at %v, want %v", k.at, want)
		}
	})

	bubble(t, "two queues share their ticks", func(t *testing.T) {
		a := takeAll(t, 1<<20)
		b := takeAll(t, 1<<20)
		for i := range 200 {
			put(a.Queue, "x")
			time.Sleep(37 * time.Microsecond)
			if i > 3 { // it begins to be busy later
				put(b.Queue, "x")
			}
			time.Sleep(71 * time.Microsecond)
		}
		a.finish()
		b.finish()
		ticks := func(k *taking) []time.Duration { return k.at[1 : len(k.at)-1] } // all but after the rest, and at the end
		for _, at := range ticks(b) {
			if !slices.Contains(ticks(a), at) {
				t.Errorf("%v is no tick of the other queue: %v", at, ticks(a))
			}
		}
	})
}

// Nobody waits for a tick when there is enough to do, or when memory gets scarce.
func TestTicksPressed(t *testing.T) {
	for _, c := range []struct {
		name   string
		memory int64
		more   int // bytes, all at once, behind what was taken after a rest
		waits  bool
	}{
		{"a little", 8 << 20, plenty / 2, true},
		{"plenty", 8 << 20, plenty + blockSize, false},
		{"half of what little memory there is", blockSize / 2, blockSize / 4, true},
		{"most of it", blockSize / 2, blockSize / 2, false},
	} {
		bubble(t, c.name, func(t *testing.T) {
			k := takeAll(t, c.memory)
			put(k.Queue, "x")
			synctest.Wait()
			for range c.more >> 10 {
				put(k.Queue, strings.Repeat("x", 1<<10))
			}
			synctest.Wait()
			if waits := len(k.at) == 1; waits != c.waits {
				t.Errorf("taken at %v", k.at)
			}
			k.finish()
		})
	}
}
