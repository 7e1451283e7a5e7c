package writer

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxUDP is the longest message that fits a UDP datagram over IPv4.
const maxUDP = 65507

// maxPackets is how many datagrams go to the kernel at once.
const maxPackets = 64

// packets is what sendmmsg takes: a header and a vector of one part for each datagram.
type packets struct {
	headers [maxPackets]mmsghdr
	parts   [maxPackets]unix.Iovec
}

type mmsghdr struct {
	hdr unix.Msghdr
	_   uint32 // bytes sent: all of them, of a datagram
	_   [4]byte
}

// writePackets sends the messages of b that were not sent yet, each as a datagram. What no datagram can hold is cut and
// counted; a message that the kernel calls too long even so is left out and counted as well.
func (l *link) writePackets(b *Block) error {
	if err := l.wire.below.SetWriteDeadline(time.Now().Add(l.wire.timeout)); err != nil {
		return err
	}
	for l.sent < b.Count() {
		n := l.packets.fill(l, b)
		sent, fault := 0, error(nil)
		err := l.wire.raw.Write(func(fd uintptr) bool {
			sent, fault = l.packets.send(fd, n)
			return fault != unix.EAGAIN
		})
		l.sent += sent
		if errors.Is(fault, unix.EMSGSIZE) {
			l.sent++
			l.remote.Truncated.Add(1)
			continue
		}
		if err = errors.Join(err, fault); err != nil {
			return err
		}
	}
	l.sent = 0
	return nil
}

func (p *packets) fill(l *link, b *Block) int {
	n := min(b.Count()-l.sent, maxPackets)
	for i := range n {
		from := b.start(uint32(l.sent + i))
		message := b.Text[from:b.Ends[l.sent+i]]
		if l.address.Network == "udp" && len(message) > maxUDP {
			message = message[:maxUDP]
			l.remote.Truncated.Add(1)
		}
		p.parts[i] = unix.Iovec{Base: unsafe.SliceData(message)}
		p.parts[i].SetLen(len(message))
		p.headers[i] = mmsghdr{hdr: unix.Msghdr{Iov: &p.parts[i]}}
		p.headers[i].hdr.SetIovlen(1)
	}
	return n
}

func (p *packets) send(fd uintptr, n int) (int, error) {
	for {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&p.headers)), uintptr(n), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(sent), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
