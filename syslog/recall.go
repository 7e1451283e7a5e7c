package syslog

import "hash/maphash"

// A Recall remembers what was made of messages, for those that come later and look the same: which rules they match, which
// file they go to. Most of that depends on a tag, a host or an input only, and a service sends thousands of messages with the
// same ones. Of fields whose values hardly ever come again it leaves off asking. One goroutine at a time uses it.
type Recall[T any] struct {
	fields  []Field
	pri     bool
	seed    maphash.Seed
	memos   [recallMemos]memo[T]
	looks   looks    // of the message that was asked for last
	at      *memo[T] // where it is to be kept; nil: nowhere
	second  bool     // which of its two places was used last
	scratch [recallLooks]byte

	asked, found int
	rest         int // so many messages are not looked up
}

const (
	recallMemos  = 512            // so many different looks are remembered
	recallLooks  = 56             // how long they may be, in bytes
	recallFields = 4              // of more fields the values are seldom all the same
	recallRound  = BatchSize      // after so many messages it is seen whether at least half was known
	recallRest   = 16 * BatchSize // else so many are not looked up
)

// Looks are the values of fields, each behind its length.
type looks struct {
	bytes [recallLooks]byte
	n     uint8
}

type memo[T any] struct {
	looks
	made T
}

// NewRecall returns a Recall for what depends on nothing of a message but these fields, and its PRI if pri is set. It is nil
// where that would be of no use, since some field holds what few messages have in common.
func NewRecall[T any](pri bool, fields ...Field) *Recall[T] {
	if len(fields) > recallFields || len(fields) == 0 {
		return nil
	}
	for _, f := range fields {
		if !f.Recurs() {
			return nil
		}
	}
	return &Recall[T]{fields: fields, pri: pri, seed: maphash.MakeSeed()}
}

// Find returns what was made of a message that looked like m, and whether there was one. If not, Keep is to be called with what
// is made of m now.
func (r *Recall[T]) Find(m *Message) (made *T, ok bool) {
	r.at = nil
	if r.asked == recallRound {
		if r.found < recallRound/2 {
			r.rest = recallRest
		}
		r.asked, r.found = 0, 0
	}
	if r.rest > 0 {
		r.rest--
		return nil, false
	}
	r.asked++
	if !r.look(m) {
		return nil, false
	}
	// There are two places for each, lest two that meet in one have each other forgotten all the time.
	n := maphash.Bytes(r.seed, r.looks.bytes[:r.looks.n]) % recallMemos
	for _, n := range [...]uint64{n, n ^ 1} {
		if at := &r.memos[n]; at.looks.same(&r.looks) {
			r.found++
			return &at.made, true
		}
	}
	if r.memos[n].n > 0 {
		if r.second = !r.second; r.second {
			n ^= 1
		}
	}
	r.at = &r.memos[n]
	return nil, false
}

// Keep remembers what was made of the message that Find did not know.
func (r *Recall[T]) Keep(made T) {
	if r.at != nil {
		r.at.looks, r.at.made = r.looks, made
		r.at = nil
	}
}

// look notes how m looks. It reports false if that is too long to be worth it.
func (r *Recall[T]) look(m *Message) bool {
	l, n := &r.looks, 1
	if r.pri {
		l.bytes[0], l.bytes[1] = byte(m.Facility), byte(m.Severity)
		n = 2
	}
	for _, f := range r.fields {
		v := f.Value(m, r.scratch[:0])
		if n+1+len(v) > recallLooks {
			return false
		}
		l.bytes[n] = byte(len(v))
		n += 1 + copy(l.bytes[n+1:], v)
	}
	l.n = uint8(n)
	return true
}

func (l *looks) same(o *looks) bool {
	return l.n == o.n && string(l.bytes[:l.n]) == string(o.bytes[:o.n])
}
