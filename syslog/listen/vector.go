package listen

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A vector is the memory that recvmmsg(2) fills: slots of one datagram each, their peers and control messages. It is
// lent to the kernel again and again, and never moves.
type vector struct {
	memory  []byte // all slots
	size    int    // bytes of a slot
	stride  int    // from one slot to the next
	headers []mmsghdr
	iovecs  []unix.Iovec
	peers   []unix.RawSockaddrInet6
	control []overflow
	used    int // headers that the last call wrote to
}

// mmsghdr is struct mmsghdr. Go pads it as C does.
type mmsghdr struct {
	unix.Msghdr
	length uint32
}

// An overflow is room for the one control message that we ask for, SO_RXQ_OVFL: how many datagrams the kernel had
// dropped when it queued this one.
type overflow struct {
	unix.Cmsghdr
	dropped uint32
	_       uint32 // CMSG_SPACE rounds up
}

// newVector returns a vector whose slots hold size bytes each. They cost memory only where a datagram was written. A
// local socket has no room for control messages: with any, each sender could plant open files in us (SCM_RIGHTS).
func newVector(slots, size int, local bool) (*vector, error) {
	// Slots that begin at the same offset of a page would all compete for the same few lines of the caches, so each
	// begins five lines, about a message, behind that.
	const page, lines = 4096, 5 * 64
	stride := (size+page-1)/page*page + lines
	memory, err := unix.Mmap(-1, 0, slots*stride, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("%d buffers of %d bytes: %w", slots, size, err)
	}
	_ = unix.Madvise(memory, unix.MADV_NOHUGEPAGE) // a huge page would be filled by the first byte; kernels without them say EINVAL
	v := &vector{
		memory:  memory,
		size:    size,
		stride:  stride,
		headers: make([]mmsghdr, slots),
		iovecs:  make([]unix.Iovec, slots),
		peers:   make([]unix.RawSockaddrInet6, slots),
		control: make([]overflow, slots),
		used:    slots,
	}
	for i := range v.headers {
		h := &v.headers[i]
		v.iovecs[i].Base = &memory[i*stride]
		v.iovecs[i].SetLen(size)
		h.Iov = &v.iovecs[i]
		h.SetIovlen(1)
		if !local {
			h.Name = (*byte)(unsafe.Pointer(&v.peers[i]))
			h.Control = (*byte)(unsafe.Pointer(&v.control[i]))
		}
	}
	return v, nil
}

// receive fills the first n slots with what is queued at fd. It never waits, so the scheduler need not hear of it.
func (v *vector) receive(fd uintptr) (n int, err error) {
	for i := range v.headers[:v.used] { // the kernel writes its answers over the questions
		h := &v.headers[i]
		if h.Control != nil {
			h.Namelen = unix.SizeofSockaddrInet6
			h.SetControllen(int(unsafe.Sizeof(overflow{})))
		}
	}
	v.used = 0
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&v.headers[0])), uintptr(len(v.headers)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	v.used = int(r)
	return v.used, nil
}

// datagram returns what is in slot i, and whether the datagram was longer than the slot.
func (v *vector) datagram(i int) (data []byte, cut bool) {
	h, at := &v.headers[i], i*v.stride
	return v.memory[at : at+int(h.length) : at+v.size], h.Flags&unix.MSG_TRUNC != 0
}

// peer returns the address that slot i came from, an IPv4 address as an IPv6-mapped one.
func (v *vector) peer(i int) (address [16]byte) {
	switch p := &v.peers[i]; p.Family {
	case unix.AF_INET6:
		return p.Addr
	case unix.AF_INET:
		address[10], address[11] = 0xff, 0xff
		copy(address[12:], (*unix.RawSockaddrInet4)(unsafe.Pointer(p)).Addr[:])
	}
	return address
}

// dropped returns how many datagrams the kernel had dropped before that in slot i, since the socket was made. It says
// so only once there were any. The number wraps at 2^32.
func (v *vector) dropped(i int) (total uint32, ok bool) {
	c := &v.control[i]
	if int(v.headers[i].Controllen) < unix.SizeofCmsghdr+4 || c.Level != unix.SOL_SOCKET || c.Type != unix.SO_RXQ_OVFL {
		return 0, false
	}
	return c.dropped, true
}

// free gives the memory back, once. Nothing may refer to it any more.
func (v *vector) free() {
	if v.memory != nil {
		_ = unix.Munmap(v.memory)
		v.memory = nil
	}
}
