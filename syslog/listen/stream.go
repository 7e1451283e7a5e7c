package listen

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// A streamListener is a bound socket that makes connections: *net.TCPListener or *net.UnixListener.
type streamListener interface {
	net.Listener
	SetDeadline(time.Time) error
	syscall.Conn
}

// stream accepts connections, and reads each in a goroutine of its own.
type stream struct {
	listener  *Listener
	transport syslog.Transport // Unix, TCP or TLS
	ln        streamListener
	raw       syscall.RawConn
	crowd     *crowd.Crowd[*conn]
	serving   sync.WaitGroup // connections
}

// addStream makes ln, Unix, TCP or TLS, one of l's sockets, which closes it from now on.
func (l *Listener) addStream(ln streamListener, transport syslog.Transport) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		ln.Close()
		return l.cfg.socketError(err)
	}
	l.sockets = append(l.sockets, &stream{listener: l, transport: transport, ln: ln, raw: raw, crowd: crowd.New[*conn](l.cfg.MaxConnections)})
	return nil
}

func (s *stream) addr() net.Addr { return s.ln.Addr() }
func (s *stream) close()         { _ = s.ln.Close() }

func (s *stream) wake() {
	_ = s.ln.SetDeadline(longAgo)
	s.crowd.Each((*conn).wake)
}

const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// serve accepts until the socket is closed or the listener stops, and returns when no connection is left. What cannot
// be accepted now (EMFILE) may be later.
func (s *stream) serve() {
	defer s.serving.Wait()
	l, pause := s.listener, firstAcceptPause
	for {
		nc, err := s.ln.Accept()
		switch {
		case err == nil:
			pause = firstAcceptPause
			if l.accepting.Resolved() {
				l.log.Info("connections are accepted again")
			}
			s.admit(nc)
		case l.stopped(err):
			s.acceptRest()
			return
		default:
			if unsaid, ok := l.accepting.Due(time.Now()); ok {
				l.log.Error("cannot accept connections", "error", err, "unsaid", unsaid)
			}
			l.pause(pause)
			pause = min(2*pause, maxAcceptPause)
		}
	}
}

// acceptRest accepts what is queued: to its peers those connections are open, and what they have sent is on its way.
func (s *stream) acceptRest() {
	for s.listener.hard.Err() == nil && readable(s.raw) {
		_ = s.ln.SetDeadline(time.Now().Add(drainTime))
		nc, err := s.ln.Accept()
		if err == nil {
			s.admit(nc)
		} else if !errors.Is(err, os.ErrDeadlineExceeded) { // which wake may have set meanwhile
			return
		}
	}
}

// readable reports whether a read would find something now.
func readable(raw syscall.RawConn) bool {
	n := 0
	_ = control(raw, func(fd int) (err error) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return err
	})
	return n > 0
}

// admit starts reading nc, or closes it if it may not send, or if there are too many.
func (s *stream) admit(nc net.Conn) {
	l, peer := s.listener, netip.Addr{}
	now := l.settings.Load()
	if s.transport != syslog.Unix {
		if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
			peer = crowd.Plain(a.AddrPort().Addr())
		}
		if !now.allow.Allows(peer) {
			l.counters.DroppedNotAllowed.Add(1)
			l.sayNotAllowed(time.Now(), "connections", 1)
			nc.Close()
			return
		}
	}
	c, err := newConn(s, now, nc, peer)
	if err != nil {
		nc.Close()
		return
	}
	if full := s.crowd.Enter(c, peer); full != "" {
		l.counters.ConnectionsRefused.Add(1)
		if unsaid, ok := l.refused.Due(time.Now()); ok {
			l.log.Warn("refused a connection: "+full, "source", nc.RemoteAddr().String(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	c.origin = now.originOf(peer, s.transport)
	probe(nc, now.cfg.KeepAlive)
	unacknowledged(nc)
	l.counters.Connections.Add(1)
	if c.secure == nil {
		s.serving.Go(func() { s.attend(c) })
		return
	}
	s.serving.Go(func() { // which does not outlive the handshake: its stack has grown
		if c.shake() {
			s.serving.Go(func() { s.attend(c) })
		} else {
			s.dismiss(c)
		}
	})
}

// attend reads c to its end.
func (s *stream) attend(c *conn) {
	c.serve()
	s.dismiss(c)
}

// dismiss closes c and gives up its place.
func (s *stream) dismiss(c *conn) {
	_ = c.Close()
	s.listener.counters.Connections.Add(-1)
	s.crowd.Leave(c)
}
