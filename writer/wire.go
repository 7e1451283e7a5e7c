package writer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A wire is a connection to a collector. Of a stream, what the collector says is read and discarded, so that its FIN, a
// reset or a TLS alert is seen at once: a refused client certificate shows only there.
type wire struct {
	net.Conn                 // TLS, where there is TLS
	below    net.Conn        // the socket
	raw      syscall.RawConn // likewise
	network  string
	timeout  time.Duration
	since    time.Time
	leaving  atomic.Bool   // we have said that nothing follows
	written  atomic.Int64  // by the socket: also what TLS adds
	blocked  atomic.Int64  // when a write last had to wait, in ns since 1970
	gone     chan struct{} // closed when the peer has ended the connection; nil for datagrams
	reason   error         // then; nil: a FIN
	reading  sync.WaitGroup
	release  func() bool
	ended    func() // called when gone is closed
}

// errClosedByPeer is a FIN from a collector that we had more for.
var errClosedByPeer = errors.New("closed by the collector")

// dial connects to a. The wire ends with ctx. Ended is called, by a goroutine of the wire, when a stream has.
func dial(ctx context.Context, a Address, o RemoteOptions, ended func()) (*wire, error) {
	network := a.Network
	if network == "tls" {
		network = "tcp"
	}
	dialer := net.Dialer{Timeout: o.Timeout.Connect, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute}, Control: func(_, _ string, c syscall.RawConn) error {
		if network != "tcp" {
			return nil
		}
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			// What is not acknowledged for this long never will be: a peer that has vanished sends no FIN.
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(o.Timeout.Write.Milliseconds()))
		}), err)
	}}
	conn, err := dialer.DialContext(ctx, network, a.Where)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, cause(err))
	}
	w := &wire{Conn: conn, below: conn, network: a.Network, timeout: o.Timeout.Write, since: time.Now(), ended: ended}
	if w.raw, err = conn.(syscall.Conn).SyscallConn(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	if a.Network == "tls" {
		if err := w.shakeHands(ctx, a, o.Timeout.Connect); err != nil {
			conn.Close()
			return nil, fmt.Errorf("%s: %w", a, err)
		}
	}
	w.release = context.AfterFunc(ctx, func() { conn.Close() })
	if a.Stream() {
		w.gone = make(chan struct{})
		w.reading.Go(w.discard)
	}
	return w, nil
}

// shakeHands puts TLS on the socket.
func (w *wire) shakeHands(ctx context.Context, a Address, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn := tls.Client(counted{w.below, w}, a.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		return tlsError(err)
	}
	w.Conn = conn
	return nil
}

// tlsError says which side refused.
func tlsError(err error) error {
	var alert tls.AlertError
	var op *net.OpError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("the collector refused the TLS connection: %w", op.Err)
	case errors.As(err, &alert):
		return fmt.Errorf("TLS: %w", err)
	case errors.As(err, &header):
		return fmt.Errorf("the collector speaks no TLS: %w", err)
	case errors.Is(err, io.EOF):
		return errors.New("the collector closed the connection during the TLS handshake: does it speak TLS?")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the collector did not answer the TLS handshake in time: does it speak TLS?")
	case errors.As(err, &op):
		return fmt.Errorf("the connection broke during the TLS handshake: does the collector speak TLS? %w", cause(op.Err))
	}
	return fmt.Errorf("we refuse the collector: %w", err)
}

// discard reads until the peer ends the connection, and then ends ours: a write that is blocked learns of it.
func (w *wire) discard() {
	defer w.ended()
	defer close(w.gone)
	_, err := io.Copy(io.Discard, struct{ io.Reader }{w.Conn})
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		err = fmt.Errorf("the collector refused the TLS connection: %w", op.Err)
	} else if w.network == "tls" && !w.leaving.Load() && time.Since(w.since) < soon {
		err = fmt.Errorf("the collector went away right after the TLS handshake: it may not accept our certificate: %w", cmp.Or(cause(err), errClosedByPeer))
	}
	w.reason = err
	w.below.Close()
}

// soon is how quickly rsyslogd ends a connection over whose certificate it has found something: without a TLS alert.
const soon = 2 * time.Second

// over reports whether the peer has ended the connection, and why.
func (w *wire) over() (bool, error) {
	select {
	case <-w.gone:
		if w.reason != nil {
			return true, w.reason
		}
		return true, errClosedByPeer
	default:
		return false, nil
	}
}

// why is the reason of a write's error: where the connection has ended, that is what the peer said last. What it said may
// wait to be read still, also behind a reset.
func (w *wire) why(err error) error {
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		return err
	}
	_ = w.below.SetReadDeadline(time.Now().Add(lastWords))
	<-w.gone
	if _, reason := w.over(); !errors.Is(reason, os.ErrDeadlineExceeded) {
		return reason
	}
	return err
}

// lastWords is how long a reader may need, on a busy machine, for what has come already.
const lastWords = 200 * time.Millisecond

// Write writes all of p. It gives up only when the peer has taken nothing for the timeout.
func (w *wire) Write(p []byte) (int, error) {
	if w.network == "tls" {
		return w.Conn.Write(p) // which writes to counted
	}
	return w.writeBelow(p)
}

func (w *wire) writeBelow(p []byte) (n int, err error) {
	start := time.Now()
	for {
		if err = w.below.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
			break
		}
		var more int
		more, err = w.below.Write(p[n:])
		n += more
		if more == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	w.written.Add(int64(n))
	if end := time.Now(); end.Sub(start) > blockedFor {
		w.blocked.Store(end.UnixNano())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the collector has taken nothing for %s", w.timeout)
	}
	return n, err
}

// blockedFor is what tells a write that waited for the peer from one that the kernel took.
const blockedFor = 20 * time.Millisecond

// counted is the socket below TLS.
type counted struct {
	net.Conn
	wire *wire
}

func (c counted) Write(p []byte) (int, error) { return c.wire.writeBelow(p) }

// finTime is how long hangUp waits for the peer's FIN.
const finTime = 5 * time.Second

// hangUp half-closes the connection and waits until the peer, having read all, closes its half. The error says that it
// has not.
func (w *wire) hangUp() error {
	w.leaving.Store(true)
	_ = w.below.SetReadDeadline(time.Now().Add(finTime))
	if conn, ok := w.Conn.(*tls.Conn); ok {
		_ = conn.CloseWrite() // a word of farewell; what counts is the FIN
	}
	if half, ok := w.below.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // an error means that the peer has ended the connection, and then it is gone
	}
	<-w.gone
	return w.reason
}

// end closes the connection, and waits for its goroutine.
func (w *wire) end() {
	w.release()
	w.below.Close()
	w.reading.Wait()
}

// cause is the bare reason of a network error, whose text otherwise repeats the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
