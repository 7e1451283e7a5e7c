package ingest

import (
	"runtime"
	"time"
)

// A zmqDesk is what a connection needs while it is read. Connections borrow one while there is something to read, so that
// desks are as many as busy connections, not as open ones.
type zmqDesk struct {
	*intake
	buf    []byte
	joined []byte // texts of more than one frame
}

const (
	// zmqReadSize is how much is read at once: with the batch it stays in the second-level cache.
	zmqReadSize = 64 << 10
	// zmqDeskWait is how long a connection waits for a desk before one more is made. More are needed only while their
	// owners wait for a full target.
	zmqDeskWait = time.Millisecond
)

// zmqDesks are those that nobody has borrowed, nil ones being still to be made.
type zmqDesks struct {
	free  chan *zmqDesk
	first chan struct{} // held by the first of those who wait
	make  func() *zmqDesk
}

func newZMQDesks(z *ZMQ) *zmqDesks {
	d := &zmqDesks{
		free:  make(chan *zmqDesk, 2*runtime.GOMAXPROCS(0)),
		first: make(chan struct{}, 1),
		make: func() *zmqDesk {
			in := newIntake(&z.cfg.Setting, z.cfg.ParseOptions, z.cfg.Decode, &z.counters)
			return &zmqDesk{intake: in, buf: make([]byte, zmqReadSize)}
		},
	}
	for range cap(d.free) {
		d.free <- nil
	}
	return d
}

// borrow returns a desk: a free one, or if there is none for a while, one more.
func (d *zmqDesks) borrow() *zmqDesk {
	var desk *zmqDesk
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

func (d *zmqDesks) wait() *zmqDesk {
	select {
	case desk := <-d.free:
		return desk
	case d.first <- struct{}{}:
	}
	defer func() { <-d.first }()
	timer := time.NewTimer(zmqDeskWait)
	defer timer.Stop()
	select {
	case desk := <-d.free:
		return desk
	case <-timer.C:
		return nil
	}
}

// giveBack takes a desk back. If it was one more than usual it is garbage now.
func (d *zmqDesks) giveBack(desk *zmqDesk) {
	desk.batch.Feed = nil
	if cap(desk.joined) > keepArena {
		desk.joined = nil
	}
	select {
	case d.free <- desk:
	default:
	}
}
