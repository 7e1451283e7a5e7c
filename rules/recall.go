package rules

import (
	"hash/maphash"
	"slices"
	"sync"

	"sluice/syslog"
)

// A recall is for Sets whose rules look at nothing but the PRI and fields in which messages are like each other: the tag, the
// host, the input. What such rules made of one message they make of every other that looks the same to them, so that most need
// not be asked at all.
type recall struct {
	fields   []syslog.Field // what the rules look at
	seed     maphash.Seed
	memories sync.Pool // of *memory: no more than are routing at once
}

const (
	recallFrom   = 6   // so many rules must look at fields before it is slower to ask them
	recallFields = 4   // so many fields are looked at; values of more are seldom all the same
	memos        = 512 // so many different messages are remembered
	maxLooks     = 56  // bytes of a message that rules look at
	maxMatched   = 8   // rules that a message matches
	recallRest   = 16  // batches that are not looked up after one of which less than half was known
)

// A memory is what one goroutine remembers.
type memory struct {
	*recall
	memos   [memos]memo
	looks   looks // of the message at hand
	at      *memo // where it is to be kept; nil if it is too long
	second  bool  // which of two places was used last
	scratch []byte
	asked   int // of the batch at hand
	found   int
	rest    int // so many batches are not looked up
}

// Looks are what rules see of a message: the PRI, and the values behind their lengths.
type looks struct {
	bytes [maxLooks]byte
	n     uint8
}

type memo struct {
	looks
	matched [maxMatched]int32
	rules   uint8
}

// use decides whether the rules are worth it.
func (c *recall) use(rules []*Rule) {
	b := newBinder(rules)
	var fields []syslog.Field
	for k := range b.places {
		if !k.field.Recurs() {
			return
		}
		if !slices.Contains(fields, k.field) {
			fields = append(fields, k.field)
		}
	}
	looking := 0
	for _, r := range rules {
		if r.Match != nil && !onlyPRI(r.Match) {
			looking++
		}
	}
	if len(fields) <= recallFields && looking >= recallFrom {
		c.fields, c.seed = fields, maphash.MakeSeed()
	}
}

// begin returns the memory for a batch; nil if none is to be used.
func (c *recall) begin() *memory {
	if c.fields == nil {
		return nil
	}
	m, _ := c.memories.Get().(*memory)
	if m == nil {
		m = &memory{recall: c, scratch: make([]byte, 0, maxLooks)}
	}
	m.begin()
	return m
}

// end gives it back.
func (c *recall) end(m *memory) {
	if m != nil {
		m.end()
		c.memories.Put(m)
	}
}

func (m *memory) begin() {
	m.asked, m.found = 0, 0
	if m.rest > 0 {
		m.rest--
	}
}

func (m *memory) end() {
	if m.found < m.asked/2 {
		m.rest = recallRest
	}
}

// find returns the rules that matched a message which looked like this one, if there was one.
func (m *memory) find(msg *syslog.Message) (matched []int32, ok bool) {
	if m == nil || m.rest > 0 {
		return nil, false
	}
	m.asked++
	if m.at = nil; !m.look(msg) {
		return nil, false
	}
	// There are two places for each, lest two that meet in one have each other forgotten all the time.
	n := maphash.Bytes(m.seed, m.looks.bytes[:m.looks.n]) % memos
	for _, n := range [...]uint64{n, n ^ 1} {
		if at := &m.memos[n]; at.looks.same(&m.looks) {
			m.found++
			return at.matched[:at.rules], true
		}
	}
	if m.memos[n].n > 0 {
		m.second = !m.second
		if m.second {
			n ^= 1
		}
	}
	m.at = &m.memos[n]
	return nil, false
}

func (l *looks) same(o *looks) bool {
	return l.n == o.n && string(l.bytes[:l.n]) == string(o.bytes[:o.n])
}

// look notes what rules see of msg. It reports false for what is not worth it: values that are long are seldom the same, and
// a broken PRI makes all of the text the message.
func (m *memory) look(msg *syslog.Message) bool {
	if msg.Guess&syslog.BrokenPRI != 0 {
		return false
	}
	l := &m.looks
	l.bytes[0], l.bytes[1] = byte(msg.Facility), byte(msg.Severity)
	n := 2
	for _, f := range m.fields {
		v := f.Value(msg, m.scratch)
		if n+1+len(v) > maxLooks {
			return false
		}
		l.bytes[n] = byte(len(v))
		n += 1 + copy(l.bytes[n+1:], v)
	}
	l.n = uint8(n)
	return true
}

// keep remembers which rules matched the message that was not found.
func (m *memory) keep(matched []int32) {
	if m == nil || m.rest > 0 || m.at == nil || len(matched) > maxMatched {
		return
	}
	m.at.looks = m.looks
	m.at.rules = uint8(copy(m.at.matched[:], matched))
}
