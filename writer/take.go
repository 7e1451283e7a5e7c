package writer

import (
	"context"
	"time"
)

// Finish says that nothing more will be appended: the taker leaves when the queue is empty, or when all of it is in the
// spool.
func (q *Queue) Finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finished = true
	q.writer.rouse()
	if q.spool != nil {
		q.spool.rouse()
	}
}

// takeOr returns the oldest block, full or not, and makes it the one in hand. It waits until there is one, and returns
// nil when the queue is finished and empty, or when ctx has ended: what is left then is left, however fast the sink is.
// idle is called whenever it has to wait, and again after the time that it returns, unless that is 0.
func (q *Queue) takeOr(ctx context.Context, idle func() time.Duration) *Block {
	for q.linger(ctx); ctx.Err() == nil; {
		if b, more := q.tryTake(); b != nil || !more {
			return b
		}
		until := time.Time{}
		if again := idle(); again > 0 {
			until = time.Now().Add(again)
		}
		if due := q.trim(); !due.IsZero() && (until.IsZero() || due.Before(until)) {
			until = due
		}
		q.writer.sleep(ctx, until)
	}
	return nil
}

// tick is how often a busy target takes blocks, unless many are full before: a writer that took whatever there is would be
// woken for each batch, and a wakeup costs what some hundred messages do. All targets have the same ticks, so that what
// thirty of them take at once costs the process one wakeup, and not thirty.
const tick = 2 * time.Millisecond

// plenty is how much in full blocks ends the wait for the next tick.
const plenty = 512 << 10

var firstTick = time.Now()

// nextTick is the first behind t.
func nextTick(t time.Time) time.Time {
	return firstTick.Add(t.Sub(firstTick).Truncate(tick) + tick)
}

// linger waits until it is time to take the next block. What comes after a rest is taken at once.
func (q *Queue) linger(ctx context.Context) {
	until := nextTick(q.taken)
	if !time.Now().Before(until) {
		return
	}
	q.mu.Lock()
	q.writer.lingers = q.full.head == nil && !q.finished && (q.spool == nil || !q.spool.on)
	lingers := q.writer.lingers
	q.mu.Unlock()
	if lingers {
		q.writer.sleep(ctx, until)
	}
}

// pressing reports whether a writer that waits for the next tick should not: there is enough for it to do, or memory gets
// scarce.
func (q *Queue) pressing() bool {
	return q.full.n*q.blockSize >= plenty || q.bytes.Load() >= q.options.Memory/4*3
}

// trim gives back memory, or returns when there will be some to give back.
func (q *Queue) trim() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.spares.trim(q.few())
}

// tryTake is take without waiting. More is false if nothing will ever come.
func (q *Queue) tryTake() (b *Block, more bool) {
	q.hands.Lock()
	defer q.hands.Unlock()
	if q.givenBack.head == nil && q.spool != nil {
		if b, more, done := q.spool.take(); done {
			return b, more
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if b = q.givenBack.pop(); b == nil {
		b = q.oldest()
	}
	if b != nil {
		q.lead(b)
		q.taken = time.Now()
	}
	q.inHand, q.writer.idle, q.writer.lingers = b, b == nil, false
	return b, !q.finished
}

// lead sees to it that b's messages have paths where they need them. They have none if the target's path had no fields when
// they came.
func (q *Queue) lead(b *Block) {
	if q.path == nil || q.path.other == nil || len(b.paths.runs) > 0 || b.Count() == 0 {
		return
	}
	before := b.size()
	b.paths.add(q.path.other.path, b.Count()-1)
	if !b.spooled && !b.purged {
		q.bytes.Add(int64(b.size() - before))
	}
}

// oldest takes the first block out of those that wait in memory; nil if there is none.
func (q *Queue) oldest() *Block {
	b := q.full.pop()
	if b == nil && q.open.Count() > 0 {
		b, q.open = q.open, q.spares.pop()
	}
	return b
}

// settle says that the block in hand is at rest, and forgets it. Its bytes make room.
func (q *Queue) settle() {
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	q.putAside()
	records := q.forgetSent(1)
	q.mu.Unlock()
	q.releaseRecords(records)
}

// keep says that the block in hand is written, but may have to be written again.
func (q *Queue) keep() {
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.putAside()
}

// putAside makes the block in hand one that is kept. What is in the spool need not be in memory for that. It is called
// under both locks.
func (q *Queue) putAside() {
	b := q.inHand
	q.sent.push(b)
	q.inHand = nil
	if b.spooled && !b.evicted {
		b.evicted = true
		whole := q.hulls.pop()
		if whole == nil {
			whole = &Block{}
		}
		whole.Text, whole.Ends, whole.paths = b.Text, b.Ends, b.paths
		b.Text, b.Ends, b.paths = nil, nil, paths{}
		q.recycle(whole)
	}
}

// deliver says that the first n of the blocks that are kept have arrived, those that were known to included.
func (q *Queue) deliver(n int) {
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for b := range q.sent.all {
		if n--; n < 0 {
			break
		}
		b.rest = true
	}
	q.settleTickets()
}

// release forgets the first n of the blocks that are kept.
func (q *Queue) release(n int) {
	if n == 0 {
		return
	}
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	records := q.forgetSent(n)
	q.mu.Unlock()
	q.releaseRecords(records)
}

// forgetSent forgets the first n of the blocks that are kept, and returns how many of them have a record in the spool, which
// are to be released when mu is not held any more. It is called under both locks.
func (q *Queue) forgetSent(n int) (records int) {
	for range n {
		b := q.sent.pop()
		if b.spooled {
			records++
		} else if !b.purged {
			q.bytes.Add(-int64(b.size()))
		}
		q.recycle(b)
	}
	q.room.open()
	q.settleTickets()
	return records
}

func (q *Queue) releaseRecords(n int) {
	if n > 0 {
		q.spool.release(n)
	}
}

// abandon counts everything that is left as shed, and whatever comes later: the target is closed for good. What is in the
// spool stays there. It returns how many messages were left.
func (q *Queue) abandon() (left uint64) {
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for b := range q.unspooled {
		left += uint64(b.Count())
	}
	q.sent, q.givenBack, q.full, q.inHand, q.closed = list{}, list{}, list{}, nil, true
	q.open.reset()
	if q.spool != nil {
		q.spool.inHand = nil
	}
	q.bytes.Store(0)
	q.dropped.Add(left)
	q.room.open()
	if left > 0 && q.forsaken {
		q.tickets = nil
	}
	q.settleTickets()
	return left
}

// held goes through the blocks that the writer holds, or has held, the oldest first.
func (q *Queue) held(yield func(*Block) bool) {
	for b := range q.sent.all {
		if !yield(b) {
			return
		}
	}
	if q.inHand != nil && !yield(q.inHand) {
		return
	}
	for b := range q.givenBack.all {
		if !yield(b) {
			return
		}
	}
}

// unspooled goes through the blocks that are in memory only, the oldest first.
func (q *Queue) unspooled(yield func(*Block) bool) {
	one := func(b *Block) bool { return b == nil || b.spooled || b.Count() == 0 || yield(b) }
	for b := range q.held {
		if !one(b) {
			return
		}
	}
	if q.spool != nil && !one(q.spool.inHand) {
		return
	}
	for b := range q.full.all {
		if !one(b) {
			return
		}
	}
	one(q.open)
}
