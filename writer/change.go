package writer

import (
	"context"
	"math"
	"time"

	"sluice/syslog"
	"sluice/writer/spool"
)

// A Change is what a target is to be from now on. Its queue, what waits there and its spool stay.
type Change struct {
	Format *syslog.Template
	Queue  QueueOptions
	Retry  Retry
	Sink   Sink  // nil: the target keeps the one that it has, and its path
	Path   *Path // of Sink

	hurry *time.Timer
}

// changeTime is how long a sink may take to finish the block that it has in hand before another takes its place.
var changeTime = 5 * time.Second

// PrepareSpool opens the spool that a Change to o will need: that may fail, and Change does not.
func (q *Queue) PrepareSpool(o QueueOptions) error {
	s := q.spool
	if s == nil || o.Spool == 0 || s.disk.Load() != nil {
		return nil
	}
	disk, err := spool.Open(s.dir, o.sound().disk(), s.log)
	if err == nil {
		s.disk.Store(disk)
	}
	return err
}

// Change changes the target, which may be at work. Messages that are appended from now on are made by c; the sink changes
// behind the block in hand, and what it has not taken by then goes to the new one.
func (t *Target) Change(c Change) {
	q := t.Queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.options, q.format = c.Queue.sound(), c.Format
	if c.Sink != nil {
		if q.open.Count() > 0 { // all messages of a block have paths, or none
			q.full.push(q.open)
			q.open = q.spares.pop()
		}
		q.usePath(c.Path)
	}
	if s := q.spool; s != nil {
		s.appends = q.options.Spool > 0
		if disk := s.disk.Load(); disk != nil {
			disk.Change(q.options.disk())
		}
		s.rouse()
	}
	// Under the lock: who takes a block that was made by c finds it.
	if before := t.next.Swap(t.hurried(&c)); before != nil && before.Sink != nil {
		before.stop()
		if c.Sink == nil {
			c.Sink = before.Sink
		} else {
			_ = before.Sink.Close() // nothing was ever written to it
		}
	}
	q.room.wake() // there may be more of it
	t.call()
}

// hurried is c, with the sink that is there told not to take too long.
func (t *Target) hurried(c *Change) *Change {
	if old, ok := t.sink.(interrupter); ok && c.Sink != nil {
		c.hurry = time.AfterFunc(changeTime, old.Interrupt)
	}
	return c
}

func (c *Change) stop() {
	if c.hurry != nil {
		c.hurry.Stop()
	}
}

// Reopen makes the target close its files before the next block: whatever they are called by then, it opens the path anew.
func (t *Target) Reopen() {
	t.reopen.Store(true)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.call()
}

// call makes the target's goroutine look for something to do beside blocks. It is called under the queue's mu.
func (t *Target) call() {
	t.writer.rouse()
	select {
	case t.called <- struct{}{}:
	default:
	}
}

// A reopener is a sink with files to close.
type reopener interface{ Reopen() }

// turn does what the target was told to do since it was last called: reopen its files, or become another. It reports whether
// it has another sink now, and the block in hand was given back.
func (t *Target) turn(ctx context.Context) bool {
	t.reopenFiles()
	c := t.next.Swap(nil)
	if c == nil {
		return false
	}
	c.stop()
	t.Retry = c.Retry
	if c.Sink == nil {
		return false
	}
	old := t.sink
	err := old.Close()
	if _, ok := old.(keeper); ok && err == nil {
		t.releaseAll() // it has got the receipt
	} else if err != nil {
		t.log.Warn("closing what another takes the place of", "error", err)
	}
	t.saySheds()
	t.giveBack(old)
	t.use(ctx, c.Sink)
	t.backoff = backoff{}
	return true
}

func (t *Target) reopenFiles() {
	if t.reopen.Swap(false) {
		if sink, ok := t.sink.(reopener); ok {
			sink.Reopen()
		}
	}
}

// unturned gives up what the target did not become any more.
func (t *Target) unturned() {
	if c := t.next.Swap(nil); c != nil && c.Sink != nil {
		c.stop()
		_ = c.Sink.Close()
	}
}

// use makes sink the target's.
func (t *Target) use(ctx context.Context, sink Sink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resent, t.truncated = t.resent+resentBy(t.sink), t.truncated+truncatedBy(t.sink)
	t.shedBefore.Add(t.shed.Swap(0))
	t.sink = sink
	t.serve()
	t.watch(ctx)
}

// serve tells the queue whom it works for. It is called under mu, or before there is anybody to lock out.
func (t *Target) serve() {
	sink, keeps := t.sink.(keeper)
	if keeps {
		sink.attach(t.reload, t.writer.nudge)
	}
	t.recallable = keeps
}

// watch interrupts the sink when ctx ends.
func (t *Target) watch(ctx context.Context) {
	if t.unwatch != nil {
		t.unwatch()
	}
	t.unwatch = func() bool { return true }
	if sink, ok := t.sink.(interrupter); ok {
		t.unwatch = context.AfterFunc(ctx, sink.Interrupt)
	}
}

// giveBack takes from the writer what old has not brought to rest, for another sink to write.
func (q *Queue) giveBack(old Sink) {
	for b := range q.held {
		if b.evicted {
			q.reload()
			break
		}
	}
	q.hands.Lock()
	defer q.hands.Unlock()
	if sink, ok := old.(rester); ok && q.inHand != nil {
		q.inHand = q.restOf(sink)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	back := q.sent
	if q.inHand != nil {
		back.push(q.inHand)
	}
	for b := q.givenBack.pop(); b != nil; b = q.givenBack.pop() {
		back.push(b)
	}
	q.sent, q.inHand, q.givenBack = list{}, nil, back
	q.writer.rouse()
}

// restOf is what is left of the block in hand, nil if all of it is written.
func (q *Queue) restOf(sink rester) *Block {
	b := q.inHand
	left := sink.Rest(b)
	if left == b {
		return b
	}
	if left == nil { // a block all the same: it may have a record that has to go
		left = &Block{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	left.first, left.rest, left.spooled, left.purged, left.empty = b.first, b.rest, b.spooled, b.purged, b.empty
	if !b.spooled && !b.purged {
		q.bytes.Add(int64(left.size() - b.size()))
	}
	return left
}

// Release lets in what waits for room, and whatever comes yet: the target is about to end, and nobody should wait for it.
func (q *Queue) Release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.options.Memory = math.MaxInt64
	q.room.wake()
}
