package ingest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// Why a connection is no longer read, besides io.EOF and what the kernel or the peer says.
var (
	errZMQDeaf = errors.New("the peer does not read what it is answered")
	errStopped = errors.New("stopped")
)

const (
	// zmqUnread is how much may wait to be written to a peer that does not read. We write only to answer.
	zmqUnread = 4 << 10
	// zmqTailKept is how large the buffer of an unfinished message may be to be kept for the next.
	zmqTailKept = 1 << 10
)

// A zmqConn is one connection. While it has nothing to read it holds only its unfinished message.
type zmqConn struct {
	net.Conn
	zmq    *ZMQ
	raw    syscall.RawConn
	peer   netip.Addr // none of a local connection
	origin *syslog.Origin
	feed   syslog.Feed
	reader zmqReader
	tail   []byte // the unfinished message
	out    []byte // to be written as soon as the peer takes it

	answers  bool      // PING
	last     time.Time // when bytes came last, or it was opened
	asked    time.Time // when it was sent a PING since; zero: not
	deadline time.Time // that is set; zero: none
	overdue  bool      // the deadline has passed
	end      error     // why it is no longer read
}

func newZMQConn(z *ZMQ, nc net.Conn) (*zmqConn, error) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &zmqConn{
		Conn: nc, zmq: z, raw: raw,
		origin: &syslog.Origin{Input: z.cfg.Name, Transport: syslog.ZMQ, Source: []byte("127.0.0.1"), Host: []byte(z.cfg.Hostname), Local: true},
		reader: zmqReader{max: z.cfg.MaxMessageSize},
		feed:   syslog.Feed{Patience: syslog.Patiently},
	}
	if z.cfg.Socket == ZMQSub { // whose publisher drops what we do not read, and does not wait
		c.feed.Patience = syslog.Never
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.peer = crowd.Plain(a.AddrPort().Addr())
		c.origin.Source = []byte(c.peer.String())
		c.origin.Host, c.origin.Local = c.origin.Source, false
	}
	return c, nil
}

// source is who the peer is, for the log.
func (c *zmqConn) source() string { return string(c.origin.Source) }

// wake makes the connection look whether its input stops.
func (c *zmqConn) wake() { _ = c.SetReadDeadline(longAgo) }

// longAgo is a deadline that wakes a reader at once.
var longAgo = time.Unix(1, 0)

// open shakes hands and subscribes. The connection is closed if that fails.
func (c *zmqConn) open() error {
	_ = c.SetDeadline(time.Now().Add(c.zmq.shaking))
	err := errStopped
	if !c.zmq.stopping.Load() { // or wake came before the deadline was set
		err = c.shakeHands()
	}
	if err != nil {
		_ = c.Close()
		return err
	}
	c.last = time.Now()
	_ = c.SetDeadline(time.Time{})
	c.arm()
	return nil
}

func (c *zmqConn) shakeHands() error {
	leaving := zmqLeaving{c.Conn}
	p, err := c.zmq.handshake.open(leaving)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("no handshake within " + c.zmq.shaking.String())
	}
	if err != nil {
		return err
	}
	c.answers, c.tail = p.answers, p.sent
	if len(c.zmq.greeting) > 0 { // even a write of nothing fails where the peer has gone
		_, err = leaving.Write(c.zmq.greeting)
	}
	return err
}

// A zmqLeaving is a connection whose peer may have gone, and have left messages: that it does not get what it is sent is
// no reason not to read them. That it has gone the reader finds.
type zmqLeaving struct{ net.Conn }

func (l zmqLeaving) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return len(p), nil
	}
	return n, err
}

// serve reads until the peer closes, the connection breaks or the input stops. All whole messages that came are handed
// over.
func (c *zmqConn) serve() {
	c.zmq.counters.Connections.Add(1)
	defer c.zmq.counters.Connections.Add(-1)
	defer c.Close()
	c.cutTail()
	for c.end == nil {
		err := net.ErrClosed
		if !c.zmq.stopping.Load() {
			err = c.raw.Read(c.read)
		}
		if err != nil {
			// Either the deadline has passed or the input stops, and RawConn.Read will not read for us.
			c.overdue, c.deadline = true, time.Time{}
			if inner := c.raw.Control(func(fd uintptr) { c.read(fd) }); inner != nil && c.end == nil {
				c.end = inner
			}
		}
	}
}

