package ingest

// A zmqDesk is what a connection needs while it is read.
type zmqDesk struct {
	*intake
	buf    []byte
	joined []byte // texts of more than one frame
}

// zmqReadSize is how much is read at once: with the batch it stays in the second-level cache.
const zmqReadSize = 64 << 10

func (z *ZMQ) newDesk() *zmqDesk {
	return &zmqDesk{intake: newIntake(&z.cfg.Setting, z.cfg.ParseOptions, z.cfg.Decode, &z.counters), buf: make([]byte, zmqReadSize)}
}

// end makes the desk ready to be given back.
func (d *zmqDesk) end() {
	d.intake.end()
	if cap(d.joined) > keepArena {
		d.joined = nil
	}
}
