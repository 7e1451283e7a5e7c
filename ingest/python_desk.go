package ingest

import (
	"runtime"
	"time"

	"sluice/syslog"
)

// A pythonDesk is what a connection needs while it is read. Connections borrow one and return it when there is nothing
// left to read, so that idle ones hold nothing.
type pythonDesk struct {
	*intake
	unpickler *unpickler
	buf       []byte
}

const (
	pythonRead = 128 << 10        // how much is read at once
	deskWait   = time.Millisecond // how long a connection waits for a desk before one more is made
)

// pythonDesks are those that nobody has borrowed, nil ones being still to be made. There are as many as can be busy at
// once, and more only while owners wait for a full target.
type pythonDesks struct {
	free  chan *pythonDesk
	first chan struct{} // held by the first of those who wait
	make  func() *pythonDesk
}

func newPythonDesks(p *Python) *pythonDesks {
	d := &pythonDesks{
		free:  make(chan *pythonDesk, 2*runtime.GOMAXPROCS(0)),
		first: make(chan struct{}, 1),
		make: func() *pythonDesk {
			return &pythonDesk{
				intake:    newIntake(&p.cfg.Setting, p.cfg.ParseOptions, JSON, &p.counters),
				unpickler: newUnpickler(p.cfg.MaxMessageSize),
				buf:       make([]byte, pythonRead),
			}
		},
	}
	for range cap(d.free) {
		d.free <- nil
	}
	return d
}

func (d *pythonDesks) borrow() *pythonDesk {
	var desk *pythonDesk
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
func (d *pythonDesks) wait() *pythonDesk {
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

// giveBack takes a desk back. If it was one more than usual it is garbage now.
func (d *pythonDesks) giveBack(desk *pythonDesk) {
	desk.batch.Feed = nil
	select {
	case d.free <- desk:
	default:
	}
}

// record takes one pickle. It can be overwritten afterwards: messages refer to the arena.
func (d *pythonDesk) record(pickle []byte, size int, o *syslog.Origin) error {
	if d.batch.Full() || len(d.decoder.arena) > keepArena {
		d.handOver()
	}
	payload, guess, err := d.decoder.unpickle(d.unpickler, pickle, size)
	if err == nil {
		d.take(payload, nil, o, guess)
	}
	return err
}
