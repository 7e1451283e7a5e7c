package writer

import (
	"errors"
	"hash/maphash"
	"time"

	"sluice/syslog"
)

// A Balance says which of several collectors gets a block.
type Balance uint8

// The balances.
const (
	Failover   Balance = iota // the first that can be reached, and the first of all again when it returns
	RoundRobin                // each in turn
	Hash                      // of the hostname: a host's messages go to one collector, while that can be reached
)

var balances = []string{"failover", "round_robin", "hash"}

func (b Balance) String() string { return balances[b] }

// UnmarshalText reads one of the three words.
func (b *Balance) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(b, "balance", text, balances)
}

// choose returns the link that is to take text, connected. If none can be reached the error says why of each.
func (r *Remote) choose(text *Block) (*link, error) {
	first := r.first(text)
	inOrder := func(yield func(*link) bool) {
		for n := range r.links {
			if !yield(r.links[(first+n)%len(r.links)]) {
				return
			}
		}
	}
	r.turn++
	for l := range inOrder {
		if !l.live() && l.retry.IsZero() { // nothing speaks against it
			l.connect()
		}
		if l.live() {
			return l, nil
		}
		if r.anyLive() {
			l.probe() // beside, so that nobody waits for it
		}
	}
	for _, late := range []bool{false, true} { // those that were lost a moment ago come last
		for l := range inOrder {
			if l.tried != r.turn && time.Now().Before(l.retry) == late && l.connect() == nil {
				return l, nil
			}
		}
	}
	var faults []error
	for l := range inOrder {
		faults = append(faults, l.fault)
	}
	return nil, errors.Join(faults...)
}

// first is which link would be the best.
func (r *Remote) first(text *Block) int {
	switch r.options.Balance {
	case RoundRobin:
		return r.turn % len(r.links)
	case Hash:
		return text.collector
	}
	return 0
}

// adopt takes over the connections that probes have made, and lets go of those that a peer ended while nothing was under
// way: nothing is lost with them.
func (r *Remote) adopt() {
	for _, l := range r.links {
		if l.live() && len(l.kept) == 0 {
			if over, _ := l.wire.over(); over {
				l.disconnect()
			}
		}
		select {
		case w := <-l.probed:
			l.probed = nil
			if w == nil {
				l.retry = time.Now().Add(r.options.Retry.Max)
			} else if l.live() {
				w.end()
			} else {
				l.use(w)
				r.log.Info("reached a collector again", "address", l.address.String())
			}
		default:
		}
	}
}

// hashSeed differs from one process to the next: senders who choose their hostnames cannot aim.
var hashSeed = maphash.MakeSeed()

// split gives each collector the messages of its hosts. The paths of b are hostnames.
func (r *Remote) split(b *Block) (pieces []piece) {
	parts, owed, n := make([]*Block, len(r.links)), &b.owed, uint32(0)
	for _, run := range b.paths.runs {
		which := int(maphash.Bytes(hashSeed, b.paths.of(run)) % uint64(len(parts)))
		part := parts[which]
		if part == nil {
			part = &Block{collector: which}
			parts[which] = part
			pieces = append(pieces, piece{text: part, of: b, owed: owed})
		}
		for ; n < run.behind; n++ {
			part.Text = append(part.Text, b.Text[b.start(n):b.Ends[n]]...)
			part.add()
		}
	}
	if pieces == nil { // it was purged, and is counted all the same
		pieces = append(pieces, piece{text: b, of: b, owed: owed})
	}
	owed.written, owed.undelivered, owed.unreleased = false, len(pieces), len(pieces)
	return pieces
}
