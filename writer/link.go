package writer

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A link is one of the collectors of a Remote, and the connection to it.
type link struct {
	remote  *Remote
	address Address
	wire    *wire // nil: not connected
	probed  chan *wire
	retry   time.Time // after a fault: not tried beside others before
	tried   int       // the turn in which it was dialled last
	fault   error     // then
	kept    []piece   // written on this connection and not released, in their order
	window  window
	frames  []byte // the block in hand, octet-counted
	sent    int    // datagrams of the block in hand that are sent
	gauge   gauge
	packets packets
}

func (l *link) live() bool { return l.wire != nil }

// connect dials, and waits until that has succeeded or failed.
func (l *link) connect() error {
	w, err := l.dial(l.remote.ctx)
	if l.tried, l.fault = l.remote.turn, err; err != nil {
		l.retry = time.Now().Add(l.remote.options.Retry.Max)
		return err
	}
	l.use(w)
	return nil
}

func (l *link) use(w *wire) { l.wire, l.window, l.retry = w, window{}, time.Time{} }

// probe dials a collector that was lost, unless that is being done or was done a moment ago. See Remote.adopt.
func (l *link) probe() {
	if l.probed != nil || time.Now().Before(l.retry) {
		return
	}
	l.probed = make(chan *wire, 1)
	go func(result chan<- *wire, ctx context.Context) {
		w, _ := l.dial(ctx) // nil is no news
		result <- w
	}(l.probed, l.remote.ctx)
}

func (l *link) dial(ctx context.Context) (*wire, error) {
	return dial(ctx, l.address, l.remote.options, l.remote.wake)
}

// write sends all of p's text. A stream keeps it; a datagram has arrived, as far as anybody will ever know.
func (l *link) write(p piece) error {
	if over, err := l.wire.over(); over {
		return l.errorf(err)
	}
	if !l.address.Stream() {
		if err := l.writePackets(p.text); err != nil {
			return l.errorf(err)
		}
		p.owed.undelivered, p.owed.unreleased = p.owed.undelivered-1, p.owed.unreleased-1
		return nil
	}
	text := p.text.Text
	if l.remote.options.Framing.Counted(l.address) {
		text = l.count(p.text)
	}
	if _, err := l.wire.Write(text); err != nil {
		return l.errorf(l.wire.why(err))
	}
	p.end = l.wire.written.Load()
	l.kept = append(l.kept, p)
	l.window.again = 0
	return nil
}

// count writes the messages of b with their lengths before them.
func (l *link) count(b *Block) []byte {
	l.frames = l.frames[:0]
	for n := range uint32(b.Count()) {
		message := b.Text[b.start(n):b.Ends[n]]
		l.frames = append(strconv.AppendInt(l.frames, int64(len(message)), 10), ' ')
		l.frames = append(l.frames, message...)
	}
	return l.frames
}

// endProbe waits for a probe that has been interrupted.
func (l *link) endProbe() {
	if l.probed == nil {
		return
	}
	if w := <-l.probed; w != nil {
		w.end()
	}
	l.probed = nil
}

// disconnect ends the connection, whatever may be on its way.
func (l *link) disconnect() {
	if l.wire != nil {
		l.wire.end()
		l.wire = nil
	}
	if cap(l.frames) > 2*blockSize {
		l.frames = nil
	}
}

// hangUp says that nothing follows, and waits for the peer to say so too. The error is for what the peer may not have
// read by then.
func (l *link) hangUp() error {
	defer l.disconnect()
	if l.wire == nil || !l.address.Stream() {
		return nil
	}
	err := l.wire.hangUp()
	if err != nil && len(l.kept) > 0 {
		return l.errorf(fmt.Errorf("no receipt for what was sent last: %w", err))
	}
	return nil
}

func (l *link) errorf(err error) error {
	return fmt.Errorf("%s: %w", l.address, cause(err))
}
