package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A streamLink is a connection of tcp, tls or unix.
type streamLink struct {
	net.Conn
	half halfCloser
}

type halfCloser interface{ CloseWrite() error }

// tlsHalf says close_notify, and FIN below it for receivers that wait for that.
type tlsHalf struct{ *tls.Conn }

func (t tlsHalf) CloseWrite() error {
	if err := t.Conn.CloseWrite(); err != nil {
		return err
	}
	return t.NetConn().(halfCloser).CloseWrite()
}

func (s *streamLink) send(_ context.Context, b *sendBatch) (int, error) {
	written, err := s.Write(b.frames)
	if err == nil {
		return len(b.ends), nil
	}
	n := 0
	for n < len(b.ends) && b.ends[n] <= written {
		n++
	}
	return n, err
}

func (s *streamLink) refused() int64 { return 0 }

// finish half-closes and reads up to the receiver's FIN. A receiver closes after it has read, so then nothing is lost on
// the way. A reset means that it left something unread; it may come behind the FIN of a receiver that closed early.
func (s *streamLink) finish(ctx context.Context, limit time.Time) error {
	if err := s.half.CloseWrite(); errors.Is(err, syscall.ENOTCONN) { // what shutdown calls a reset
		return syscall.ECONNRESET
	} else if err != nil {
		return err
	}
	if err := s.SetReadDeadline(limit); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Now().Add(sendHurry)) })()
	if _, err := io.Copy(io.Discard, s.Conn); err != nil {
		return err
	}
	return s.acknowledged(ctx, limit)
}

// acknowledged waits until the receiver's kernel has answered all that was sent, and returns the error if it answered
// with a reset. A Unix socket has no way to answer late.
func (s *streamLink) acknowledged(ctx context.Context, limit time.Time) error {
	conn := s.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var pending, unacknowledged int
		var first, second error
		err := raw.Control(func(fd uintptr) {
			unacknowledged, first = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
			pending, second = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		})
		switch {
		case errors.Join(err, first, second) != nil:
			return errors.Join(err, first, second)
		case pending != 0:
			return syscall.Errno(pending)
		case unacknowledged == 0:
			return nil
		case time.Now().After(limit) || !pause(ctx, time.Millisecond):
			return os.ErrDeadlineExceeded
		}
	}
}

func (s *streamLink) hurry() { _ = s.SetWriteDeadline(time.Now().Add(sendHurry)) }
