package listen

import (
	"net/netip"
	"sync"
)

// A crowd is the open connections of a socket. No address may have more than a quarter of the places, so that one host
// that leaks connections does not shut out the others.
type crowd struct {
	mu      sync.Mutex
	conns   map[*conn]struct{}
	ofPeer  map[netip.Addr]int
	places  int
	perPeer int
}

func newCrowd(places int) crowd {
	return crowd{conns: map[*conn]struct{}{}, ofPeer: map[netip.Addr]int{}, places: places, perPeer: max(places/4, 1)}
}

// resize changes how many places there are. Nobody is sent away.
func (r *crowd) resize(places int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places, r.perPeer = places, max(places/4, 1)
}

// enter gives c a place, or says why not. Local connections have no address, and share all places.
func (r *crowd) enter(c *conn) (full string) {
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

// leave gives c's place back.
func (r *crowd) leave(c *conn) {
	r.forgive(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// forgive no longer counts c against its address: it has sent all that it will, and waits for its receipt. A host whose
// programs log by short connections would else be shut out while a target is slow.
func (r *crowd) forgive(c *conn) {
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

// each calls f for each connection.
func (r *crowd) each(f func(*conn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		f(c)
	}
}
