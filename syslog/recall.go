package syslog

import (
	"hash/maphash"
	"math/bits"
)

// A Recall remembers what was made of messages, for those that come later and look the same: which rules they match, which
// file they go to. Most of that depends on a tag, a host or an input only, and a service sends thousands of messages with the
// same ones. Of fields whose values hardly ever come again it leaves off asking. One goroutine at a time uses it.
type Recall[T any] struct {
	fields []Field
	pri    bool
	seed   maphash.Seed
	values [recallFields][]byte // of the message that was asked for last
	made   [recallFields][]byte // those that are no part of a message
	of     uint16               // its PRI
	memos  [recallMemos]memo[T]
	at     *memo[T] // where it is to be kept; nil: nowhere
	second bool     // which of its two places was used last

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

type memo[T any] struct {
	looks [recallLooks]byte // the values, each behind its length
	pri   uint16
	used  bool
	made  T
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
	r := &Recall[T]{fields: fields, pri: pri, seed: maphash.MakeSeed()}
	for i := range fields {
		r.made[i] = make([]byte, 0, 256) // as in newTemplate
	}
	return r
}

// Find returns what was made of a message that looked like m, and whether there was one. If not, Keep is to be called with what
// is made of m now, while m is as it is.
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
	n, ok := r.look(m)
	if !ok {
		return nil, false
	}
	// There are two places for each, lest two that meet in one have each other forgotten all the time.
	for _, n := range [...]uint64{n, n ^ 1} {
		if at := &r.memos[n]; r.looksLike(at) {
			r.found++
			return &at.made, true
		}
	}
	if r.memos[n].used {
		if r.second = !r.second; r.second {
			n ^= 1
		}
	}
	r.at = &r.memos[n]
	return nil, false
}

// look notes how m looks, and returns the place of what is known of it. It reports false if that is too long to be worth it.
func (r *Recall[T]) look(m *Message) (place uint64, ok bool) {
	if r.pri {
		r.of = uint16(m.Facility)<<8 | uint16(m.Severity)
		place = uint64(r.of) * 0x9e3779b97f4a7c15
	}
	n := 0
	for i, f := range r.fields {
		v := f.Value(m, r.made[i])
		r.values[i] = v
		n += 1 + len(v)
		place = bits.RotateLeft64(place, 32) ^ maphash.Bytes(r.seed, v)
	}
	return place % recallMemos, n <= recallLooks
}

// looksLike reports whether what is kept there is that of a message like the one at hand.
func (r *Recall[T]) looksLike(at *memo[T]) bool {
	if !at.used || at.pri != r.of {
		return false
	}
	looks := at.looks[:]
	for i := range r.fields {
		v := r.values[i]
		if int(looks[0]) != len(v) || string(looks[1:1+len(v)]) != string(v) {
			return false
		}
		looks = looks[1+len(v):]
	}
	return true
}

// Keep remembers what was made of the message that Find did not know.
func (r *Recall[T]) Keep(made T) {
	if r.at == nil {
		return
	}
	looks := r.at.looks[:0]
	for i := range r.fields {
		looks = append(append(looks, byte(len(r.values[i]))), r.values[i]...)
	}
	r.at.pri, r.at.used, r.at.made = r.of, true, made
	r.at = nil
}
