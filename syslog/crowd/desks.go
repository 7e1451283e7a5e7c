package crowd

import (
	"runtime"
	"time"
)

// deskWait is how long a connection waits for a desk before one more is made.
const deskWait = time.Millisecond

// Desks lends what a connection needs while it is read: buffers, a batch, a parser. Connections borrow one and return it
// when there is nothing left to read, so that desks are as many as busy connections, not as open ones. (2,000 idle
// connections with buffers of their own cost 140 MB.) There are as many as can be busy at once, and more only while owners
// wait for a full target. A sync.Pool will not do: it makes one as soon as there is none, and connections that the
// collector had wait, each for its new desk, came to hold 890.
type Desks[D any] struct {
	free  chan *D       // nil ones are still to be made
	first chan struct{} // held by the first of those who wait
	make  func() *D
}

// NewDesks returns desks for as many as are busy at once, and for spare ones that may keep theirs for a while.
func NewDesks[D any](spare int, build func() *D) *Desks[D] {
	d := &Desks[D]{free: make(chan *D, 2*runtime.GOMAXPROCS(0)+spare), first: make(chan struct{}, 1), make: build}
	for range cap(d.free) {
		d.free <- nil
	}
	return d
}

// Borrow returns a desk: a free one, or if there is none for a while, one more.
func (d *Desks[D]) Borrow() *D {
	var desk *D
	select {
	case desk = <-d.free:
	default:
		desk = d.wait()
	}
	if desk == nil {
		desk = d.make()
	}
	return desk
}

// wait waits for a desk, and returns nil if one more should be made: one a deskWait, however many wait.
func (d *Desks[D]) wait() *D {
	select {
	case desk := <-d.free:
		return desk
	case d.first <- struct{}{}:
	}
	defer func() { <-d.first }()
	timer := time.NewTimer(deskWait)
	defer timer.Stop()
	select {
	case desk := <-d.free:
		return desk
	case <-timer.C:
		return nil
	}
}

// GiveBack takes a desk back. If it was one more than usual it is garbage now.
func (d *Desks[D]) GiveBack(desk *D) {
	select {
	case d.free <- desk:
	default:
	}
}
