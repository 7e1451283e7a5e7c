package writer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sluice/syslog"
)

// WhenFull says what a queue does with a message for which it has no room.
type WhenFull uint8

// What a full queue does.
const (
	BlockSenders WhenFull = iota // senders that can be pushed back wait, at most block_for
	DropOldest                   // what has waited longest goes
	DropNewest                   // the message itself goes
)

var whenFull = []string{"block", "drop_oldest", "drop_newest"}

func (w WhenFull) String() string { return whenFull[w] }

// UnmarshalText reads one of the three words.
func (w *WhenFull) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(w, "when_full", text, whenFull)
}

// QueueOptions bound what waits for a target.
type QueueOptions struct {
	Memory   int64         `yaml:"memory,size"`
	Spool    int64         `yaml:"spool,size,later"`
	WhenFull WhenFull      `yaml:"when_full"`
	BlockFor time.Duration `yaml:"block_for"` // 0: for ever
	Fsync    time.Duration `yaml:"fsync,later"`
}

// A Queue holds what a target has still to write: full blocks, and the open one that is being filled. Readers append,
// one goroutine takes. A message is formatted straight into the open block; no other copy of it is made.
type Queue struct {
	options QueueOptions

	mu       sync.Mutex
	format   *syslog.Template
	path     *Path  // nil where all messages go to one place
	open     *Block // never nil
	full     list
	inHand   *Block // taken and not settled
	free     list   // blocks to use again, at most maxFree
	freed    int
	idle     bool // the taker waits for wake
	finished bool
	closed   bool   // abandoned: whatever comes is shed
	appended uint64 // messages taken in so far, shed ones included: the queue's positions
	room     roomState
	tickets  []ticket

	wake chan struct{}

	bytes   atomic.Int64 // of all blocks, the one in hand included; changed under mu
	dropped atomic.Uint64
}

type ticket struct {
	position uint64
	done     chan struct{}
}

// NewQueue returns an empty queue whose messages are made by format and go to path, or, if that is nil, to one place.
// The queue owns both templates.
func NewQueue(o QueueOptions, format *syslog.Template, path *Path) *Queue {
	o.Memory = max(o.Memory, 1) // with none at all it would be full while it is empty, for ever
	return &Queue{options: o, format: format, path: path, open: newBlock(), room: roomState{round: 1}, wake: make(chan struct{}, 1)}
}

// QueueBytes is how much is waiting, the block that is being written included.
func (q *Queue) QueueBytes() int64 { return q.bytes.Load() }

// Dropped is how many messages were shed because the queue was full.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Append takes in the messages of b with these indexes. It returns those for which there is no room and for whose
// sake a sender may be made to wait (see Offers), and the queue's position behind what it took.
func (q *Queue) Append(b *syslog.Batch, indexes []int32) (rest []int32, position uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes := q.bytes.Load()
	for n, i := range indexes {
		if bytes >= q.options.Memory || q.closed {
			q.bytes.Store(bytes)
			if !q.makeRoom() {
				rest = q.refuse(indexes[n:])
				break
			}
			bytes = q.bytes.Load()
		}
		bytes += int64(q.append(&b.Messages[i]))
	}
	q.bytes.Store(bytes)
	if q.idle {
		q.rouse()
	}
	return rest, q.appended
}

