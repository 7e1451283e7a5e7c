package listen

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// drops is how far a socket's own count of datagrams dropped was read: a number of 32 bits that wraps.
type drops struct{ seen atomic.Uint32 }

// advance returns how many were dropped since total was last advanced. Several goroutines may call it, and an older
// total than that seen counts nothing.
func (d *drops) advance(total uint32) uint64 {
	for {
		seen := d.seen.Load()
		more := int32(total - seen)
		if more <= 0 {
			return 0
		}
		if d.seen.CompareAndSwap(seen, total) {
			return uint64(more)
		}
	}
}

// countDropped counts what the kernel dropped, total being a socket's own count.
func (l *Listener) countDropped(d *drops, total uint32, now time.Time) {
	n := d.advance(total)
	if n == 0 {
		return
	}
	l.counters.DroppedKernel.Add(n)
	if unsaid, ok := l.dropped.Due(now); ok {
		l.log.Warn("the kernel dropped datagrams: raise receive_buffer or workers", "dropped", n, "unsaid", unsaid)
	}
}

// countDropped asks the kernel. The control messages (SO_RXQ_OVFL) cost nothing but tell only what was dropped before
// the last datagram that got through.
func (d *datagrams) countDropped() {
	if d.transport != syslog.UDP { // senders to a unixgram socket wait: nothing is dropped
		return
	}
	_ = d.raw.Control(func(fd uintptr) {
		var info [unix.SK_MEMINFO_VARS]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 { // Linux 4.12
			d.listener.countDropped(&d.drops, info[unix.SK_MEMINFO_DROPS], time.Now())
		}
	})
}
