package ingest

import (
	"errors"
	"net"
)

// A zmqGuard stands between the library and a peer while they shake hands. The library makes a slice of any length that
// a frame claims, and then panics; it waits for ever; and it does not read what a peer of ZMTP 2.0 greets with. So the
// guard lets the library see nothing but whole commands of a believable size, after the greeting, which it has read
// itself. What the peer sent beyond the handshake is in rest.
type zmqGuard struct {
	net.Conn
	rest    []byte // read, and not yet given to the library
	checked int    // how many bytes of rest may be given to it
	unsent  int    // how many of the next bytes written the peer has already
}

// fill reads until rest has n bytes, which is at most one command, and never much more than that.
func (g *zmqGuard) fill(n int) error {
	for len(g.rest) < n {
		var buf [512]byte
		k, err := g.Conn.Read(buf[:])
		g.rest = append(g.rest, buf[:k]...)
		if err != nil && len(g.rest) < n {
			return err
		}
	}
	return nil
}

// take takes n bytes off rest, which has them.
func (g *zmqGuard) take(n int) []byte {
	b := g.rest[:n:n]
	g.rest = g.rest[n:]
	return b
}

// Read gives the library bytes of a frame that was checked.
func (g *zmqGuard) Read(p []byte) (int, error) {
	if g.checked == 0 {
		if err := g.check(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.rest[:g.checked])
	g.take(n)
	g.checked -= n
	return n, nil
}

// check reads the next frame, which must be a command.
func (g *zmqGuard) check() error {
	for {
		f, err := zmqFrameAt(g.rest)
		switch {
		case err != nil:
			return err
		case f.head > 0 && f.flags&zmqCommand == 0:
			return errors.New("a message before the end of the handshake")
		case f.head > 0 && len(g.rest) >= f.head+int(f.size):
			g.checked = f.head + int(f.size)
			_, _, err := zmqCommandOf(g.rest[f.head:g.checked])
			return err
		}
		if err := g.fill(len(g.rest) + 1); err != nil {
			return err
		}
	}
}

// Write sends what the peer does not have yet.
func (g *zmqGuard) Write(p []byte) (int, error) {
	k := min(g.unsent, len(p))
	g.unsent -= k
	n, err := g.Conn.Write(p[k:])
	return k + n, err
}
