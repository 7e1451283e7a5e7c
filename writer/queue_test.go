package writer

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

func TestWhenFullText(t *testing.T) {
	for _, word := range []string{"block", "drop_oldest", "drop_newest"} {
		var w WhenFull
		if err := w.UnmarshalText([]byte(word)); err != nil || w.String() != word {
			t.Errorf("%s is read as %v, %v", word, w, err)
		}
	}
	if err := new(WhenFull).UnmarshalText([]byte("blok")); err == nil {
		t.Error("blok is read")
	}
}

// What goes in comes out in its order, whatever the blocks are.
func TestQueueOrder(t *testing.T) {
	for _, c := range []struct {
		name        string
		count, size int
		blocks      int
	}{
		{"an empty message", 1, 0, 1},
		{"one block", 100, 20, 1},
		{"many blocks", 10000, 200, 32},
		{"messages of the size of a block", 5, blockSize, 5},
		{"messages far larger than a block", 3, 10 * blockSize, 3},
		{"empty messages fill blocks too", 100000, 0, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(t, QueueOptions{Memory: 64 << 20}, "")
			var want, got []string
			for i := range c.count {
				text := strconv.Itoa(i)
				text = (text + strings.Repeat("x", max(0, c.size-len(text))))[:c.size]
				want = append(want, text)
				if _, position := put(q, text); position != uint64(i+1) {
					t.Fatalf("position %d behind %d messages", position, i+1)
				}
			}
			blocks := 0
			for b, _ := q.tryTake(); b != nil; b, _ = q.tryTake() {
				blocks++
				got = append(got, texts(b)...)
				q.settle()
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d messages came out, want %d, or in another order", len(got), len(want))
			}
			if blocks != c.blocks {
				t.Errorf("%d blocks, want %d", blocks, c.blocks)
			}
			if q.QueueBytes() != 0 {
				t.Errorf("%d bytes in an empty queue", q.QueueBytes())
			}
		})
	}
}

// The queue takes those messages of a batch that it is told to.
func TestQueueIndexes(t *testing.T) {
	q := newQueue(t, QueueOptions{Memory: 1 << 20}, "")
	b := batchOf(syslog.Never, "0", "1", "2", "3", "4")
	q.Append(b, []int32{1, 4})
	q.Append(b, nil)
	q.Append(b, []int32{0})
	if diff := cmp.Diff([]string{"1", "4", "0"}, drain(q)); diff != "" {
		t.Error(diff)
	}
}

// A queue that holds a message of 90,000 bytes in hand, then others of that size behind it, each a block of its own, and
// is full with three of them.
func TestQueueFull(t *testing.T) {
	const memory = 250_000
	big := func(names ...string) []string {
		for i, n := range names {
			names[i] = n + strings.Repeat("x", 90_000)
		}
		return names
	}
	short := func(texts []string) (names []string) {
		for _, text := range texts {
			names = append(names, strings.TrimRight(text, "x"))
		}
		return names
	}
	for _, c := range []struct {
		name     string
		whenFull WhenFull
		memory   int64
		hand     []string // put and taken before the others come
		put      []string
		rest     int
		dropped  uint64
		left     []string // what is in the queue then, the block in hand not counted
	}{
		{"block hands back what it has no room for", BlockSenders, memory, big("a"), big("b", "c", "d", "e"), 2, 0, []string{"b", "c"}},
		{"block with nothing in hand", BlockSenders, memory, nil, big("b", "c", "d", "e"), 1, 0, []string{"b", "c", "d"}},
		{"drop_newest sheds what comes", DropNewest, memory, big("a"), big("b", "c", "d", "e"), 0, 2, []string{"b", "c"}},
		{"drop_oldest drops whole blocks, not the one in hand", DropOldest, memory, big("a"), big("b", "c", "d", "e"), 0, 2, []string{"d", "e"}},
		{"drop_oldest with nothing in hand", DropOldest, memory, nil, big("b", "c", "d", "e"), 0, 1, []string{"c", "d", "e"}},
		{"drop_oldest drops the open block if it is the oldest", DropOldest, 100, nil, []string{"s" + strings.Repeat("x", 200), "t"}, 0, 1, []string{"t"}},
		{"drop_oldest drops as many as it takes", DropOldest, memory, big("a"), append(big("b"), "c"+strings.Repeat("x", 300_000), "d"), 0, 2, []string{"d"}},
		{"drop_oldest sheds what comes if all is in hand", DropOldest, 80_000, big("a"), big("b", "c"), 0, 2, nil},
		{"one message always fits: block", BlockSenders, 1, nil, big("b", "c"), 1, 0, []string{"b"}},
		{"one message always fits: drop_newest", DropNewest, 0, nil, big("b", "c"), 0, 1, []string{"b"}},
		{"one message always fits: drop_oldest", DropOldest, 0, nil, big("b", "c"), 0, 1, []string{"c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(t, QueueOptions{Memory: c.memory, WhenFull: c.whenFull}, "")
			if c.hand != nil {
				put(q, c.hand...)
				q.tryTake()
			}
			largest := 0
			for _, text := range c.put {
				largest = max(largest, len(text)+5)
			}
			rest, position := put(q, c.put...)
			if want := uint64(len(c.hand) + len(c.put) - rest); position != want {
				t.Errorf("position %d, want %d", position, want)
			}
			if got := q.QueueBytes(); got > c.memory+int64(largest) {
				t.Errorf("%d bytes in a queue of %d", got, c.memory)
			}
			if rest != c.rest || q.Dropped() != c.dropped {
				t.Errorf("%d handed back and %d dropped, want %d and %d", rest, q.Dropped(), c.rest, c.dropped)
			}
			if c.hand != nil {
				q.settle()
			}
			if diff := cmp.Diff(c.left, short(drain(q))); diff != "" {
				t.Error(diff)
			}
			if q.QueueBytes() != 0 {
				t.Errorf("%d bytes in an empty queue", q.QueueBytes())
			}
		})
	}
}

