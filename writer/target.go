package writer

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Sink is where the blocks of one target end: a file, a console, a collector.
type Sink interface {
	// Write writes all of b. After an error it is called again with the same block, and goes on where it was.
	Write(b *Block) error
	// Close gives back what the sink holds.
	Close() error
}

// An interrupter is a sink that may wait for long, and can be told that nobody waits for it any more.
type interrupter interface{ Interrupt() }

// A keeper is a sink whose blocks are not at rest when Write returns: it may have to send them again.
type keeper interface {
	// Progress says what became of the blocks that were written: see Remote.
	Progress() (delivered, released int, again time.Duration, err error)
	// attach is told what to call before a block is written again whose text is evicted, and what, from any goroutine, when
	// Progress should be asked before the time that it said.
	attach(reload, wake func())
}

// A shedder is a sink that has to give up some messages for a reason of its own.
type shedder interface {
	// Shed is how many so far, and the last reason.
	Shed() (messages uint64, fault error)
	// Tick does what is due while no block comes, and reports whether more will be. It is called after each block, and
	// every second while it returns true.
	Tick() bool
}

// A Target is a queue and the goroutine that empties it into a sink.
type Target struct {
	*Queue
	Name  string
	Retry Retry // set before Run
	sink  Sink  // changed by Run, under mu
	log   *slog.Logger

	next    atomic.Pointer[Change] // nil: it stays what it is
	reopen  atomic.Bool
	called  chan struct{} // there is one of both
	unwatch func() bool

	messages, bytes, errors atomic.Uint64
	shed                    atomic.Uint64 // by the sink, as far as it was said
	shedBefore              atomic.Uint64 // by those that were the target's before
	resent, truncated       uint64        // likewise
	outage                  outage
	backoff                 backoff
}

// NewTarget returns a target that is not running yet.
func NewTarget(name string, q *Queue, sink Sink, log *slog.Logger) *Target {
	t := &Target{Queue: q, Name: name, Retry: DefaultRetry(), sink: sink, log: log.With("target", name), called: make(chan struct{}, 1)}
	t.serve()
	return t
}

// DefaultRetry is how often files and consoles are tried.
func DefaultRetry() Retry { return Retry{Min: retryMin, Max: retryMax} }

// Run writes what is appended until Finish was called and all is written, or in the spool, or ctx ends. What is left then
// is saved for the next run; what cannot be saved is counted as dropped. It closes the sink.
func (t *Target) Run(ctx context.Context) error {
	t.watch(ctx)
	defer func() { t.unwatch() }()
	var spooling sync.WaitGroup
	ended := make(chan struct{})
	if t.spool != nil {
		spooling.Go(func() { t.spool.run(ended, t.outage.down.Load) })
	}
	for {
		b := t.takeOr(ctx, func() time.Duration { return t.idle(ctx) })
		if b == nil {
			break
		}
		became := t.write(ctx, b)
		for became == interrupted && !t.turn(ctx) {
			became = t.write(ctx, b)
		}
		if became == interrupted { // b is given back
			continue
		} else if became == unwanted {
			break
		}
		t.messages.Add(uint64(b.Count()))
		t.bytes.Add(uint64(len(b.Text)))
		if _, ok := t.sink.(keeper); ok {
			t.keep()
		} else {
			t.settle()
		}
		t.tick(ctx)
	}
	close(ended)
	spooling.Wait()
	return t.end()
}

// end closes the sink, and saves what it has not taken.
func (t *Target) end() error {
	err := t.sink.Close()
	if err == nil {
		t.releaseAll() // a sink that keeps blocks has got the receipt for them
	}
	t.saySheds()
	t.unturned()
	t.forget()
	t.save(t.log, t.sink)
	t.abandon()
	return err
}

// idle does what there is to do while no block comes, and returns after what time there will be more of it.
func (t *Target) idle(ctx context.Context) (again time.Duration) {
	for {
		t.turn(ctx)
		if again = t.tick(ctx); t.next.Load() == nil {
			return again
		}
	}
}

// tick lets the sink do what is due beside blocks, and returns after what time it will be again.
func (t *Target) tick(ctx context.Context) (again time.Duration) {
	t.outage.drops(t.log, t.Queue.Dropped())
	if sink, ok := t.sink.(keeper); ok {
		again = t.progress(ctx, sink)
	}
	if sink, ok := t.sink.(shedder); ok {
		if sink.Tick() {
			again = time.Second
		}
		t.saySheds()
	}
	return again
}

