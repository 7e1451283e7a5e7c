package writer

import (
	"context"
	"log/slog"
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

// A shedder is a sink that has to give up some messages for a reason of its own.
type shedder interface {
	// Shed is how many so far, and the last reason.
	Shed() (messages uint64, fault error)
	// Tick does what is due while no block comes, and reports whether more will be. It is called after each block, and
	// every second while it returns true.
	Tick() bool
}

// Retry says how long to wait between tries to write a block: Min after the first, each time twice as long, at most Max.
type Retry struct {
	Min time.Duration `yaml:"min"`
	Max time.Duration `yaml:"max"`
}

// A Target is a queue and the goroutine that empties it into a sink.
type Target struct {
	*Queue
	Name  string
	Retry Retry // set before Run
	sink  Sink
	log   *slog.Logger

	messages, bytes, errors atomic.Uint64
	shed                    atomic.Uint64 // by the sink
	outage                  outage
}

// NewTarget returns a target that is not running yet.
func NewTarget(name string, q *Queue, sink Sink, log *slog.Logger) *Target {
	return &Target{Queue: q, Name: name, Retry: Retry{retryMin, retryMax}, sink: sink, log: log.With("target", name)}
}

// The waits between tries to write a block, unless Retry says otherwise.
const (
	retryMin = 100 * time.Millisecond
	retryMax = 5 * time.Second
)

// Run writes what is appended until Finish was called and all is written, or ctx ends: what is left then is counted as
// dropped. It closes the sink.
func (t *Target) Run(ctx context.Context) error {
	defer t.abandon()
	if sink, ok := t.sink.(interrupter); ok {
		defer context.AfterFunc(ctx, sink.Interrupt)()
	}
	defer t.saySheds()
	for {
		b := t.takeOr(ctx, t.tick)
		if b == nil || !t.write(ctx, b) {
			return t.sink.Close()
		}
		t.messages.Add(uint64(b.Count()))
		t.bytes.Add(uint64(len(b.Text)))
		t.settle()
		t.tick()
	}
}

// tick lets a sink do what is due beside blocks, and reports whether more will be.
func (t *Target) tick() bool {
	t.outage.drops(t.log, t.Queue.Dropped())
	sink, ok := t.sink.(shedder)
	if !ok {
		return false
	}
	more := sink.Tick()
	t.saySheds()
	return more
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

// Dropped is how many messages were shed: because the queue was full, or because their file could not be written to.
func (t *Target) Dropped() uint64 { return t.Queue.Dropped() + t.shed.Load() }

// write tries until b is written, and reports false if ctx ends first. A fault is said once, and once more when it is over.
func (t *Target) write(ctx context.Context, b *Block) bool {
	wait := t.Retry.Min
	for {
		err := t.sink.Write(b)
		if err == nil {
			t.outage.over(t.log)
			return true
		}
		if ctx.Err() != nil { // the error is most likely that we were interrupted
			return false
		}
		t.errors.Add(1)
		t.outage.fault(t.log, err)
		t.outage.drops(t.log, t.Queue.Dropped())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
		wait = min(2*wait, t.Retry.Max)
	}
}

// Messages and Bytes are how much was written.
func (t *Target) Messages() uint64 { return t.messages.Load() }

// Bytes is how many bytes were written, delimiters included.
func (t *Target) Bytes() uint64 { return t.bytes.Load() }

// Errors is how many tries to write failed.
func (t *Target) Errors() uint64 { return t.errors.Load() }

// Up reports whether the last try to write succeeded.
func (t *Target) Up() bool { return !t.outage.down.Load() }

// Close closes the sink of a target that was not Run; after Run it does nothing that matters.
func (t *Target) Close() error { return t.sink.Close() }
