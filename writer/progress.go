package writer

import (
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A write that the kernel took is not one that the peer has: rsyslog loses the batch in flight at each break (447 of
// 60,000 messages over 8 breaks). So what is written stays until the peer's kernel has acknowledged it, and then, since
// an acknowledged byte may lie unread in a collector that dies, until keepUnread more are acknowledged, or until it has
// rested for a while with the peer's window as wide open as it ever was: then nothing much lies unread. (Measured: 200 KB
// unread shows as 57 % of the window, 60 KB as 93 %.)
const (
	keepUnread = 8 << 20
	windowOpen = 90 // percent of the largest window seen
	// A peer's kernel may shrink its buffers for good, so that the window never opens as far again. What has rested for so
	// many times `resend` goes anyway.
	restedEnough = 30
)

// How soon progress is looked for again: what is under way is asked for often at first.
const (
	soonest = 2 * time.Millisecond
	latest  = 100 * time.Millisecond
)

// A window is what a peer is willing to take.
type window struct {
	largest uint32
	again   time.Duration // until the next look
}

// Progress reports how many of the blocks that were written, counted from the oldest that is not released, have arrived,
// and how many of them need not be kept any more: they are released. It wants to be called again after a while, unless
// that is 0. An error says that a connection has ended, and that something of what went over it has to go again: call
// Write.
func (r *Remote) Progress() (delivered, released int, again time.Duration, err error) {
	r.adopt()
	for _, l := range r.links {
		if !l.live() {
			continue
		}
		if over, reason := l.wire.over(); over && len(l.kept) > 0 {
			r.lost(l, reason)
			err = l.errorf(reason)
			continue
		}
		if next := l.progress(); next > 0 && (again == 0 || next < again) {
			again = next
		}
		if r.options.Balance == Failover && l != r.links[0] && r.links[0].live() && len(l.kept) == 0 {
			l.disconnect() // the first is back
		}
	}
	if err != nil && len(r.links) > 1 { // no fault of the target yet: another may take over
		err = r.Write(r.begun)
	}
	for released < len(r.owed) && r.owed[released].unreleased == 0 {
		released++
	}
	delivered = released
	for delivered < len(r.owed) && r.owed[delivered].undelivered == 0 {
		delivered++
	}
	r.owed = slices.Delete(r.owed, 0, released)
	return delivered, released, again, err
}

// progress looks at what has arrived, and forgets what need not be kept.
func (l *link) progress() (again time.Duration) {
	if len(l.kept) == 0 {
		return 0
	}
	acknowledged, open, ok := l.acknowledged()
	if !ok {
		return latest
	}
	now := time.Now()
	quiet := now.UnixNano()-l.wire.blocked.Load() > int64(l.remote.options.Resend)
	done, under := 0, false
	for i := range l.kept {
		p := &l.kept[i]
		if p.end > acknowledged {
			under = true
			break
		}
		if p.arrived.IsZero() {
			p.arrived = now
			l.window.again = 0
		}
		if !p.delivered {
			p.delivered = true
			p.owed.undelivered--
		}
		rested, resend := now.Sub(p.arrived), l.remote.options.Resend
		if i == done && (p.end+l.remote.keepMost <= acknowledged || quiet && (open && rested >= resend || rested >= restedEnough*resend)) {
			p.owed.unreleased--
			done++
		}
	}
	l.kept = slices.Delete(l.kept, 0, done)
	switch {
	case len(l.kept) == 0:
		l.window.again = 0
		return 0
	case !under: // the first may go when it has rested
		return max(l.remote.options.Resend-now.Sub(l.kept[0].arrived), latest)
	}
	l.window.again = min(max(2*l.window.again, soonest), latest)
	return l.window.again
}

// A gauge asks the kernel about a connection. It is asked once for each block or more often, so it has what that takes.
type gauge struct {
	read    func(fd uintptr)
	queued  int // bytes that the peer's kernel has not acknowledged
	unknown bool
	info    unix.TCPInfo
	window  bool // info is there
}

// ask is called within Control.
func (g *gauge) ask(fd uintptr) {
	queued, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	g.queued, g.unknown = queued, err != nil
	size := uint32(unsafe.Sizeof(g.info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&g.info)), uintptr(unsafe.Pointer(&size)), 0)
	g.window = errno == 0
}

// acknowledged is how many bytes the peer's kernel has: those that were written less those that wait in ours. (Not
// tcpi_bytes_acked, which counts the SYN.) Open reports whether the peer has most likely read them.
func (l *link) acknowledged() (n int64, open, ok bool) {
	g := &l.gauge
	if g.read == nil {
		g.read = g.ask
	}
	n = l.wire.written.Load()
	if err := l.wire.raw.Control(g.read); err != nil || g.unknown {
		return n, false, false
	}
	switch {
	case l.wire.network == "unix": // what waits, waits for the peer to read it
		open = true
	case g.window:
		l.window.largest = max(l.window.largest, g.info.Snd_wnd)
		open = uint64(g.info.Snd_wnd)*100 >= uint64(l.window.largest)*windowOpen
	}
	return n - int64(g.queued), open, true
}
