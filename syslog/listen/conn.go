package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

const (
	// quietTime is how long a newline with nothing behind it waits for what would make it part of a message.
	quietTime = 100 * time.Millisecond
	// newcomerTime is how long a connection that was opened just before its listener stops has for its first bytes: they are on
	// their way, since its peer took the connection for accepted.
	newcomerTime = 100 * time.Millisecond
	// receiptTime is how long a peer that closed waits at most until what it sent is at rest.
	receiptTime = 5 * time.Second
	// tailKept is how large the buffer of an unfinished frame may be to be kept for the next.
	tailKept = 1 << 10
)

// Why a connection is no longer read, besides io.EOF and what the kernel says.
var (
	errIdle    = errors.New("idle_timeout")
	errStopped = errors.New("stopped")
	errTLS     = errors.New("TLS on a plain input")
)

// A conn is one connection. While it has nothing to read it holds only its unfinished frame.
type conn struct {
	net.Conn
	secure   *secure // nil: plain
	stream   *stream
	settings *settings
	peer     netip.Addr // none of a local connection
	raw      syscall.RawConn
	origin   *syslog.Origin
	framer   syslog.Framer
	feed     syslog.Feed
	tail     []byte // the unfinished frame

	last     time.Time // when bytes came last, or it was opened
	deadline time.Time // that is set; zero: none
	overdue  bool      // the deadline has passed
	silent   bool      // the framer was told of the silence since last
	pace     pace
	end      error // why it is no longer read
	unheard  bool  // its first bytes have not come
}

func newConn(s *stream, now *settings, nc net.Conn, peer netip.Addr) (*conn, error) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	cfg := &now.cfg
	c := &conn{
		Conn: nc, stream: s, settings: now, peer: peer, raw: raw, last: time.Now(),
		framer:  syslog.Framer{Framing: cfg.Framing, Max: cfg.MaxMessageSize},
		feed:    syslog.Feed{Patience: syslog.Patiently},
		unheard: true,
	}
	if s.transport == syslog.TLS {
		c.secure = newSecure(nc, raw, cfg.TLS)
	}
	return c, nil
}

// wake makes the connection look whether its listener stops. A handshake ends there, with an RST: nothing was accepted.
func (c *conn) wake() { _ = c.SetReadDeadline(longAgo) }

// look makes it look whether it has other settings, unless it is shaking hands yet and will.
func (c *conn) look() {
	if c.secure == nil {
		c.wake()
	}
}

// serve reads until the peer closes, the connection breaks or its listener stops. All that came is handed over. The
// connection is closed once that is at rest: to the peer our FIN is the receipt, and over TLS our close_notify before it.
func (c *conn) serve() {
	for c.end == nil {
		if err := c.await(); err != nil {
			// Either the deadline has passed or the listener stops, and RawConn.Read will not read for us.
			c.overdue, c.deadline = true, time.Time{}
			if inner := c.raw.Control(func(fd uintptr) { c.read(fd) }); inner != nil && c.end == nil {
				c.end = inner
			}
		}
	}
	if c.secure != nil {
		c.sayEnd()
	}
	if c.end == io.EOF || c.end == errIdle || c.end == errStopped {
		c.stream.crowd.Forgive(c)
		ctx, cancel := context.WithTimeout(c.stream.listener.hard, receiptTime)
		if c.feed.Sync().Wait(ctx) {
			acknowledged(c.Conn)
			if c.secure != nil {
				_ = c.secure.CloseWrite()
			}
		}
		cancel()
	}
}

// await reads whenever there is something, until the end, or until the deadline has passed or the listener stops.
func (c *conn) await() error {
	if c.stream.listener.stopping.Load() {
		if !c.isNewcomer(time.Now()) {
			return net.ErrClosed
		}
		_ = c.SetReadDeadline(c.last.Add(newcomerTime))
	}
	return c.raw.Read(c.read)
}

func (c *conn) isNewcomer(now time.Time) bool { return c.unheard && now.Sub(c.last) < newcomerTime }

// unacknowledged makes the kernel end a connection with an RST, and not with the FIN that is our receipt, if we should
// die or give up before what came is at rest. (Seen without it: after a kill -9 a FIN for lines that no file had.)
func unacknowledged(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func acknowledged(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(-1)
	}
}

