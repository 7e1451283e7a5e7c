package rules

// A binder gives the conditions of a Set places to share what they find in a message.
type binder struct {
	places map[key]int // from 1
	texts  map[key]int // how many texts are looked for
}

func newBinder(rules []*Rule) *binder {
	b := &binder{places: map[key]int{}, texts: map[key]int{}}
	for _, r := range rules {
		if r.Match != nil {
			b.count(r.Match)
		}
	}
	return b
}

func (b *binder) count(c Condition) {
	add := func(k key, texts int) {
		if _, ok := b.places[k]; !ok {
			b.places[k] = len(b.places) + 1
		}
		b.texts[k] += texts
	}
	switch c := c.(type) {
	case all:
		b.each(c)
	case any:
		b.each(c)
	case not:
		b.count(c.Condition)
	case *compare:
		add(c.key, len(c.tests))
	case exists:
		add(c.key, 0)
	case within:
		add(c.key, 0)
	}
}

func (b *binder) each(conditions []Condition) {
	for _, c := range conditions {
		b.count(c)
	}
}

// bind returns c with the places filled in. c itself is left as it was.
func (b *binder) bind(c Condition) Condition {
	switch c := c.(type) {
	case all:
		return all(b.bindEach(c))
	case any:
		return any(b.bindEach(c))
	case not:
		return not{b.bind(c.Condition)}
	case *compare:
		bound := *c
		bound.sieved = b.texts[c.key] >= sieveFrom
		bound.place = b.places[c.key]
		return &bound
	case exists:
		c.place = b.places[c.key]
		return c
	case within:
		c.place = b.places[c.key]
		return c
	}
	return c
}

func (b *binder) bindEach(conditions []Condition) []Condition {
	out := make([]Condition, len(conditions))
	for i, c := range conditions {
		out[i] = b.bind(c)
	}
	return out
}
