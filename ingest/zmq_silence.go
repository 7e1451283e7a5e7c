package ingest

import (
	"errors"
	"time"
)

// How a silent peer comes to be given up.
var (
	errZMQSilent  = errors.New("the peer is silent: no answer within keep_alive")
	errZMQStalled = errors.New("the peer stopped inside a message")
)

// tick asks a peer that has been silent for long, or gives it up. One that cannot be asked is given up only inside a
// message: the kernel asks it meanwhile.
func (c *zmqConn) tick(now time.Time) {
	keepAlive, silence := c.zmq.cfg.KeepAlive, now.Sub(c.last)
	switch {
	case keepAlive == 0:
	case c.midway() && silence >= 2*keepAlive:
		c.end = errZMQStalled
	case !c.answers:
	case c.asked.IsZero() && silence >= keepAlive:
		c.asked = now
		c.out = appendZMQPing(c.out)
	case !c.asked.IsZero() && now.Sub(c.asked) >= keepAlive:
		c.end = errZMQSilent
	}
}

// midway reports whether the peer is inside a message.
func (c *zmqConn) midway() bool { return len(c.tail) > 0 || c.reader.midway() }

// arm sets the deadline to when silence has lasted long enough. One that comes too early because bytes came meanwhile does
// no harm, so it is not moved for every read.
func (c *zmqConn) arm() {
	keepAlive, passed := c.zmq.cfg.KeepAlive, c.overdue
	c.overdue = false
	if keepAlive > 0 && (c.answers || c.midway()) && c.deadline.IsZero() {
		switch {
		case !c.asked.IsZero():
			c.deadline = c.asked.Add(keepAlive)
		case c.answers:
			c.deadline = c.last.Add(keepAlive)
		default:
			c.deadline = c.last.Add(2 * keepAlive)
		}
		_ = c.SetReadDeadline(c.deadline)
	} else if passed && c.deadline.IsZero() { // it would wake us again and again
		_ = c.SetReadDeadline(time.Time{})
	}
	if c.zmq.stopping.Load() { // wake may have set its own in between
		c.wake()
	}
}
