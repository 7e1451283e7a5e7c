package rules

import "sluice/syslog"

// candidates go through the rules that a message may match, in their order. They are in ascending lists of options,
// no rule being in two of them.
type candidates struct {
	lists   [1 + maxTables + maxGrams][]option
	n       int
	bigrams [1 + maxSieves]uint64 // of the sieves
	found   [maxGrams][]option
}

// find makes c over for the message under examination.
func (c *candidates) find(x *index, e *eval) {
	c.n, c.bigrams[0] = 1, ^uint64(0)
	if e.m.Guess&syslog.BrokenPRI != 0 {
		c.lists[0] = x.all
		return
	}
	c.lists[0] = x.byPRI[min(e.m.PRI(), maxPRI)]
	for i := range x.exact {
		t := &x.exact[i]
		if list := t.rules[string(e.value(t.key))]; len(list) > 0 {
			c.lists[c.n] = list
			c.n++
		}
	}
	for i, g := range x.grams {
		if c.found[i] = g.find(c.found[i][:0], e.value(g.key)); len(c.found[i]) > 0 {
			c.lists[c.n] = c.found[i]
			c.n++
		}
	}
	if len(c.lists[0]) == 0 {
		return
	}
	for i, k := range x.sieves {
		c.bigrams[i+1] = e.slot(k).set()
	}
}

// heldBack reports whether the value lacks a pair of letters that the rule needs.
func (c *candidates) heldBack(o option) bool { return o.bits&^c.bigrams[o.sieve&maxSieves] != 0 }

// next returns the next rule, or -1.
func (c *candidates) next() int32 {
	// The first list is the long one: pass over what the sieves hold back before its head is compared with the others.
	list := c.lists[0]
	for len(list) > 0 && c.heldBack(list[0]) {
		list = list[1:]
	}
	c.lists[0] = list
	best := -1
	for i := range c.n {
		if l := c.lists[i]; len(l) > 0 && (best < 0 || l[0].rule < c.lists[best][0].rule) {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	n := c.lists[best][0].rule
	c.lists[best] = c.lists[best][1:]
	return n
}
