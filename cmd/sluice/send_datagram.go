package main

import (
	"context"
	"net"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendVector is how many datagrams go with one system call. Beyond 64 it gains nothing.
const sendVector = 64

// A datagramLink is a connected socket of unixgram or udp. It allocates nothing while it sends.
type datagramLink struct {
	net.Conn
	raw     syscall.RawConn
	headers [sendVector]mmsghdr
	parts   [sendVector]unix.Iovec
	write   func(fd uintptr) bool // l.sendmmsg: a method value made once
	used    int                   // of headers, in this call
	went    int                   // of those, taken by the kernel
	errno   syscall.Errno
	back    int64
}

// mmsghdr is struct mmsghdr of <sys/socket.h>.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

func newDatagramLink(conn net.Conn) (*datagramLink, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &datagramLink{Conn: conn, raw: raw}
	l.write = l.sendmmsg
	for i := range l.headers {
		l.headers[i].header.Iov = &l.parts[i]
		l.headers[i].header.SetIovlen(1)
	}
	return l, nil
}

// send drops nothing: where the socket or the receiver's queue is full it waits. A datagram that came back from an earlier
// send (ECONNREFUSED, udp) is counted, and the one in hand, which the kernel did not take, is sent again.
func (l *datagramLink) send(ctx context.Context, b *sendBatch) (int, error) {
	for n := 0; ; {
		l.load(b, n)
		if l.used == 0 {
			return n, nil
		}
		l.went, l.errno = 0, 0
		err := l.raw.Write(l.write)
		n += l.went
		switch {
		case err != nil:
			return n, err
		case l.errno == 0:
		case l.errno == syscall.ECONNREFUSED && l.isUDP():
			l.back++
		case l.errno == syscall.ENOBUFS || l.errno == syscall.ENOMEM:
			// A device's queue is full, and no poll tells when it is not.
			if !pause(ctx, time.Millisecond) {
				return n, ctx.Err()
			}
		default:
			return n, l.errno
		}
	}
}

// load points the headers at the messages from the nth on.
func (l *datagramLink) load(b *sendBatch, n int) {
	l.used = min(len(b.ends)-n, sendVector)
	begin := 0
	if n > 0 {
		begin = b.ends[n-1]
	}
	for i := range l.used {
		end := b.ends[n+i]
		l.parts[i].Base = &b.frames[begin]
		l.parts[i].SetLen(end - begin)
		begin = end
	}
}

func (l *datagramLink) sendmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&l.headers[0])), uintptr(l.used), 0, 0, 0)
		runtime.KeepAlive(l)
		switch errno {
		case 0:
			l.went = int(n)
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false // wait until it is writable, and call again
		default:
			l.errno = errno
			return true
		}
	}
}

func (l *datagramLink) isUDP() bool {
	_, ok := l.Conn.(*net.UDPConn)
	return ok
}

func (l *datagramLink) refused() int64 {
	n := l.back
	l.back = 0
	return n
}

// finish asks for the answer to the last datagram: on this machine it is there already.
func (l *datagramLink) finish(context.Context, time.Time) error {
	if !l.isUDP() {
		return nil
	}
	var pending int
	var err error
	if e := l.raw.Control(func(fd uintptr) { pending, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR) }); e != nil {
		return e
	}
	switch errno := syscall.Errno(pending); {
	case err != nil:
		return err
	case errno == syscall.ECONNREFUSED:
		l.back++
	case errno != 0:
		return errno
	}
	return nil
}

func (l *datagramLink) hurry() { _ = l.SetWriteDeadline(time.Now().Add(sendHurry)) }