// cutTail takes the messages that came right behind the handshake.
func (c *zmqConn) cutTail() {
	if len(c.tail) == 0 {
		return
	}
	d := c.zmq.desks.Borrow()
	d.begin(&c.feed, c.last)
	c.tail = c.tail[:c.cut(d, c.tail)]
	d.end()
	c.zmq.desks.GiveBack(d)
}

// read is called by RawConn.Read whenever there may be something, and by serve. It reads until there is nothing left, for
// a short read may have a FIN behind it that wakes nobody. It returns true when the connection has come to its end.
func (c *zmqConn) read(fd uintptr) (done bool) {
	d := c.zmq.desks.Borrow()
	buf, n := c.buffer(d)
	for c.end == nil {
		k, err := receive(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		now, more := c.judge(k, err)
		if !more {
			break
		}
		d.begin(&c.feed, now)
		n = c.cut(d, buf[:n+k])
		c.write(fd)
		if n == len(buf) {
			buf = append(make([]byte, 0, min(2*n, c.reader.room()+zmqReadSize)), buf...)
			buf = buf[:cap(buf)]
		}
	}
	c.write(fd) // perhaps a PING
	c.keep(buf[:n], &buf[0] != &d.buf[0])
	d.end()
	c.zmq.desks.GiveBack(d)
	if c.end != nil {
		return true
	}
	c.arm()
	return false
}

// buffer is where to read to, and how much of the unfinished message it holds: the desk's own buffer, unless that would be
// moved to and fro more often than it is read to.
func (c *zmqConn) buffer(d *zmqDesk) (buf []byte, n int) {
	if n = len(c.tail); n <= len(d.buf)/2 {
		return d.buf, copy(d.buf, c.tail)
	}
	if cap(c.tail)-n < zmqReadSize/2 {
		c.tail = append(make([]byte, 0, n+max(n/2, zmqReadSize)), c.tail...)
	}
	return c.tail[:cap(c.tail)], n
}

// keep keeps the unfinished message until more of it comes. The buffer that it is in may be the connection's own.
func (c *zmqConn) keep(rest []byte, own bool) {
	switch {
	case own && len(rest) > zmqTailKept:
		c.tail = rest
	case cap(c.tail) > zmqTailKept && len(rest) <= zmqTailKept:
		c.tail = append([]byte(nil), rest...)
	default:
		c.tail = append(c.tail[:0], rest...)
	}
}

// receive reads from a socket that never blocks, so the scheduler need not hear of it: if it did, it would now and then
// give our place to other connections while we hold a desk.
func receive(fd uintptr, buf []byte) (n int, err error) {
	r, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// judge says when bytes came, or that there are none and nothing is to be done but wait, or end.
func (c *zmqConn) judge(k int, err error) (now time.Time, more bool) {
	stopping := c.zmq.stopping.Load()
	if err == unix.EAGAIN && !c.overdue && !stopping { // the usual case needs no clock
		return now, false
	}
	now = time.Now()
	switch {
	case k > 0:
		c.last, c.asked = now, time.Time{}
		if stopping && c.zmq.hard.Err() != nil {
			c.end = errStopped // though there may be more
		}
		return now, true
	case err == nil:
		c.end = io.EOF
	case err != unix.EAGAIN:
		c.end = err
	case stopping:
		c.end = errStopped
	default:
		c.tick(now)
	}
	return now, false
}

// cut takes the messages at the front of buf, hands them over, and moves what is left to the front. It returns how much
// that is.
func (c *zmqConn) cut(d *zmqDesk, buf []byte) (left int) {
	at := 0
	for c.end == nil {
		n, err := c.reader.next(buf[at:])
		if err != nil {
			c.end = err
			break
		}
		if n == 0 {
			break
		}
		at += n
		for _, command := range c.reader.commands {
			if c.out, err = appendZMQAnswer(c.out, command); err != nil {
				c.end = err
			}
		}
		if len(c.reader.parts) > 0 {
			c.deliver(d)
		}
	}
	d.handOver()
	d.joined = d.joined[:0]
	return copy(buf, buf[at:])
}

// write writes as much of out as the peer takes. An error is for the next read to find: there may be messages before it.
func (c *zmqConn) write(fd uintptr) {
	for len(c.out) > 0 {
		n, err := unix.Write(int(fd), c.out)
		switch err {
		case nil:
			c.out = c.out[:copy(c.out, c.out[n:])]
		case unix.EINTR:
		case unix.EAGAIN:
			if len(c.out) > zmqUnread && c.end == nil {
				c.end = errZMQDeaf
			}
			return
		default:
			c.out = c.out[:0]
		}
	}
}
