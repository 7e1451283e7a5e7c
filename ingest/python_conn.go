package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

const (
	lengthSize  = 4               // of the big-endian length before each pickle
	receiptTime = 5 * time.Second // how long a peer that closed waits at most until what it sent is at rest
	firstPart   = 4 << 10         // what is set aside for a record that comes in parts, which grows as they come
)

// Why a connection is no longer read, besides io.EOF and what the kernel says.
var (
	errIdle    = errors.New("idle_timeout")
	errForeign = errors.New("what came is no length of a record")
)

// A pythonConn is one connection. While it has nothing to read it holds only the record that came in part.
type pythonConn struct {
	net.Conn
	python *Python
	raw    syscall.RawConn
	origin *syslog.Origin
	feed   syslog.Feed
	part   []byte // a record that has come in part, with its length
	skip   int    // bytes of a record that is too long, still to come

	last    time.Time // when bytes came last, or it was opened
	overdue bool      // a deadline has passed
	end     error     // why it is no longer read
}

func newPythonConn(p *Python, nc net.Conn, peer netip.Addr) (*pythonConn, error) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	// The kernel is to end it with an RST, not with the FIN that is our receipt, if we die before what came is at rest.
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return &pythonConn{
		Conn: nc, python: p, raw: raw, origin: p.origin(peer), last: time.Now(),
		feed: syslog.Feed{Patience: syslog.Patiently},
	}, nil
}

// wake makes the connection look whether its input stops.
func (c *pythonConn) wake() { _ = c.SetReadDeadline(longAgo) }

// serve reads until the peer closes, the connection breaks or the input stops. All whole records that came are handed
// over. The connection may be closed once they are at rest: to the peer our FIN is the receipt.
func (c *pythonConn) serve() {
	c.arm()
	for c.end == nil {
		err := error(errStopped)
		if !c.python.stopping.Load() {
			err = c.raw.Read(c.read)
		}
		if err != nil { // a deadline has passed, or the input stops, and RawConn.Read will not read for us
			c.overdue = true
			if inner := c.raw.Control(func(fd uintptr) { c.read(fd) }); inner != nil && c.end == nil {
				c.end = inner
			}
		}
	}
	c.sayBroken()
	c.part = nil
	if c.end != io.EOF && c.end != errIdle && c.end != errStopped {
		return
	}
	c.python.crowd.Forgive(c)
	ctx, cancel := context.WithTimeout(c.python.hard, receiptTime)
	defer cancel()
	if tcp, ok := c.Conn.(*net.TCPConn); c.feed.Sync().Wait(ctx) && ok {
		_ = tcp.SetLinger(-1)
	}
}

