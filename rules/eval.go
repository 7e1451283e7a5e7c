package rules

import (
	"unicode"
	"unicode/utf8"

	"sluice/syslog"
)

// A key is a field that a condition looks at, in lower case if fold. Conditions of a Set share what was found for a
// message: place is where, behind 1, and 0 outside of a Set.
type key struct {
	field syslog.Field
	fold  bool
	place int
}

// An eval is one message under examination and what was found in it so far.
type eval struct {
	m     *syslog.Message
	slots []slot
	loose slot // of conditions outside of a Set
}

// A slot is the value of one key.
type slot struct {
	value   []byte
	bigrams uint64
	known   bool // value is that of the message at hand
	counted bool // likewise bigrams
	made    []byte
	lower   []byte
}

// look turns to another message.
func (e *eval) look(m *syslog.Message) {
	e.m = m
	for i := range e.slots {
		e.slots[i].known, e.slots[i].counted = false, false
	}
}

func (e *eval) value(k key) []byte { return e.slot(k).value }

func (e *eval) slot(k key) *slot {
	s := &e.loose
	if k.place > 0 {
		if s = &e.slots[k.place-1]; s.known {
			return s
		}
	}
	s.fill(e.m, k)
	return s
}

func (s *slot) fill(m *syslog.Message, k key) {
	if s.made == nil {
		s.made = make([]byte, 0, 128)
	}
	s.value = k.field.Value(m, s.made)
	if k.fold {
		s.lower = appendLower(s.lower[:0], s.value)
		s.value = s.lower
	}
	s.known, s.counted = true, false
}

// bigramsOf is a set of the pairs of neighbouring bytes in v, one bit for several pairs: if a text contains another, then
// its set contains the other's. It is worth its cost where many rules look for texts in a short field; a longer one
// would have nearly all bits set, and gets them at once.
func bigramsOf(v []byte) (set uint64) {
	const short = 64
	if len(v) > short {
		return ^uint64(0)
	}
	for i := 1; i < len(v); i++ {
		set |= 1 << ((v[i-1]*31 ^ v[i]*17) & 63)
	}
	return set
}

// set is the bigrams of the slot's value.
func (s *slot) set() uint64 {
	if !s.counted {
		s.bigrams, s.counted = bigramsOf(s.value), true
	}
	return s.bigrams
}

// appendLower appends v in lower case. Invalid UTF-8 stays as it is.
func appendLower(dst, v []byte) []byte {
	for i := 0; i < len(v); {
		c := v[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		i += n
	}
	return dst
}