// read is called by RawConn.Read whenever there may be something, and by serve. It reads until there is nothing left,
// for a short read may have a FIN behind it that wakes nobody. It returns true when the connection has come to its end.
func (c *conn) read(fd uintptr) (done bool) {
	c.renew()
	d, limit := c.settings.desks.borrow()
	n, fresh := copy(d.buf, c.tail), 0
	for c.end == nil {
		if c.stale() {
			c.keep(d.buf[:n])
			c.settings.desks.giveBack(d)
			c.renew()
			d, limit = c.settings.desks.borrow()
			n = copy(d.buf, c.tail)
		}
		k, err := c.receive(fd, d, d.buf[n:min(n+limit, len(d.buf))])
		if err == unix.EINTR {
			continue
		}
		more, now, wait := c.judge(k, err)
		if wait {
			if fresh == 0 || !c.pace.pause(c.last, fresh) {
				break
			}
			fresh = 0
			continue
		}
		if c.unheard && k > 0 {
			switch c.greeting(d.buf[:n+k]) {
			case is:
				n, c.end = 0, errTLS
				c.sayHello()
				continue
			case mayBe:
				n += k
				continue
			}
			c.unheard = false
		}
		d.begin(&c.feed, now)
		frames := 0
		n, frames = c.cut(d, n+k, more)
		fresh += frames
	}
	c.keep(d.buf[:n])
	c.settings.desks.giveBack(d)
	if c.end != nil {
		return true
	}
	c.arm()
	return false
}

// receive reads what c has, decrypted.
func (c *conn) receive(fd uintptr, d *desk, buf []byte) (n int, err error) {
	if c.secure != nil {
		return c.secure.receive(fd, d.ahead, buf)
	}
	return receive(fd, buf)
}

// receive reads from a socket that never blocks, so the scheduler need not hear of it. If it did, it would now and then
// give our place to other connections while we hold a desk: of 2,000 that were readable at once, 890 had one.
func receive(fd uintptr, buf []byte) (n int, err error) {
	r, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// judge says what may follow what a read gave, and when that was; or that nothing is to be done but wait.
func (c *conn) judge(k int, err error) (more syslog.More, now time.Time, wait bool) {
	l := c.stream.listener
	if err == unix.EAGAIN && !c.overdue && !l.stopping.Load() { // the usual case needs no clock
		return 0, now, true
	}
	now = time.Now()
	switch silence := now.Sub(c.last); {
	case k > 0:
		c.last, c.silent = now, false
		if !l.stopping.Load() || l.hard.Err() == nil {
			return syslog.MayFollow, now, false
		}
		c.end = errStopped // though there may be more
	case err == nil:
		c.end = io.EOF
	case err != unix.EAGAIN:
		c.end = err
	case l.stopping.Load():
		if c.isNewcomer(now) {
			return 0, now, true
		}
		c.end = errStopped
	case c.settings.cfg.IdleTimeout > 0 && silence >= c.settings.cfg.IdleTimeout:
		c.end = errIdle
	case c.undecided() && silence >= quietTime:
		c.silent = true
		return syslog.Silence, now, false
	default:
		return 0, now, true
	}
	return syslog.EOF, now, false
}

// undecided reports whether silence would end a frame. It ends one only once.
func (c *conn) undecided() bool { return c.framer.Quiet() && !c.silent }

// cut takes the frames in the first n bytes of d's buffer, hands them over, and moves what is left to the front. It
// returns how much that is, and how many frames there were.
func (c *conn) cut(d *desk, n int, more syslog.More) (left, frames int) {
	buf := d.buf[:n]
	for {
		frame, k, guess := c.framer.Next(buf, more)
		buf = buf[k:]
		if frame == nil {
			break
		}
		d.take(frame, c.origin, guess)
		frames++
	}
	d.handOver()
	return copy(d.buf, buf), frames
}

// keep keeps the unfinished frame until more of it comes.
func (c *conn) keep(rest []byte) {
	if cap(c.tail) > tailKept && len(rest) <= tailKept {
		c.tail = nil
	}
	c.tail = append(c.tail[:0], rest...)
}

// arm sets the deadline to whatever is due first: the end of the silence that decides a frame, or of the idle time. A
// deadline that comes too early because bytes came meanwhile does no harm, so it is not moved for every read.
func (c *conn) arm() {
	var due time.Time
	if c.undecided() {
		due = c.last.Add(quietTime)
	}
	if idle := c.settings.cfg.IdleTimeout; idle > 0 && (due.IsZero() || idle < quietTime) {
		due = c.last.Add(idle)
	}
	passed := c.overdue
	c.overdue = false
	if due.IsZero() && !passed || !c.deadline.IsZero() && !due.Before(c.deadline) {
		return
	}
	c.deadline = due // none, if the one that has passed is not to wake us again and again
	_ = c.SetReadDeadline(due)
	if c.stream.listener.stopping.Load() { // wake may have set its own in between
		c.wake()
	}
}
