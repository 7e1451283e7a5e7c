package writer

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/writer/spool"
)

// A spooler takes to disk what its target cannot deliver, and gives it back in its order. While it is on, everything new
// goes through the spool, so that nothing overtakes what lies there.
type spooler struct {
	queue  *Queue
	dir    string
	log    *slog.Logger
	fault  outage
	rested chan struct{} // closed when the queue is finished and all of it is in the spool

	disk  atomic.Pointer[spool.Spool] // nil while there is nothing to keep; never used while mu is held: disks can be slow
	spare Block                       // to read into what is not needed

	// Under the queue's mu.
	sleeper
	appends bool // false: it only gives back what is there
	on      bool
	inHand  *Block
	failing bool   // the disk took nothing when it was last tried
	stored  uint64 // records appended
	settled uint64 // where the queue stood when it was last looked at
	since   time.Time
}

// When a spooler steps in.
const (
	spoolAfter = time.Second            // without anything delivered
	spoolLook  = 250 * time.Millisecond // how often it looks, while there is something to deliver
	spoolRetry = time.Second            // after a fault of the disk
)

// run takes to the spool what has to go there, until ended is closed, or until the queue is finished and empty. Down
// reports whether the target cannot deliver.
func (s *spooler) run(ended <-chan struct{}, down func() bool) {
	for {
		b, wait, more := s.next(down)
		if !more {
			return
		}
		if b != nil {
			if s.put(b) {
				continue
			}
			wait = spoolRetry
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-s.wake:
		case <-timer:
		case <-ended:
			return
		}
	}
}

// next returns the block that has to go to the spool, if there is one, or how long to wait; 0: until woken. More is false
// when nothing will ever come.
func (s *spooler) next(down func() bool) (b *Block, wait time.Duration, more bool) {
	q := s.queue
	q.mu.Lock()
	if !s.appends {
		q.mu.Unlock()
		return nil, 0, true
	}
	if !s.on && s.due(down) {
		s.on = true
		q.mu.Unlock()
		s.copyHands()
		q.mu.Lock()
	}
	defer q.mu.Unlock()
	if s.on {
		if b = q.oldest(); b != nil {
			s.inHand = b
			return b, 0, true
		}
		if q.finished {
			close(s.rested)
			return nil, 0, false
		}
		s.idle = true
		return nil, 0, true
	}
	if s.since.IsZero() {
		s.idle = true
		return nil, 0, true
	}
	return nil, spoolLook, true
}

// due reports whether it is time for the spool: nothing was delivered for a while, or memory gets scarce, or the target
// has to end while it is down.
func (s *spooler) due(down func() bool) bool {
	q := s.queue
	settled := q.settledTo()
	if settled == q.appended {
		s.since = time.Time{}
		return false
	}
	now := time.Now()
	if settled != s.settled || s.since.IsZero() {
		s.settled, s.since = settled, now
	}
	return s.scarce() || now.Sub(s.since) >= spoolAfter || q.finished && down()
}

// scarce reports whether most of the queue's memory is taken, apart from what has arrived and is kept only in case that
// nobody has read it: at full speed that is half of the memory, and no reason to go to the disk.
func (s *spooler) scarce() bool {
	memory, taken := s.queue.options.Memory, s.queue.bytes.Load()
	if taken < memory/4*3 {
		return false
	}
	for b := range s.queue.sent.all {
		if !b.rest {
			break
		}
		if !b.spooled && !b.purged {
			memory, taken = memory-int64(b.size()), taken-int64(b.size())
		}
	}
	return taken >= memory/4*3
}

// takes reports whether what comes can go to the disk, so that a sender may wait for that whatever a full queue does.
func (s *spooler) takes() bool { return s.appends && !s.failing }

// appended is called under mu when something was appended to the queue.
func (s *spooler) appended() {
	if s.idle || s.appends && !s.on && !s.failing && s.scarce() {
		s.rouse()
	}
}

// copyHands puts copies of what the writer holds into the spool, so that a crash cannot take it. It was not read from
// there, so it need not be: the read position goes behind it.
func (s *spooler) copyHands() {
	q := s.queue
	q.hands.Lock()
	defer q.hands.Unlock()
	for b := range q.held {
		if b.spooled || b.purged || b.Count() == 0 {
			continue
		}
		if s.disk.Load().Append(b.record()) != nil {
			return // it is in memory still; said when what waits cannot be appended either
		}
		if found, err := s.read(&s.spare); !found || err != nil {
			s.log.Error("cannot read the spool", "error", err)
		}
		q.mu.Lock()
		b.spooled, b.rest = true, true
		q.bytes.Add(-int64(b.size()))
		q.room.open()
		q.settleTickets()
		q.mu.Unlock()
	}
	s.spare = Block{}
}

