package writer

import (
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
	Spool    int64         `yaml:"spool,size"` // 0: none
	WhenFull WhenFull      `yaml:"when_full"`
	BlockFor time.Duration `yaml:"block_for"` // 0: for ever
	Fsync    time.Duration `yaml:"fsync"`     // of the spool; 0: after each block
}

// A Queue holds what a target has still to write: full blocks, and the open one that is being filled. Readers append,
// one goroutine takes. A message is formatted straight into the open block; no other copy of it is made. In their order,
// the oldest first, blocks are: sent, in hand, given back, in the spool, full, open.
type Queue struct {
	hands     sync.Mutex // for what the writer holds; taken before mu
	sent      list       // written, and kept until the sink says that they may go
	inHand    *Block     // taken and not written
	givenBack list       // by a sink that another has taken the place of: see Target.Change

	mu       sync.Mutex
	options  QueueOptions
	format   *syslog.Template
	path     *Path  // nil where all messages go to one place
	open     *Block // never nil
	full     list
	spares   spares
	hulls    list // blocks whose text is in others now
	finished bool
	closed   bool   // abandoned: whatever comes is shed
	forsaken bool   // what is left then is nobody's, and no ticket for it is ever done
	appended uint64 // messages taken in so far, shed ones included: the queue's positions
	room     roomState
	tickets  []ticket
	writer   sleeper

	taken time.Time // when the writer took a block last; the writer's

	blockSize  int      // when a block is full
	spool      *spooler // nil: none
	recallable bool     // the sink works on whole blocks: one in its hands can be emptied between two tries

	bytes   atomic.Int64 // of all blocks that are in memory and nowhere else; changed under mu
	dropped atomic.Uint64

	tooLarge, purged atomic.Uint64
}

// NewQueue returns an empty queue whose messages are made by format and go to path, or, if that is nil, to one place.
// The queue owns both templates.
func NewQueue(o QueueOptions, format *syslog.Template, path *Path) *Queue {
	q := &Queue{options: o.sound(), format: format, open: newBlock(), room: roomState{round: 1}, writer: newSleeper()}
	q.usePath(path)
	return q
}

// sound is o, with at least some memory: with none at all the queue would be full while it is empty, for ever.
func (o QueueOptions) sound() QueueOptions {
	o.Memory = max(o.Memory, 1)
	return o
}

// bounds are the options that hold now.
func (q *Queue) bounds() QueueOptions {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.options
}

// usePath is called under mu.
func (q *Queue) usePath(path *Path) {
	q.path, q.blockSize = path, blockSize
	if path != nil {
		q.blockSize = sharedSize
	}
}

// Forsake is called when the daemon ends without all of q being written: what can then not be saved either is shed, but is
// not to be taken for safe by who sent it.
func (q *Queue) Forsake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forsaken = true
}

// QueueBytes is how much is waiting, the block that is being written included.
func (q *Queue) QueueBytes() int64 { return q.bytes.Load() }

// Dropped is how many messages were shed because the queue was full.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// together is how many messages are formatted under the lock at once: who waits for it, another reader or the writer, then
// gets it before he has to be put to sleep and woken.
const together = 32

// Append takes in the messages of b with these indexes. It returns those for which there is no room and for whose
// sake a sender may be made to wait (see Offers), and the queue's position behind what it took.
func (q *Queue) Append(b *syslog.Batch, indexes []int32) (rest []int32, position uint64) {
	for rest = indexes; ; {
		q.mu.Lock()
		took, full := q.appendSome(b, rest[:min(len(rest), together)])
		if rest = rest[took:]; full {
			rest = q.refuse(rest)
		} else if len(rest) > 0 {
			q.mu.Unlock()
			continue
		}
		nudge := q.stir()
		position = q.appended
		q.mu.Unlock()
		if nudge { // behind the lock, which is the first thing that it will want
			q.writer.nudge()
		}
		return rest, position
	}
}

// appendSome takes in messages as long as there is room. It is called under mu.
func (q *Queue) appendSome(b *syslog.Batch, indexes []int32) (took int, full bool) {
	bytes := q.bytes.Load()
	for n, i := range indexes {
		if bytes >= q.options.Memory || q.closed {
			q.bytes.Store(bytes)
			if !q.makeRoom() {
				return n, true
			}
			bytes = q.bytes.Load()
		}
		bytes += int64(q.append(&b.Messages[i]))
	}
	q.bytes.Store(bytes)
	return len(indexes), false
}

// stir has those look who wait for messages: the spooler, and the writer, if it is time for that. It reports whether the
// writer has to be nudged, which needs no lock. It is called under mu.
func (q *Queue) stir() (nudge bool) {
	if q.spool != nil {
		q.spool.appended()
	}
	if q.writer.idle || q.writer.lingers && q.pressing() {
		q.writer.awake()
		return true
	}
	return false
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
		o.lead(q.path.of(m))
	}
	o.add()
	q.appended++
	size := o.size()
	if size >= q.blockSize {
		q.full.push(o)
		q.open = q.spares.pop()
	}
	return size - before
}

// makeRoom drops what has waited longest, where that is what a full queue does, and reports whether there is room now.
// The block in hand stays.
func (q *Queue) makeRoom() bool {
	if q.options.WhenFull != DropOldest || q.closed || q.spool != nil && q.spool.takes() {
		return false
	}
	for q.bytes.Load() >= q.options.Memory {
		if q.full.head == nil && q.open.Count() > 0 {
			q.full.push(q.open)
			q.open = q.spares.pop()
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
	block := q.options.WhenFull == BlockSenders || q.spool != nil && q.spool.takes() // it is full of what is on its way to the disk
	if block && !q.room.shedding && !q.closed {
		return left
	}
	q.shed(len(left))
	return nil
}

func (q *Queue) shed(n int) {
	q.appended += uint64(n)
	q.dropped.Add(uint64(n))
}

// recycle keeps b for later, unless there are more spares than may ever wait, or one message made it much larger than a
// block.
func (q *Queue) recycle(b *Block) {
	if b.Text == nil {
		b.reset()
		q.hulls.push(b)
		return
	}
	if (q.spares.n-q.few())*q.blockSize < int(q.options.Memory) && cap(b.Text) <= 2*q.blockSize {
		q.spares.put(b)
	}
}

// few is how many spares a queue has that is not busy.
func (q *Queue) few() int {
	if q.path != nil {
		return fewShared
	}
	return fewSpares
}