// read is called by RawConn.Read whenever there may be something, and by serve. It reads until there is nothing left. It
// returns true when the connection has come to its end.
func (c *pythonConn) read(fd uintptr) (done bool) {
	d := c.python.desks.Borrow()
	d.begin(&c.feed, c.last)
	for c.end == nil {
		buf, held := c.room(d)
		n, err := unix.Read(int(fd), buf[held:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			if c.judge(n, err) {
				break
			}
			continue
		}
		c.last = time.Now()
		d.parser.SetNow(c.last)
		c.took(d, buf, held+n)
		if c.python.stopping.Load() && c.python.hard.Err() != nil && c.end == nil {
			c.end = errStopped // though there may be more
		}
	}
	d.handOver()
	d.end()
	c.python.desks.GiveBack(d)
	c.overdue = false
	if c.end != nil {
		return true
	}
	c.arm()
	return false
}

// judge says what it means that nothing was read. It returns true if there is nothing more to read now.
func (c *pythonConn) judge(n int, err error) (wait bool) {
	switch p := c.python; {
	case n == 0 && err == nil:
		c.end = io.EOF
	case err != unix.EAGAIN:
		c.end = err
	case p.stopping.Load():
		c.end = errStopped
	case c.overdue && p.cfg.IdleTimeout > 0 && time.Since(c.last) >= p.cfg.IdleTimeout:
		c.end = errIdle
	}
	return true
}

// arm sets the deadline of an idle connection.
func (c *pythonConn) arm() {
	if idle := c.python.cfg.IdleTimeout; idle > 0 {
		_ = c.SetReadDeadline(c.last.Add(idle))
		if c.python.stopping.Load() { // wake may have set its own in between
			c.wake()
		}
	}
}

// room returns where to read, and how much is there already: the desk's buffer, or the rest of the record that has come
// in part. That grows as it is filled, so that a length alone costs nothing.
func (c *pythonConn) room(d *pythonDesk) (buf []byte, held int) {
	if held = len(c.part); held < lengthSize {
		return d.buf, copy(d.buf, c.part)
	}
	whole := lengthSize + int(binary.BigEndian.Uint32(c.part))
	if held == cap(c.part) {
		grown := make([]byte, held, min(max(2*held, firstPart), whole))
		copy(grown, c.part)
		c.part = grown
	}
	return c.part[:min(cap(c.part), whole)], held
}

// took takes the records in the first n bytes of buf, which room gave.
func (c *pythonConn) took(d *pythonDesk, buf []byte, n int) {
	inPart := len(c.part) >= lengthSize
	rest := buf[:n]
	for c.end == nil {
		if c.skip > 0 {
			k := min(c.skip, len(rest))
			c.skip, rest = c.skip-k, rest[k:]
		}
		if len(rest) < lengthSize {
			break
		}
		length := int(binary.BigEndian.Uint32(rest))
		switch limit := c.python.cfg.MaxMessageSize; {
		case length > maxPythonMessage:
			c.sayForeign(rest)
			c.end = errForeign
			continue
		case length > limit:
			c.sayTooLong(length)
			c.skip, rest = length, rest[lengthSize:]
			continue
		}
		if len(rest) < lengthSize+length {
			break
		}
		if err := d.record(rest[lengthSize:lengthSize+length], c.python.cfg.MaxMessageSize, c.origin); err != nil {
			c.sayMalformed(err)
		}
		rest = rest[lengthSize+length:]
	}
	switch {
	case inPart && len(rest) > 0: // still not whole
		c.part = rest
	case len(rest) == 0:
		c.part = nil
	default:
		c.part = append(make([]byte, 0, len(rest)), rest...)
	}
}

// sayMalformed counts a record that cannot be read.
func (c *pythonConn) sayMalformed(err error) {
	p := c.python
	p.counters.Malformed.Add(1)
	if unsaid, ok := p.malformed.Due(time.Now()); ok {
		p.log.Warn("a record cannot be read and is lost", "source", string(c.origin.Source), "error", err, "unsaid", unsaid)
	}
}

// sayBroken counts the record in which the connection ended.
func (c *pythonConn) sayBroken() {
	if c.end == errForeign {
		return
	}
	switch {
	case c.skip > 0: // counted when it began
	case len(c.part) >= lengthSize:
		whole := binary.BigEndian.Uint32(c.part)
		c.sayMalformed(fmt.Errorf("the connection ended after %d of its %d bytes: %w", len(c.part)-lengthSize, whole, c.end))
	case len(c.part) > 0:
		c.sayMalformed(fmt.Errorf("the connection ended in its length: %w", c.end))
	}
}

// sayTooLong counts a record that is skipped.
func (c *pythonConn) sayTooLong(length int) {
	p := c.python
	p.counters.Truncated.Add(1)
	if unsaid, ok := p.tooLong.Due(time.Now()); ok {
		p.log.Warn("a record is longer than max_message_size and is skipped", "source", string(c.origin.Source), "bytes", length, "unsaid", unsaid)
	}
}

// sayForeign counts bytes that are no record's.
func (c *pythonConn) sayForeign(b []byte) {
	p := c.python
	p.counters.Malformed.Add(1)
	if unsaid, ok := p.foreign.Due(time.Now()); ok {
		b = b[:min(len(b), 16)]
		p.log.Warn("closed a connection that sends no pickled records: "+whoSpeaks(b), "source", string(c.origin.Source), "begins", fmt.Sprintf("%q", b), "unsaid", unsaid)
	}
}

// whoSpeaks names what begins with b.
func whoSpeaks(b []byte) string {
	method := true
	for _, c := range b[:lengthSize] {
		method = method && (c-'A' < 26 || c == ' ')
	}
	switch {
	case b[0] == 0x16 && b[1] == 3:
		return "that is TLS, and SocketHandler has none"
	case method:
		return "that is HTTP; HTTPHandler is none of ours"
	case syslog.BeginsWithPRI(b), b[0]-'0' <= 9:
		return "that is syslog; it needs an input of its own, such as tcp://:514"
	case b[0] == '{':
		return "that is JSON"
	}
	return "the first four bytes are no length"
}
