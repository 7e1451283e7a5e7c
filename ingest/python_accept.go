package ingest

import (
	"context"
	"net"
	"net/netip"
	"time"

	"sluice/syslog/crowd"
)

const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// accept admits connections until ctx ends, and then those that were queued. What cannot be accepted now (EMFILE) may be
// later.
func (p *Python) accept(ctx context.Context) {
	wait := firstAcceptPause
	for {
		nc, err := p.cfg.Socket.Accept()
		switch {
		case err == nil:
			wait = firstAcceptPause
			if p.accepting.Resolved() {
				p.log.Info("connections are accepted again")
			}
			p.admit(nc)
		case ctx.Err() != nil:
			p.acceptRest()
			return
		default:
			if unsaid, ok := p.accepting.Due(time.Now()); ok {
				p.log.Error("cannot accept connections", "error", err, "unsaid", unsaid)
			}
			pause(ctx, wait)
			wait = min(2*wait, maxAcceptPause)
		}
	}
}

// restTime is how long a queue that may be empty is looked at. Who is in it has sent already.
const restTime = 5 * time.Millisecond

// acceptRest accepts what is queued: to its peers those connections are open.
func (p *Python) acceptRest() {
	s, ok := p.cfg.Socket.(interface{ SetDeadline(time.Time) error })
	for ok && p.hard.Err() == nil {
		_ = s.SetDeadline(time.Now().Add(restTime))
		nc, err := p.cfg.Socket.Accept()
		if err != nil {
			return
		}
		p.admit(nc)
	}
}

// admit starts reading nc, or closes it if it may not send, or if there are too many.
func (p *Python) admit(nc net.Conn) {
	var peer netip.Addr // none of a local connection
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		peer = crowd.Plain(a.AddrPort().Addr())
		if !p.allow.Allows(peer) {
			p.counters.DroppedNotAllowed.Add(1)
			if unsaid, ok := p.notAllowed.Due(time.Now()); ok {
				p.log.Warn("refused a connection of a peer that is not in allow", "source", peer.String(), "unsaid", unsaid)
			}
			nc.Close()
			return
		}
	}
	c, err := newPythonConn(p, nc, peer)
	if err != nil {
		nc.Close()
		return
	}
	if full := p.crowd.Enter(c, peer); full != "" {
		p.counters.ConnectionsRefused.Add(1)
		if unsaid, ok := p.refused.Due(time.Now()); ok {
			p.log.Warn("refused a connection: "+full, "source", nc.RemoteAddr().String(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	p.counters.Connections.Add(1)
	p.serving.Go(func() {
		c.serve()
		_ = c.Close()
		p.counters.Connections.Add(-1)
		p.crowd.Leave(c)
	})
}
