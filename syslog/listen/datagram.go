package listen

import (
	"errors"
	"net"
	"os"
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
	conn      packetConn
	raw       syscall.RawConn
	intake    intake
	feed      syslog.Feed
	peers     *peers // of udp
	vector    *vector
	drops     drops
	now       time.Time // of the last read
	err       error     // likewise
	pace      pace
	queued    room // by the kernel, during a pause
}

// addPackets makes conn, UDP or Unixgram, one of l's sockets, which closes it from now on.
func (l *Listener) addPackets(conn packetConn, transport syslog.Transport) (*datagrams, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, l.cfg.socketError(err)
	}
	s := l.settings.Load()
	d := &datagrams{listener: l, settings: s, transport: transport, conn: conn, raw: raw, intake: newIntake(&s.cfg, &l.counters)}
	if transport == syslog.UDP {
		d.peers = newPeers(s)
		d.feed.Patience = syslog.Never
	} else {
		d.feed.Patience = syslog.Briefly
	}
	if d.vector, err = newVector(slots, d.slotSize(&s.cfg), d.peers == nil); err != nil {
		conn.Close()
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

func (d *datagrams) addr() net.Addr { return d.conn.LocalAddr() }
func (d *datagrams) wake()          { _ = d.conn.SetReadDeadline(longAgo) }

func (d *datagrams) close() {
	_ = d.conn.Close()
	d.vector.free()
}

// serve reads until the socket is closed or l stops; then what is queued, and waits until it is at rest.
func (d *datagrams) serve() {
	for {
		d.err = nil
		if err := d.raw.Read(d.read); err != nil {
			d.err = err
		}
		if d.listener.stopped(d.err) {
			break
		}
		if d.err != nil && !errors.Is(d.err, os.ErrDeadlineExceeded) { // ENOMEM, say: it passes
			d.listener.sayRead(d.err)
			d.listener.pause(time.Second)
		}
	}
	_ = d.raw.Control(func(fd uintptr) {
		for n := slots; n == slots && d.listener.hard.Err() == nil; {
			n, _ = d.once(fd)
		}
	})
	d.countDropped()
	d.feed.Sync().Wait(d.listener.hard)
}

// read is called by RawConn.Read whenever there may be something. It returns false once there is nothing left: a short
// read has emptied the queue, and what comes later wakes us.
func (d *datagrams) read(fd uintptr) (done bool) {
	for fresh := 0; !d.listener.stopping.Load(); {
		n, err := d.once(fd)
		fresh += n
		switch {
		case err == unix.EAGAIN:
			return false
		case err != nil:
			d.err = err
			return true
		case n == slots:
		case !d.await(fresh):
			return false
		default:
			fresh = 0
		}
	}
	return true
}

// await waits a little for more, fresh messages having come since there were none, if that is worth it.
func (d *datagrams) await(fresh int) bool {
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
