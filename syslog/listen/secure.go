package listen

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// handshakeTime is how long a client has for its handshake. Until then it costs a place among max_connections, a
	// goroutine and a few KB, and nobody else waits for it.
	handshakeTime = 10 * time.Second
	// aheadRead is how many encrypted bytes are read at once: crypto/tls by itself reads a record at a time.
	aheadRead = 64 << 10
)

// A secure is the TLS of a connection. Its handshake waits, with a deadline. After that nothing waits: it reads what the
// kernel has, as a plain connection does, into what a desk lends it, and keeps only the record that is not whole yet.
type secure struct {
	*tls.Conn
	wire *wire
}

func newSecure(nc net.Conn, raw syscall.RawConn, cfg *tls.Config) *secure {
	w := &wire{Conn: nc, raw: raw}
	return &secure{tls.Server(w, cfg), w}
}

// shake does the handshake.
func (s *secure) shake() error {
	err := s.Handshake()
	s.wire.shaken = true
	return err
}

// receive is receive(fd, buf) for what is encrypted. ahead is lent to it until the kernel has nothing more: after
// unix.EAGAIN nothing of it is needed any more.
func (s *secure) receive(fd uintptr, ahead, buf []byte) (n int, err error) {
	s.wire.fd, s.wire.buf = fd, ahead
	for n < len(buf) && err == nil {
		var k int
		k, err = s.Read(buf[n:])
		n += k
	}
	if n > 0 || err == io.EOF {
		return n, nil // any error comes again with the next call; a record may hold few bytes, or one message
	}
	return 0, err
}

// A wire is the connection below TLS.
type wire struct {
	net.Conn
	raw    syscall.RawConn
	heard  bool // the client has sent something
	shaken bool // nothing waits any more

	fd    uintptr // while it is read
	buf   []byte  // lent by a desk
	ahead []byte  // what is in buf and was not asked for yet
}

// Read returns unix.EAGAIN when there is nothing now. To crypto/tls that is a temporary error: it keeps its half of a record
// and goes on from there.
func (w *wire) Read(p []byte) (int, error) {
	if !w.shaken {
		n, err := w.Conn.Read(p)
		w.heard = w.heard || n > 0
		return n, err
	}
	for len(w.ahead) == 0 {
		n, err := receive(w.fd, w.buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			w.ahead = w.buf[:n]
		}
	}
	n := copy(p, w.ahead)
	w.ahead = w.ahead[n:]
	return n, nil
}

var errUnread = errors.New("the client does not read what TLS sends it")

// Write writes what the kernel takes at once: a client that asks for new keys again and again and reads no answer must not
// keep the desk at which it is read.
func (w *wire) Write(p []byte) (n int, err error) {
	if !w.shaken {
		return w.Conn.Write(p)
	}
	outer := w.raw.Write(func(fd uintptr) bool {
		n, err = unix.Write(int(fd), p)
		return true
	})
	switch {
	case outer != nil:
		return 0, outer
	case err == unix.EAGAIN, err == nil && n < len(p):
		return max(n, 0), errUnread
	}
	return max(n, 0), err
}
