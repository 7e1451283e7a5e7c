// Package crowd is for inputs that have many connections: who may send, how many may be open, and what those that are
// read at the moment work with.
package crowd

import (
	"net/netip"
	"sync"
)

// A Crowd is the open connections of a socket. No address may have more than a quarter of the places, so that one host
// that leaks connections does not shut out the others.
type Crowd[C comparable] struct {
	mu      sync.Mutex
	counted map[C]netip.Addr // against which address; against none: local, or forgiven
	ofPeer  map[netip.Addr]int
	places  int
	perPeer int
}

// New returns an empty crowd.
func New[C comparable](places int) *Crowd[C] {
	r := &Crowd[C]{counted: map[C]netip.Addr{}, ofPeer: map[netip.Addr]int{}}
	r.Resize(places)
	return r
}

// Resize changes how many places there are. Nobody is sent away.
func (r *Crowd[C]) Resize(places int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places, r.perPeer = places, max(places/4, 1)
}

// Len is how many are open.
func (r *Crowd[C]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.counted)
}

// Enter gives c a place, or says why not. Local connections have no valid peer, and share all places.
func (r *Crowd[C]) Enter(c C, peer netip.Addr) (full string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.counted) >= r.places:
		return "max_connections are open"
	case peer.IsValid() && r.ofPeer[peer] >= r.perPeer:
		return "its address has a quarter of max_connections"
	}
	r.counted[c] = peer
	if peer.IsValid() {
		r.ofPeer[peer]++
	}
	return ""
}

// Leave gives c's place back.
func (r *Crowd[C]) Leave(c C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgive(c)
	delete(r.counted, c)
}

// Forgive no longer counts c against its address: it has sent all that it will, and waits for its receipt. A host whose
// programs log by short connections would else be shut out while a target is slow.
func (r *Crowd[C]) Forgive(c C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgive(c)
}

func (r *Crowd[C]) forgive(c C) {
	peer := r.counted[c]
	if !peer.IsValid() {
		return
	}
	r.counted[c] = netip.Addr{}
	if r.ofPeer[peer]--; r.ofPeer[peer] == 0 {
		delete(r.ofPeer, peer)
	}
}

// Each calls f for each connection. f must not call the crowd.
func (r *Crowd[C]) Each(f func(C)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.counted {
		f(c)
	}
}
