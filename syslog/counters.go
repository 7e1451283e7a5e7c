package syslog

import "sync/atomic"

// Counters count what an input did. Messages, Bytes, Malformed and Truncated speak of messages handed over.
type Counters struct {
	Messages, Bytes      atomic.Uint64 // Bytes: of the raw messages, without framing
	Malformed, Truncated atomic.Uint64

	DroppedKernel     atomic.Uint64 // udp: no room in the receive buffer
	DroppedNotAllowed atomic.Uint64 // datagrams and connections of peers that are not in allow, and tls clients that we refused
	DroppedStrict     atomic.Uint64 // messages against the grammar
	DroppedRateLimit  atomic.Uint64 // messages over the input's rate_limit

	Connections        atomic.Int64  // open now
	ConnectionsRefused atomic.Uint64 // over max_connections or one address's quarter, or without TLS's handshake where it belongs

	Reconnects atomic.Uint64 // of an input that connects: connections that worked and broke
	CutOff     atomic.Uint64 // redis: those among them that broke because we read too slowly, so that messages were lost
	Gone       atomic.Uint64 // redis: pending entries that were trimmed off their stream before they could be read again
}

// A Tally is what one reader has counted since it last told the Counters: one atomic add a batch, not a message. One
// goroutine uses it.
type Tally struct {
	Strict, NotAllowed, RateLimited uint64 // messages that were dropped

	messages, bytes, malformed, truncated uint64
}

// Count counts a message that was parsed.
func (t *Tally) Count(m *Message) {
	t.messages++
	t.bytes += uint64(len(m.Raw))
	if m.Guess == 0 {
		return
	}
	if m.Guess.Malformed() {
		t.malformed++
	}
	if m.Guess&Truncated != 0 {
		t.truncated++
	}
}

// Tell adds the tally to c and clears it.
func (t *Tally) Tell(c *Counters) {
	add(&c.Messages, t.messages)
	add(&c.Bytes, t.bytes)
	add(&c.Malformed, t.malformed)
	add(&c.Truncated, t.truncated)
	add(&c.DroppedStrict, t.Strict)
	add(&c.DroppedNotAllowed, t.NotAllowed)
	add(&c.DroppedRateLimit, t.RateLimited)
	*t = Tally{}
}

func add(c *atomic.Uint64, n uint64) {
	if n > 0 {
		c.Add(n)
	}
}