// progress forgets blocks that need not be sent again. If a connection has ended, it sends those that do.
func (t *Target) progress(ctx context.Context, sink keeper) time.Duration {
	for {
		delivered, released, again, err := sink.Progress()
		t.deliver(delivered)
		t.release(released)
		if err == nil {
			if released > 0 {
				t.outage.over(t.log)
			}
			return again
		}
		if !t.failed(ctx, err) || t.write(ctx, nil) != written {
			return 0
		}
	}
}

// saySheds counts and says what the sink gave up since it was last asked.
func (t *Target) saySheds() {
	sink, ok := t.sink.(shedder)
	if !ok {
		return
	}
	n, fault := sink.Shed()
	if now := n - t.shed.Swap(n); now > 0 {
		t.log.Error("messages given up: their file cannot be written", "messages", now, "error", fault)
	}
}

// Drops say of how many messages a target has let go, and why.
type Drops struct {
	QueueFull  uint64
	TooLarge   uint64 // for the whole spool
	Purged     uint64 // by an operator
	Unwritable uint64 // their file could not be written to
}

// Drops are the target's so far.
func (t *Target) Drops() Drops {
	return Drops{t.dropped.Load(), t.tooLarge.Load(), t.purged.Load(), t.shedBefore.Load() + t.shed.Load()}
}

// Dropped is how many messages that are in all.
func (t *Target) Dropped() uint64 {
	d := t.Drops()
	return d.QueueFull + d.TooLarge + d.Purged + d.Unwritable
}

// An outcome is what became of a block.
type outcome uint8

const (
	written     outcome = iota
	unwanted            // ctx has ended, or all of it is in the spool
	interrupted         // the target has to turn first
)

// write tries until b is written. A fault is said once, and once more when it is over.
func (t *Target) write(ctx context.Context, b *Block) outcome {
	for {
		if t.next.Load() != nil {
			return interrupted
		}
		t.forget()
		err := t.sink.Write(b)
		if err == nil {
			// A write to a collector says nothing yet: one that refuses our certificate does so behind the handshake.
			if _, ok := t.sink.(keeper); !ok {
				t.outage.over(t.log)
			}
			t.backoff.succeeded(&t.Retry)
			return written
		}
		if !t.failed(ctx, err) {
			return unwanted
		}
	}
}

// failed counts and says a fault, and waits until it is time for the next try, or the target is told to do something. It reports false if there is to be none.
func (t *Target) failed(ctx context.Context, err error) bool {
	switch { // the error is most likely that the sink was interrupted
	case ctx.Err() != nil:
		return false
	case t.next.Load() != nil:
		return true
	}
	t.errors.Add(1)
	t.outage.fault(t.log, err)
	t.outage.drops(t.log, t.Queue.Dropped())
	var rested <-chan struct{}
	if t.spool != nil {
		rested = t.spool.rested
	}
	select {
	case <-time.After(t.backoff.wait(&t.Retry)):
		return true
	case <-t.called:
		t.reopenFiles()
		return true
	case <-rested:
	case <-ctx.Done():
	}
	return false
}

// Messages and Bytes are how much was written.
func (t *Target) Messages() uint64 { return t.messages.Load() }

// Bytes is how many bytes were written, delimiters included.
func (t *Target) Bytes() uint64 { return t.bytes.Load() }

// Errors is how many tries to write failed.
func (t *Target) Errors() uint64 { return t.errors.Load() }

// Up reports whether all goes well: nothing has failed since something was last written, or, of a sink that keeps blocks,
// taken for good.
func (t *Target) Up() bool { return !t.outage.down.Load() }

// LastFault is what went wrong last, be it over by now; nil if nothing did.
func (t *Target) LastFault() *Fault { return t.outage.latest.Load() }

// Resent is how many messages went again, since it was not known whether the collector had read them.
func (t *Target) Resent() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.resent + resentBy(t.sink)
}

// Truncated is how many messages were too long for a datagram, and were cut or left out.
func (t *Target) Truncated() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.truncated + truncatedBy(t.sink)
}

func resentBy(sink Sink) uint64 {
	if r, ok := sink.(*Remote); ok {
		return r.Resent.Load()
	}
	return 0
}

func truncatedBy(sink Sink) uint64 {
	if r, ok := sink.(*Remote); ok {
		return r.Truncated.Load()
	}
	return 0
}

// Close closes the sink of a target that was not Run; after Run it does nothing that matters.
func (t *Target) Close() error {
	t.closeSpool()
	return t.sink.Close()
}