// What a queue holds beside the text counts too: it stays within its memory when messages are empty or paths long.
func TestQueueMemoryBeside(t *testing.T) {
	const memory = 1 << 20
	for _, c := range []struct{ name, path, text string }{
		{"empty messages", "", ""},
		{"short messages", "", "x"},
		{"paths longer than the messages", "/var/log/{hostname}/" + strings.Repeat("p", 200), "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(t, QueueOptions{Memory: memory, WhenFull: DropNewest}, c.path)
			b := batchOf(syslog.Never, c.text)
			for i := 0; q.Dropped() == 0; i++ {
				b.Messages[0].Hostname = strconv.AppendInt(b.Messages[0].Hostname[:0], int64(i), 10)
				q.Append(b, []int32{0})
			}
			held := 0
			for block, _ := q.tryTake(); block != nil; block, _ = q.tryTake() {
				held += cap(block.Text) + 4*cap(block.Ends) + cap(block.paths.text) + 8*cap(block.paths.names) + 8*cap(block.paths.runs)
				q.settle()
			}
			if held > 3*memory { // capacities, not lengths
				t.Errorf("blocks of %d bytes in a queue of %d", held, memory)
			}
		})
	}
}

// However the queue is when its taker goes to sleep, what comes wakes it.
func TestQueueWakesTaker(t *testing.T) {
	for w := BlockSenders; w <= DropNewest; w++ {
		for _, c := range []struct {
			name string
			put  []string
		}{
			{"one message", []string{"a"}},
			{"a batch that fills the queue at once", []string{strings.Repeat("x", 2000), "b", "c"}},
			{"an empty message", []string{""}},
		} {
			t.Run(w.String()+"/"+c.name, func(t *testing.T) {
				q := newQueue(t, QueueOptions{Memory: 1000, WhenFull: w}, "")
				for range 3 {
					if b, _ := q.tryTake(); b != nil {
						t.Fatal("an empty queue holds a block")
					}
					put(q, c.put...)
					if len(q.writer.wake) == 0 {
						t.Fatal("the taker sleeps on")
					}
					if b := q.take(t.Context()); b == nil {
						t.Fatal("nothing to take")
					}
					q.settle()
					drain(q)
				}
			})
		}
	}
}

// take leaves when the queue is finished and empty, and at once when its context ends.
func TestQueueTakeEnds(t *testing.T) {
	q := newQueue(t, QueueOptions{Memory: 1000}, "")
	put(q, "a")
	q.Finish()
	if b := q.take(t.Context()); b == nil || texts(b)[0] != "a" {
		t.Fatal("a finished queue keeps what it holds")
	}
	q.settle()
	for range 2 {
		if q.take(t.Context()) != nil {
			t.Error("a finished queue has a block")
		}
	}
	q = newQueue(t, QueueOptions{Memory: 1000}, "")
	put(q, "a")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if q.take(ended) != nil {
		t.Error("a block is taken after the end")
	}
}
