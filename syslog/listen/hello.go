package listen

import "sluice/syslog"

// A guess says whether a stream is what it may be.
type guess uint8

const (
	isNot guess = iota
	mayBe       // so far: the next byte will tell
	is
)

// helloStart is how TLS begins: a handshake record (22) of major version 3, all that there have ever been. No text does.
const helloStart = "\x16\x03"

// clientHello says whether a stream whose first bytes are b is a TLS client's.
func clientHello(b []byte) guess {
	for i := range len(helloStart) {
		switch {
		case i == len(b):
			return mayBe
		case b[i] != helloStart[i]:
			return isNot
		}
	}
	return is
}

// greeting says whether c, whose first bytes are b, speaks TLS where none is spoken.
func (c *conn) greeting(b []byte) guess {
	if c.stream.transport != syslog.TCP {
		return isNot
	}
	return clientHello(b)
}

// sayHello says that a client speaks TLS where none is spoken, and counts it.
func (c *conn) sayHello() {
	l := c.stream.listener
	l.counters.ConnectionsRefused.Add(1)
	c.say(&l.handshakes.isTLS, "a client speaks TLS on a plain "+c.stream.transport.String()+" input: make the input "+
		"tls://, or let the client send without TLS")
}
