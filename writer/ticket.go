package writer

type ticket struct {
	position uint64
	done     chan struct{}
}

// settledTo is the position up to which everything is at rest.
func (q *Queue) settledTo() uint64 {
	for b := range q.sent.all {
		if !b.rest {
			return b.first
		}
	}
	if q.inHand != nil && !q.inHand.rest {
		return q.inHand.first
	}
	for b := range q.givenBack.all {
		if !b.rest {
			return b.first
		}
	}
	switch {
	case q.spool != nil && q.spool.inHand != nil:
		return q.spool.inHand.first
	case q.full.head != nil:
		return q.full.head.first
	case q.open.Count() > 0:
		return q.open.first
	}
	return q.appended
}

func (q *Queue) settleTickets() {
	if len(q.tickets) == 0 {
		return
	}
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

// Settled returns a channel that is closed when everything up to position is at rest: written, delivered, in the
// spool, or counted as shed.
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