// put appends b to the spool. If that fails b goes back to where it came from.
func (s *spooler) put(b *Block) bool {
	q := s.queue
	err := s.append(b)
	for errors.Is(err, spool.ErrFull) && q.bounds().WhenFull == DropOldest {
		n, ok := s.disk.Load().DropOldest()
		if !ok {
			break
		}
		q.dropped.Add(n)
		err = s.append(b)
	}
	switch {
	case err == nil:
		s.fault.over(s.log)
	case errors.Is(err, spool.ErrTooLarge):
		s.log.Error("messages dropped", "messages", b.Count(), "error", err)
		q.tooLarge.Add(uint64(b.Count()))
		err = nil
	case !errors.Is(err, spool.ErrFull):
		s.fault.fault(s.log, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s.inHand, s.failing = nil, err != nil
	if err != nil {
		q.full.pushFront(b)
		if q.writer.idle {
			q.writer.rouse() // it may have waited for this one
		}
		return false
	}
	s.stored++
	q.bytes.Add(-int64(b.size()))
	q.recycle(b)
	q.room.open()
	q.settleTickets()
	if q.writer.idle {
		q.writer.rouse()
	}
	return true
}

// append appends b, within the bound that the target's options set. (The spool itself has some room more, for what is to
// be saved at the end.)
func (s *spooler) append(b *Block) error {
	disk := s.disk.Load()
	if disk.Disk()+int64(b.size()) > s.queue.bounds().Spool {
		return spool.ErrFull
	}
	return disk.Append(b.record())
}

// take is the writer's, who has locked hands. Used is false when the queue's memory is next.
func (s *spooler) take() (b *Block, more, used bool) {
	q := s.queue
	for {
		q.mu.Lock()
		on, finished, stored := s.on, q.finished, s.stored
		if on && !finished {
			b = q.spares.pop()
		}
		q.mu.Unlock()
		switch {
		case !on:
			return nil, true, false
		case finished: // it stays where it is
			return nil, false, true
		}
		found, err := s.read(b)
		q.mu.Lock()
		switch {
		case found:
			b.rest, b.spooled = true, true
			q.lead(b)
			q.inHand, q.writer.idle = b, false
			q.mu.Unlock()
			return b, true, true
		case err != nil:
			s.log.Error("cannot read the spool", "error", err)
		}
		q.recycle(b)
		empty := s.inHand == nil && stored == s.stored && err == nil
		if empty {
			s.on = false
		} else if s.inHand != nil || err != nil {
			q.writer.idle = true
		}
		idle := q.writer.idle
		q.mu.Unlock()
		if empty {
			return nil, true, false
		} else if idle {
			return nil, true, true
		}
	}
}

// read fills b from the next record.
func (s *spooler) read(b *Block) (bool, error) {
	r := spool.Record{Text: b.Text, Ends: b.Ends}
	found, err := s.disk.Load().Next(&r)
	if !found || err != nil {
		return false, err
	}
	if err := b.fill(&r); err != nil { // as if it were damaged: nobody knows what it is
		b.reset()
		s.log.Error("cannot read the spool", "error", err)
	}
	return true, nil
}

// reload reads again what the writer has sent from the spool, since it has to be sent again.
func (q *Queue) reload() {
	s := q.spool
	q.hands.Lock()
	defer q.hands.Unlock()
	q.forgetHeld()
	s.disk.Load().Rewind()
	for b := range q.held {
		if !b.spooled {
			continue
		}
		found, err := s.read(&s.spare)
		if !found {
			s.log.Error("messages lost: the spool cannot be read again", "error", err)
			s.spare.reset()
		}
		if b.evicted { // else it is only passed over
			b.Text, b.Ends, b.paths, b.evicted = s.spare.Text, s.spare.Ends, s.spare.paths, false
			s.spare = Block{}
		}
	}
	s.spare = Block{}
}

// release forgets the oldest records, which were delivered.
func (s *spooler) release(records int) {
	s.disk.Load().Release(records)
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.failing {
		s.rouse() // there may be room now
	}
}
