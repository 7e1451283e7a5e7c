package ingest

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
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
		peer = a.AddrPort().Addr().Unmap().WithZone("")
		if !p.allows(peer) {
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
	if full := p.crowd.enter(c); full != "" {
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
		p.crowd.leave(c)
	})
}

// allows reports whether address may send.
func (p *Python) allows(address netip.Addr) bool {
	for _, prefix := range p.cfg.Allow {
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
		}
		if prefix.Contains(address) {
			return true
		}
	}
	return len(p.cfg.Allow) == 0
}

// A pythonCrowd is the open connections. No address may have more than a quarter of the places.
type pythonCrowd struct {
	mu              sync.Mutex
	conns           map[*pythonConn]struct{}
	ofPeer          map[netip.Addr]int
	places, perPeer int
}

func newPythonCrowd(places int) pythonCrowd {
	return pythonCrowd{conns: map[*pythonConn]struct{}{}, ofPeer: map[netip.Addr]int{}, places: places, perPeer: max(places/4, 1)}
}

// enter gives c a place, or says why not. Local connections share all places.
func (r *pythonCrowd) enter(c *pythonConn) (full string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.conns) >= r.places:
		return "max_connections are open"
	case c.peer.IsValid() && r.ofPeer[c.peer] >= r.perPeer:
		return "its address has a quarter of max_connections"
	}
	r.conns[c] = struct{}{}
	if c.peer.IsValid() {
		r.ofPeer[c.peer]++
	}
	return ""
}

// forgive no longer counts c against its address: it has sent all that it will, and waits for its receipt.
func (r *pythonCrowd) forgive(c *pythonConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.forgiven {
		return
	}
	c.forgiven = true
	if n := r.ofPeer[c.peer]; n > 1 {
		r.ofPeer[c.peer] = n - 1
	} else {
		delete(r.ofPeer, c.peer)
	}
}

// leave gives c's place back.
func (r *pythonCrowd) leave(c *pythonConn) {
	r.forgive(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

func (r *pythonCrowd) each(f func(*pythonConn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		f(c)
	}
}
