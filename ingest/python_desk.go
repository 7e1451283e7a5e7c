package ingest

import "sluice/syslog"

// A pythonDesk is what a connection needs while it is read.
type pythonDesk struct {
	*intake
	unpickler *unpickler
	buf       []byte
}

const pythonRead = 128 << 10 // how much is read at once

func (p *Python) newDesk() *pythonDesk {
	return &pythonDesk{
		intake:    newIntake(&p.cfg.Setting, p.cfg.ParseOptions, JSON, &p.counters),
		unpickler: newUnpickler(p.cfg.MaxMessageSize),
		buf:       make([]byte, pythonRead),
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
