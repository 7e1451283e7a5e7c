package ingest

import (
	"bytes"
	"errors"
	"io"
	"time"

	"sluice/syslog"
)

// deliver makes a message of the frames in hand, as far as there is one. One frame is the message; of two, the first is
// the topic; of more, what follows the topic is the message, with blanks between: pyzmq's PUBHandler sends two over
// whatever socket it is given.
func (c *zmqConn) deliver(d *zmqDesk) {
	var guess syslog.Guess
	if c.reader.cut {
		guess = syslog.Truncated
	}
	parts := c.reader.parts
	switch c.zmq.cfg.Socket {
	case ZMQSub:
		if !c.zmq.everyone && !c.zmq.wants(parts[0]) {
			return
		}
	case ZMQRouter:
		parts = withoutEnvelope(parts)
	case ZMQPull:
		for len(parts) > 1 && len(parts[0]) == 0 {
			parts = parts[1:]
		}
	}
	switch len(parts) {
	case 1:
		d.take(parts[0], nil, c.origin, guess)
	case 2:
		d.take(parts[1], parts[0], c.origin, guess)
	default:
		n := len(d.joined)
		for i, p := range parts[1:] {
			if i > 0 {
				d.joined = append(d.joined, ' ')
			}
			d.joined = append(d.joined, p...)
		}
		d.take(d.joined[n:len(d.joined):len(d.joined)], parts[0], c.origin, guess)
	}
}

// withoutEnvelope takes off what REQ and DEALER sockets, and proxies between them and us, put before a message: up to an
// empty frame, RFC 28/REQREP. Without one there is no envelope.
func withoutEnvelope(parts [][]byte) [][]byte {
	for i, p := range parts[:len(parts)-1] {
		if len(p) == 0 {
			return parts[i+1:]
		}
	}
	return parts
}

// wants reports whether we subscribed to topic. A publisher filters itself, but nothing makes a peer do so.
func (z *ZMQ) wants(topic []byte) bool {
	for _, t := range z.cfg.Topics {
		if bytes.HasPrefix(topic, []byte(t)) {
			return true
		}
	}
	return false
}

// sayRefused counts and says why a peer was not let in. One that left without a word was a port scan or a health check.
func (z *ZMQ) sayRefused(c *zmqConn, err error) {
	switch {
	case err == io.EOF || z.stopping.Load():
		return
	case errors.Is(err, errZMQPassword):
		z.counters.DroppedNotAllowed.Add(1)
	default:
		z.counters.ConnectionsRefused.Add(1)
	}
	if unsaid, ok := z.refused.Due(time.Now()); ok {
		z.log.Warn("refused a ZeroMQ peer", "source", c.source(), "error", err, "unsaid", unsaid)
	}
}

// sayTorn says that a connection ended in a way that no peer means it to: what it was sending is lost.
func (z *ZMQ) sayTorn(c *zmqConn) {
	if c.end == errStopped || c.end == io.EOF && !c.midway() {
		return
	}
	err := unexpected(c.end)
	if unsaid, ok := z.torn.Due(time.Now()); ok {
		z.log.Warn("a ZeroMQ peer was cut off", "source", c.source(), "error", err, "unsaid", unsaid)
	}
}
