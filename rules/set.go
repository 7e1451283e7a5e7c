// Package rules decides which targets a message goes to. Its functions are pure: they look at the message and at
// nothing else, so that the same code routes, explains and tests.
package rules

import (
	"sync/atomic"

	"sluice/syslog"
)

// A Rule sends the messages that its condition holds for to its targets.
type Rule struct {
	Name    string
	Match   Condition // nil: every message
	Targets []int     // indexes into whatever the Set's user calls targets
	Stop    bool      // a message that matches is not shown to the rules behind

	matches atomic.Uint64
}

// Matches is how many messages the rule has matched.
func (r *Rule) Matches() uint64 { return r.matches.Load() }

// A Set is an ordered list of rules. A message goes to every target of every rule that matches, until one says stop.
// A Set is not changed once it is made; any number of goroutines may route with it at once.
type Set struct {
	Rules    []*Rule
	targets  int
	index    index
	recall   recall
	unrouted atomic.Uint64
}

// NewSet returns a Set over so many targets.
func NewSet(rules []*Rule, targets int) *Set {
	s := &Set{Rules: rules, targets: targets, index: newIndex(rules)}
	s.recall.use(rules)
	return s
}

// Unrouted is how many messages no rule matched.
func (s *Set) Unrouted() uint64 { return s.unrouted.Load() }

// Routes is where the messages of one batch go. It is used again for batch after batch, by one goroutine at a time.
type Routes struct {
	To      [][]int32 // for each target the indexes of its messages in the batch, ascending
	matches []uint32
	matched []int32 // the rules that the message at hand matches
	eval    eval
	found   candidates
	of      *Set
}

// Route finds the targets of each message of b and counts the matches. It makes r over, and allocates nothing once r is warm.
func (s *Set) Route(b *syslog.Batch, r *Routes) {
	r.reset(s)
	unrouted := uint64(0)
	memory := s.recall.begin()
	for i := range b.Messages {
		matched := s.match(r, memory, &b.Messages[i])
		if len(matched) == 0 {
			unrouted++
		}
		s.send(r, matched, int32(i))
	}
	s.recall.end(memory)
	for i, n := range r.matches {
		if n > 0 {
			s.Rules[i].matches.Add(uint64(n))
		}
	}
	if unrouted > 0 {
		s.unrouted.Add(unrouted)
	}
}

// match returns the rules that m matches, valid until the next call.
func (s *Set) match(r *Routes, before memory, m *syslog.Message) []int32 {
	if s.index.decided != nil && m.Guess&syslog.BrokenPRI == 0 {
		return s.index.decided[min(m.PRI(), maxPRI)]
	}
	if matched, ok := before.find(m); ok {
		return matched
	}
	s.askAll(r, m)
	before.keep(m, r.matched)
	return r.matched
}

// askAll finds them by asking the rules that the index leaves.
func (s *Set) askAll(r *Routes, m *syslog.Message) {
	r.matched = r.matched[:0]
	r.eval.look(m)
	r.found.find(&s.index, &r.eval)
	if r.found.n == 1 { // the usual case: no table has rules for this message
		for _, o := range r.found.lists[0] {
			if !r.found.heldBack(o) && s.ask(r, o.rule) {
				break
			}
		}
		return
	}
	for n := r.found.next(); n >= 0 && !s.ask(r, n); {
		n = r.found.next()
	}
}

// ask notes rule n if the message matches it, and reports whether no other is to be asked then.
func (s *Set) ask(r *Routes, n int32) (stop bool) {
	if !s.index.rules[n].holds(&r.eval) {
		return false
	}
	r.matched = append(r.matched, n)
	return s.Rules[n].Stop
}

// send counts the rules that message i matches, and adds it to their targets.
func (s *Set) send(r *Routes, matched []int32, i int32) {
	for _, n := range matched {
		r.matches[n]++
		for _, t := range s.Rules[n].Targets {
			if to := r.To[t]; len(to) == 0 || to[len(to)-1] != i { // once, even if two rules say so
				r.To[t] = append(to, i)
			}
		}
	}
}

func (r *Routes) reset(s *Set) {
	if r.of != s {
		*r = Routes{of: s, matches: make([]uint32, len(s.Rules)), To: make([][]int32, s.targets)}
		r.eval.slots = make([]slot, s.index.slots)
		return
	}
	clear(r.matches)
	for i := range r.To {
		r.To[i] = r.To[i][:0]
	}
}

// Inherit adds to the counts of s those of the rules of the same names in from, which may be in use yet: rest adds what they
// have counted since, when it is not any more.
func (s *Set) Inherit(from *Set) (rest func()) {
	before := make([]uint64, len(from.Rules))
	unrouted := uint64(0)
	add := func() {
		byName := make(map[string]*Rule, len(s.Rules))
		for _, r := range s.Rules {
			byName[r.Name] = r
		}
		for i, r := range from.Rules {
			n := r.Matches()
			if heir := byName[r.Name]; heir != nil {
				heir.matches.Add(n - before[i])
			}
			before[i] = n
		}
		n := from.Unrouted()
		s.unrouted.Add(n - unrouted)
		unrouted = n
	}
	add()
	return add
}
