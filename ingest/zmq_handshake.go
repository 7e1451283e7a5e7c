package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
)

// zmqHandshakeTime is how long a peer may take until it is let in, and a connection until it is made.
const zmqHandshakeTime = 10 * time.Second

const (
	zmqSignature = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"
	// zmqOpening is the part of our greeting that peers of all versions understand. We speak 3.0: 3.1 would only change
	// how subscriptions are written, and its PING is answered whatever was greeted with.
	zmqOpening      = zmqSignature + "\x03"
	zmqGreetingSize = 64
)

// A zmqHandshake is how we open a connection.
type zmqHandshake struct {
	kind   zmq4.SocketType // what we are
	plain  *ZMQPlain       // nil: NULL
	server bool            // we are bound
}

// A zmqPeer is who is at the other end of an open connection.
type zmqPeer struct {
	answers bool   // PING: it speaks ZMTP 3.1
	sent    []byte // what it has sent behind the handshake
}

// open shakes hands over c, whose deadline the caller has set. Whatever the peer sends, the error says what was wrong
// with it; io.EOF is for one that left without a word.
func (h *zmqHandshake) open(c net.Conn) (p zmqPeer, err error) {
	g := &zmqGuard{Conn: c}
	if _, err := c.Write([]byte(zmqOpening)); err != nil {
		return p, err
	}
	if err := g.fill(1); err != nil {
		return p, err
	}
	if g.rest[0] != zmqSignature[0] {
		return p, noZMTP(g.rest)
	}
	if err := g.fill(len(zmqOpening)); err != nil {
		return p, unexpected(err)
	}
	switch version := g.rest[10]; {
	case g.rest[9] != zmqSignature[9]:
		return p, noZMTP(g.rest)
	case version == 0:
		return p, errors.New("the peer speaks ZMTP 1.0, of ZeroMQ 2: the oldest that is understood is 2.0")
	case version < 3:
		g.take(len(zmqOpening))
		err = h.openOld(g)
	default:
		p.answers, err = h.openNew(g)
	}
	if err != nil {
		return p, unexpected(err)
	}
	p.sent = g.rest
	return p, nil
}

// openNew shakes hands with a peer of ZMTP 3, RFC 23, and reports whether it speaks 3.1, RFC 37. The greeting is looked at
// here, so that the log can say what the peer wants; the rest the library does.
func (h *zmqHandshake) openNew(g *zmqGuard) (answers bool, err error) {
	if err := g.fill(zmqGreetingSize); err != nil {
		return false, err
	}
	greeting := g.rest[:zmqGreetingSize]
	answers = greeting[10] > 3 || greeting[11] >= 1
	mechanism := &zmqMechanism{kind: h.kind, plain: h.plain}
	wants := string(bytes.TrimRight(greeting[12:32], "\x00"))
	switch ours := string(mechanism.Type()); {
	case wants == ours:
	case wants == string(zmq4.CurveSecurity):
		return false, errors.New("the peer wants CURVE, which is not spoken here: use plain, or a tunnel")
	case h.plain != nil:
		return false, fmt.Errorf("%w: the peer offers %.20q where plain asks for user and password", errZMQPassword, wants)
	default:
		return false, fmt.Errorf("the peer wants %.20q, and the input has no plain: {user, password}", wants)
	}
	g.checked, g.unsent = zmqGreetingSize, len(zmqOpening)
	if _, err := zmq4.Open(g, mechanism, h.kind, nil, h.server, nil); err != nil {
		if mechanism.fault != nil { // the library says more about itself
			err = mechanism.fault
		}
		return false, err
	}
	return answers, nil
}

// openOld shakes hands with a peer of ZMTP 2.0, RFC 15, which the library does not know: behind the signature and the
// version comes the number of the type of socket, and a frame with the identity.
func (h *zmqHandshake) openOld(g *zmqGuard) error {
	if h.plain != nil {
		return fmt.Errorf("%w: ZMTP 2.0 knows neither, and plain asks for them", errZMQPassword)
	}
	number := slices.Index(zmqSocketTypes, string(h.kind))
	if _, err := g.Conn.Write([]byte{byte(number), 0, 0}); err != nil {
		return err
	}
	if err := g.fill(3); err != nil {
		return err
	}
	if int(g.rest[0]) >= len(zmqSocketTypes) {
		return fmt.Errorf("a socket of type %d", g.rest[0])
	}
	if err := zmqSends(zmqSocketTypes[g.rest[0]], h.kind); err != nil {
		return err
	}
	if g.rest[1] != 0 {
		return errors.New("a message before the end of the handshake")
	}
	n := 3 + int(g.rest[2])
	if err := g.fill(n); err != nil {
		return err
	}
	g.take(n)
	return nil
}

// zmqSends says what is wrong with a peer of one kind for a socket of ours.
func zmqSends(peer string, ours zmq4.SocketType) error {
	if zmq4.SocketType(peer).IsCompatible(ours) {
		return nil
	}
	for _, fit := range zmqSocketWords {
		if zmq4.SocketType(peer).IsCompatible(zmq4.SocketType(strings.ToUpper(fit))) {
			return fmt.Errorf("the peer is a %s, for which the input needs socket: %s", peer, fit)
		}
	}
	return fmt.Errorf("the peer is a %s, which sends to no socket that an input can have", peer)
}

// noZMTP is the error of a peer that begins otherwise.
func noZMTP(b []byte) error { return fmt.Errorf("no ZeroMQ: the peer begins with %.24q", b) }

// unexpected is err, an EOF in the midst of something being one that nobody expects.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
