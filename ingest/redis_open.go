package ingest

import (
	"context"
	"slices"
	"sync"
	"time"

	"sluice/syslog"
)

// openEntries are the entries of a stream that were handed over and are not acknowledged, oldest first. They outlive the
// connection they came over. One goroutine adds, another acknowledges.
type openEntries struct {
	limit int

	mu       sync.Mutex
	is       map[string]struct{}
	closed   map[string]struct{} // since ask was called; nil: nobody asks
	receipts []receipt
	changed  chan struct{} // closed and made anew with every change
}

// A receipt is for some entries that were handed over together.
type receipt struct {
	ticket syslog.Ticket
	ids    []string
}

func newOpenEntries(limit int) *openEntries {
	return &openEntries{limit: limit, is: map[string]struct{}{}, changed: make(chan struct{})}
}

// add opens entries.
func (o *openEntries) add(ids []string, ticket syslog.Ticket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		o.is[id] = struct{}{}
	}
	o.receipts = append(o.receipts, receipt{ticket, ids})
	o.wake()
}

// ask is called before Redis is asked for entries that may be open, and what it returns when the answer has been dealt
// with. In between, has knows what was closed meanwhile: the answer may be older than the acknowledgement.
func (o *openEntries) ask() (answered func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = map[string]struct{}{}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.closed = nil
	}
}

// has reports whether an entry is open.
func (o *openEntries) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, open := o.is[id]
	_, closed := o.closed[id]
	return open || closed
}

// room waits until another entry may be opened, and returns how many may. It returns 0 if ctx ends.
func (o *openEntries) room(ctx context.Context) (n int) {
	o.until(ctx, func() bool { n = o.limit - len(o.is); return n > 0 })
	return max(n, 0)
}

// settled waits until the oldest entries are at rest and returns them, with those behind them that are. It returns none if
// ctx ends.
func (o *openEntries) settled(ctx context.Context) (ids []string) {
	var first syslog.Ticket
	if !o.until(ctx, func() bool {
		if len(o.receipts) > 0 {
			first = o.receipts[0].ticket
		}
		return len(o.receipts) > 0
	}) || !first.Wait(ctx) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.receipts {
		if !r.ticket.Wait(over) || len(ids) > 0 && len(ids)+len(r.ids) > maxAck {
			break
		}
		ids = append(ids, r.ids...)
	}
	return ids
}

// maxAck is how many entries are acknowledged at once.
const maxAck = 1000

// over has ended: to wait with it is to ask.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// remove closes what settled returned.
func (o *openEntries) remove(ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		delete(o.is, id)
		if o.closed != nil {
			o.closed[id] = struct{}{}
		}
	}
	n := 0
	for len(ids) > 0 {
		ids = ids[len(o.receipts[n].ids):]
		n++
	}
	o.receipts = append(o.receipts[:0], o.receipts[n:]...)
	o.wake()
}

// drain waits until nothing is open that will ever be at rest, but not for longer than d.
func (o *openEntries) drain(d time.Duration) {
	o.mu.Lock()
	ended := slices.ContainsFunc(o.receipts, receipt.never)
	o.mu.Unlock()
	if ended {
		d = min(d, lastAcks)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	o.until(ctx, func() bool { return len(o.is) == 0 || len(o.receipts) > 0 && o.receipts[0].never() })
}

// lastAcks is how long it may take to acknowledge what the targets that have ended saved.
const lastAcks = time.Second

func (r receipt) never() bool { return r.ticket.Never() }

// until waits for is, which looks at o under its lock, and reports whether it became true before ctx ended.
func (o *openEntries) until(ctx context.Context, is func() bool) bool {
	for {
		o.mu.Lock()
		ok, changed := is(), o.changed
		o.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (o *openEntries) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}
