package ingest

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A zmqListener is a bound socket: *net.TCPListener or *net.UnixListener.
type zmqListener interface {
	net.Listener
	syscall.Conn
}

const (
	zmqFirstAcceptPause = 5 * time.Millisecond
	zmqMaxAcceptPause   = time.Second
)

// accept accepts until ctx ends, and has each connection read in a goroutine of its own: none waits for another's
// handshake. What cannot be accepted now (EMFILE) may be later.
func (z *ZMQ) accept(ctx context.Context, ln zmqListener, serving *sync.WaitGroup) {
	pause := zmqFirstAcceptPause
	for {
		nc, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return
		case err == nil:
			pause = zmqFirstAcceptPause
			if z.accepting.Resolved() {
				z.log.Info("connections are accepted again")
			}
			z.admit(nc, serving)
		default:
			if unsaid, ok := z.accepting.Due(time.Now()); ok {
				z.log.Error("cannot accept connections", "error", err, "unsaid", unsaid)
			}
			sleep(ctx, pause)
			pause = min(2*pause, zmqMaxAcceptPause)
		}
	}
}

// admit starts with nc, or closes it if it may not send, or if there are too many.
func (z *ZMQ) admit(nc net.Conn, serving *sync.WaitGroup) {
	c, err := newZMQConn(z, nc)
	if err != nil {
		nc.Close()
		return
	}
	if !z.allows(c.peer) {
		z.counters.DroppedNotAllowed.Add(1)
		if unsaid, ok := z.notAllowed.Due(time.Now()); ok {
			z.log.Warn("refused connections of peers that are not in allow", "source", c.source(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	if full := z.crowd.enter(c); full != "" {
		z.counters.ConnectionsRefused.Add(1)
		if unsaid, ok := z.full.Due(time.Now()); ok {
			z.log.Warn("refused a connection: "+full, "source", c.source(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	serving.Go(func() {
		defer z.crowd.leave(c)
		if err := c.open(); err != nil {
			z.sayRefused(c, err)
			return
		}
		c.serve()
		z.sayTorn(c)
	})
}

// allows expects addresses as people write them; a local peer has none.
func (z *ZMQ) allows(peer netip.Addr) bool {
	for _, p := range z.cfg.Allow {
		if p.Contains(peer) {
			return true
		}
	}
	return len(z.cfg.Allow) == 0 || !peer.IsValid()
}

// A zmqCrowd is the connections that are open. No address may have more than a quarter of the places that bound sockets
// have, so that one host that leaks connections does not shut out the others.
type zmqCrowd struct {
	mu      sync.Mutex
	conns   map[*zmqConn]struct{}
	ofPeer  map[netip.Addr]int
	places  int
	perPeer int
}

func newZMQCrowd(places int) zmqCrowd {
	return zmqCrowd{conns: map[*zmqConn]struct{}{}, ofPeer: map[netip.Addr]int{}, places: places, perPeer: max(places/4, 1)}
}

// enter gives c a place, or says why not. Local connections have no address, and share all places.
func (r *zmqCrowd) enter(c *zmqConn) (full string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.conns) >= r.places:
		return "max_connections are open"
	case c.peer.IsValid() && r.ofPeer[c.peer] >= r.perPeer:
		return "its address has a quarter of max_connections"
	}
	r.conns[c] = struct{}{}
	r.ofPeer[c.peer]++
	return ""
}

// leave gives c's place back.
func (r *zmqCrowd) leave(c *zmqConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	if r.ofPeer[c.peer]--; r.ofPeer[c.peer] == 0 {
		delete(r.ofPeer, c.peer)
	}
}

// each calls f for each connection.
func (r *zmqCrowd) each(f func(*zmqConn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		f(c)
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