// rouse wakes the taker. The token of an earlier call may still lie there; it wakes as well.
func (q *Queue) rouse() {
	q.idle = false
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// append formats m into the open block and returns how much that grew.
func (q *Queue) append(m *syslog.Message) int {
	o := q.open
	if o.Count() == 0 {
		o.first = q.appended
	}
	before := o.size()
	o.Text = q.format.Append(o.Text, m)
	if q.path != nil {
		o.paths.add(q.path.render(m), o.Count())
	}
	o.add()
	q.appended++
	size := o.size()
	if size >= blockSize {
		q.full.push(o)
		q.open = q.blank()
	}
	return size - before
}

func (q *Queue) blank() *Block {
	if b := q.free.pop(); b != nil {
		q.freed--
		return b
	}
	return newBlock()
}

// makeRoom drops what has waited longest, where that is what a full queue does, and reports whether there is room now.
// The block in hand stays.
func (q *Queue) makeRoom() bool {
	if q.options.WhenFull != DropOldest || q.closed {
		return false
	}
	for q.bytes.Load() >= q.options.Memory {
		if q.full.head == nil && q.open.Count() > 0 {
			q.full.push(q.open)
			q.open = q.blank()
		}
		b := q.full.pop()
		if b == nil {
			return false
		}
		q.bytes.Add(-int64(b.size()))
		q.dropped.Add(uint64(b.Count()))
		q.recycle(b)
		q.settleTickets()
	}
	return true
}

// refuse returns the messages for which there is no room, if their sender may wait, or else sheds them.
func (q *Queue) refuse(left []int32) []int32 {
	if q.options.WhenFull == BlockSenders && !q.room.shedding && !q.closed {
		return left
	}
	q.shed(len(left))
	return nil
}

func (q *Queue) shed(n int) {
	q.appended += uint64(n)
	q.dropped.Add(uint64(n))
}

// maxFree is how many blocks a queue keeps: enough for a reader that is ahead of the disk by what the disk does at once,
// so that a busy target allocates nothing; half a megabyte.
const maxFree = 8

// recycle keeps b for later, unless there are enough or one message made it much larger than a block.
func (q *Queue) recycle(b *Block) {
	if q.freed < maxFree && cap(b.Text) <= 2*blockSize {
		b.reset()
		q.free.push(b)
		q.freed++
	}
}

// Finish says that nothing more will be appended: the taker leaves when the queue is empty.
func (q *Queue) Finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finished = true
	q.rouse()
}

// take returns the oldest block, full or not, and makes it the one in hand. It waits until there is one, and returns
// nil when the queue is finished and empty, or when ctx has ended: what is left then is left, however fast the sink is.
func (q *Queue) take(ctx context.Context) *Block {
	return q.takeOr(ctx, func() bool { return false })
}

// takeOr is take for a taker with something else to do: idle is called whenever it has to wait, and again after a second
// for as long as it returns true.
func (q *Queue) takeOr(ctx context.Context, idle func() bool) *Block {
	for ctx.Err() == nil {
		if b, more := q.tryTake(); b != nil || !more {
			return b
		}
		if !idle() {
			sleep(ctx, q.wake, time.Time{})
		} else {
			sleep(ctx, q.wake, time.Now().Add(time.Second))
		}
	}
	return nil
}

func (q *Queue) tryTake() (b *Block, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b = q.full.pop()
	if b == nil && q.open.Count() > 0 {
		b, q.open = q.open, q.blank()
	}
	q.inHand, q.idle = b, b == nil
	return b, !q.finished
}

// settle says that the block in hand is at rest. Its bytes make room.
func (q *Queue) settle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.inHand
	q.inHand = nil
	q.bytes.Add(-int64(b.size()))
	q.recycle(b)
	q.room.open()
	q.settleTickets()
}

// abandon counts everything that is left as shed, and whatever comes later: the target is closed for good. It returns how
// many messages were left.
func (q *Queue) abandon() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := uint64(q.open.Count())
	if q.inHand != nil {
		n += uint64(q.inHand.Count())
	}
	for b := q.full.pop(); b != nil; b = q.full.pop() {
		n += uint64(b.Count())
	}
	q.open.reset()
	q.inHand, q.closed = nil, true
	q.bytes.Store(0)
	q.dropped.Add(n)
	q.room.open()
	q.settleTickets()
	return n
}

// settledTo is the position up to which everything is at rest.
func (q *Queue) settledTo() uint64 {
	switch {
	case q.inHand != nil:
		return q.inHand.first
	case q.full.head != nil:
		return q.full.head.first
	case q.open.Count() > 0:
		return q.open.first
	}
	return q.appended
}

func (q *Queue) settleTickets() {
	settled := q.settledTo()
	left := q.tickets[:0]
	for _, t := range q.tickets {
		if t.position <= settled {
			close(t.done)
		} else {
			left = append(left, t)
		}
	}
	clear(q.tickets[len(left):])
	q.tickets = left
}

var alreadyDone = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Settled returns a channel that is closed when everything up to position is written, or counted as shed.
func (q *Queue) Settled(position uint64) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if position <= q.settledTo() {
		return alreadyDone
	}
	t := ticket{position, make(chan struct{})}
	q.tickets = append(q.tickets, t)
	return t.done
}
