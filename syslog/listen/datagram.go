package listen

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// slots is how many datagrams are read at once: a batch is never fuller.
const slots = 64

// A packetConn is a bound socket of datagrams: *net.UDPConn or *net.UnixConn.
type packetConn interface {
	net.PacketConn
	syscall.Conn
}

// A room is how much the kernel queues while nobody reads.
type room uint8

const (
	little room = iota
	some        // what comes in half a millisecond: 500 datagrams
	ample       // in several milliseconds
)

// datagrams reads a socket of datagrams, in one goroutine that does nothing else, into memory that it keeps.
type datagrams struct {
	listener  *Listener
	settings  *settings
	transport syslog.Transport // UDP or Unixgram
	*awaited
	intake intake
	feed   syslog.Feed
	peers  *peers // of udp
	vector *vector
	drops  drops
	now    time.Time // of the last read
	pace   pace
	queued room // by the kernel, during a pause
}

// addPackets makes conn, UDP or Unixgram, one of l's sockets, which closes it from now on.
func (l *Listener) addPackets(conn packetConn, transport syslog.Transport) (*datagrams, error) {
	socket, err := await(conn)
	if err != nil {
		return nil, l.cfg.socketError(err)
	}
	s := l.settings.Load()
	d := &datagrams{listener: l, settings: s, transport: transport, awaited: socket, intake: newIntake(&s.cfg, &l.counters)}
	if transport == syslog.UDP {
		d.peers = newPeers(s)
		d.feed.Patience = syslog.Never
	} else {
		d.feed.Patience = syslog.Briefly
	}
	if d.vector, err = newVector(slots, d.slotSize(&s.cfg), d.peers == nil); err != nil {
		socket.close()
		return nil, l.cfg.errorf("%w", err)
	}
	l.sockets = append(l.sockets, d)
	return d, nil
}

// slotSize is how much of a datagram is read.
func (d *datagrams) slotSize(cfg *Config) int {
	size := cfg.MaxMessageSize + 1 // for the newline, which does not count
	if d.transport == syslog.UDP {
		size = min(size, 1<<16) // no datagram is longer
	}
	return size
}

func (d *datagrams) close() {
	d.awaited.close()
	d.vector.free()
}

// serve reads until the socket is closed or l stops; then what is queued, and waits until it is at rest.
func (d *datagrams) serve() {
	_ = d.raw.Control(func(fd uintptr) {
		for more := true; more && !d.listener.stopping.Load(); {
			if err := d.read(fd); err == unix.EAGAIN {
				more = d.wait(fd)
			} else if err != nil { // ENOMEM, say: it passes
				d.listener.sayRead(err)
				d.listener.pause(time.Second)
			}
		}
		for n := slots; n == slots && d.listener.hard.Err() == nil; {
			n, _ = d.once(fd)
		}
	})
	d.countDropped()
	d.feed.Sync().Wait(d.listener.hard)
}

// read reads until there is nothing left, which is EAGAIN: a short read has emptied the queue, and what comes later wakes
// us. It returns nil when l stops.
func (d *datagrams) read(fd uintptr) error {
	for fresh := 0; !d.listener.stopping.Load(); {
		n, err := d.once(fd)
		fresh += n
		switch {
		case err != nil:
			return err
		case n == slots:
		case !d.rests(fresh):
			return unix.EAGAIN
		default:
			fresh = 0
		}
	}
	return nil
}

// rests waits a little for more, fresh messages having come since there were none, if that is worth it.
func (d *datagrams) rests(fresh int) bool {
	switch d.queued {
	case ample:
		return d.pace.rest(d.now, fresh)
	case some:
		return d.pace.pause(d.now, fresh)
	}
	return false
}

// once reads once, up to a vector full, and hands over what came.
func (d *datagrams) once(fd uintptr) (n int, err error) {
	d.renew()
	for n == 0 && err == nil {
		if n, err = d.vector.receive(fd); err == unix.EINTR {
			err = nil
		}
	}
	if err != nil {
		return 0, err
	}
	d.now = time.Now()
	d.intake.begin(&d.feed, d.now)
	for i := range n {
		d.take(i)
	}
	if refused := d.intake.tally.NotAllowed; refused > 0 {
		d.listener.sayNotAllowed(d.now, "datagrams", refused)
	}
	if total, ok := d.vector.dropped(n - 1); ok {
		d.listener.countDropped(&d.drops, total, d.now)
	}
	d.intake.handOver()
	return n, nil
}

// take takes the datagram of slot i.
func (d *datagrams) take(i int) {
	data, cut := d.vector.datagram(i)
	if len(data) == 0 {
		return
	}
	o := d.settings.local(d.transport)
	if o == nil {
		if o = d.peers.origin(d.vector.peer(i)); o == nil {
			d.intake.tally.NotAllowed++
			return
		}
	}
	guess := syslog.Guess(0)
	if limit := d.settings.cfg.MaxMessageSize; cut || len(data) > limit && data[limit] != '\n' && data[limit] != 0 {
		data, guess = data[:min(limit, len(data))], syslog.Truncated
	}
	d.intake.take(data, o, guess)
}
