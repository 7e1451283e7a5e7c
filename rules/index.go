package rules

import (
	"slices"

	"sluice/syslog"
)

// An index finds the few rules that a message may match among many, so that the cost of a message hardly grows with rules
// that are not about it. It knows which rules a PRI rules out, which ask for an exact value of a field that the message
// has not, and which look for a text in a field that lacks three of the text's letters, or one of its pairs.
type index struct {
	rules  []indexed
	slots  int
	sieves []key                // of values whose bigrams are counted
	byPRI  [maxPRI + 1][]option // the rules for each PRI that are in no table, ascending; equal lists are shared
	all    []option             // every rule, for a message whose PRI is broken
	exact  []table
	grams  []*grams

	decided [][]int32 // for each PRI the rules that match, where no rule looks at anything else; else nil
}

const maxPRI = 191

// An option is a rule that a message may match if the value of its sieve has all these bigrams.
type option struct {
	bits  uint64
	rule  int32
	sieve int32 // from 1; 0 is a sieve that lets everything pass
}

// A table leads from the exact values of one field to the rules that ask for them, ascending.
type table struct {
	key   key
	rules map[string][]option
}

const (
	tableFrom = 4  // so many rules must ask for exact values of a field before a table is quicker than asking each
	sieveFrom = 6  // so many texts must be looked for in a field before its bigrams are worth counting
	maxTables = 6  // bounds what a merge has to look at
	maxSieves = 15 // likewise what is counted for a message
)

// An indexed rule is what of a rule's condition is left to ask.
type indexed struct {
	option
	pri   *[maxPRI + 1]bool // nil: any
	rest  []Condition       // if the PRI is right
	whole Condition         // if the PRI is broken, where the index does not help; nil: every message
}

func (r *indexed) holds(e *eval) bool {
	if e.m.Guess&syslog.BrokenPRI != 0 {
		return r.whole == nil || r.whole.holds(e)
	}
	if r.pri != nil && !r.pri[min(e.m.PRI(), maxPRI)] {
		return false
	}
	for _, c := range r.rest {
		if !c.holds(e) {
			return false
		}
	}
	return true
}

func newIndex(rules []*Rule) index {
	x := index{rules: make([]indexed, len(rules))}
	b := newBinder(rules)
	x.slots = len(b.places)
	exact := make([]*compare, len(rules)) // the condition by which a rule may stand in a table
	asking := map[key]int{}
	for i, r := range rules {
		ix := &x.rules[i]
		ix.rule = int32(i)
		x.all = append(x.all, option{rule: int32(i)})
		if r.Match == nil {
			continue
		}
		ix.whole = b.bind(r.Match)
		for _, c := range conjuncts(ix.whole) {
			if onlyPRI(c) {
				ix.narrow(c)
				continue
			}
			ix.rest = append(ix.rest, c)
			if c, ok := c.(*compare); ok && c.exact && exact[i] == nil {
				exact[i] = c
				asking[c.key]++
			}
		}
	}
	scan := x.fillGrams(x.fillTables(exact, asking))
	for _, n := range scan {
		x.addSieve(&x.rules[n])
	}
	list := make([]option, 0, len(scan))
	for pri := range x.byPRI {
		list = list[:0]
		for _, n := range scan {
			if p := x.rules[n].pri; p == nil || p[pri] {
				list = append(list, x.rules[n].option)
			}
		}
		x.byPRI[pri] = x.share(list, pri)
	}
	x.decide(rules)
	return x
}

// decide finds the rules that match for each PRI, if there is nothing else to ask.
func (x *index) decide(rules []*Rule) {
	for i := range x.rules {
		if len(x.rules[i].rest) > 0 {
			return
		}
	}
	x.decided = make([][]int32, len(x.byPRI))
	for pri, options := range x.byPRI {
		for _, o := range options {
			x.decided[pri] = append(x.decided[pri], o.rule)
			if rules[o.rule].Stop {
				break
			}
		}
	}
}

// share returns a list like this one: that of the PRI before, or of the facility before, or a copy.
func (x *index) share(list []option, pri int) []option {
	for _, before := range [...]int{pri - 1, pri - 8} {
		if before >= 0 && slices.Equal(list, x.byPRI[before]) {
			return x.byPRI[before]
		}
	}
	return slices.Clone(list)
}

// fillTables puts rules into tables and returns the others.
func (x *index) fillTables(exact []*compare, asking map[key]int) (scan []int) {
	tables := map[key]int{}
	for i, c := range exact {
		if c == nil || asking[c.key] < tableFrom {
			scan = append(scan, i)
			continue
		}
		t, ok := tables[c.key]
		if !ok {
			if len(tables) == maxTables {
				scan = append(scan, i)
				continue
			}
			t = len(x.exact)
			tables[c.key] = t
			x.exact = append(x.exact, table{c.key, map[string][]option{}})
		}
		for _, want := range c.want {
			if c.fold {
				want = string(appendLower(nil, []byte(want)))
			}
			have := x.exact[t].rules[want]
			if len(have) == 0 || have[len(have)-1].rule != int32(i) {
				x.exact[t].rules[want] = append(have, option{rule: int32(i)})
			}
		}
	}
	return scan
}

// addSieve gives the rule the bigrams that every value has which the first condition takes that has such, if many
// conditions look at its field.
func (x *index) addSieve(ix *indexed) {
	for _, c := range ix.rest {
		c, ok := c.(*compare)
		if !ok || !c.sieved {
			continue
		}
		bits := ^uint64(0)
		for _, t := range c.tests {
			bits &= t.bigrams
		}
		if bits == 0 {
			continue
		}
		n := slices.Index(x.sieves, c.key)
		if n < 0 {
			if len(x.sieves) == maxSieves {
				continue
			}
			n = len(x.sieves)
			x.sieves = append(x.sieves, c.key)
		}
		ix.sieve, ix.bits = int32(n+1), bits
		return
	}
}

// narrow restricts the rule to the PRIs that c holds for.
func (r *indexed) narrow(c Condition) {
	if r.pri == nil {
		r.pri = new([maxPRI + 1]bool)
		for i := range r.pri {
			r.pri[i] = true
		}
	}
	m := new(syslog.Message)
	e := &eval{m: m} // made once: with a thousand rules that is 40 MB less at a start
	for i := range r.pri {
		m.Facility, m.Severity = syslog.Facility(i>>3), syslog.Severity(i&7)
		r.pri[i] = r.pri[i] && c.holds(e)
	}
}

// conjuncts are the conditions that must all hold for c to.
func conjuncts(c Condition) []Condition {
	if group, ok := c.(all); ok {
		var out []Condition
		for _, c := range group {
			out = append(out, conjuncts(c)...)
		}
		return out
	}
	return []Condition{c}
}

// onlyPRI reports whether c looks at nothing but facility and severity.
func onlyPRI(c Condition) bool {
	other := func(c Condition) bool { return !onlyPRI(c) }
	switch c := c.(type) {
	case facilities, severities, severityRange, selector:
		return true
	case all:
		return !slices.ContainsFunc(c, other)
	case any:
		return !slices.ContainsFunc(c, other)
	case not:
		return onlyPRI(c.Condition)
	}
	return false
}
