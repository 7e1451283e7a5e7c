package convert

import "slices"

// A condition is what a message has to be. Its value is the mapping of a rule's match.
type condition interface{ value() value }

type (
	always  bool // or never
	all     []condition
	any     []condition
	not     struct{ condition }
	literal struct { // one key of a match
		key  string
		what value
	}
	comparison struct { // of a field
		field, op string // op is empty for equals
		want      []string
		fold      bool
	}
)

// both holds where a and b do.
func both(a, b condition) condition {
	switch {
	case a == always(true):
		return b
	case b == always(true):
		return a
	case a == always(false) || b == always(false):
		return always(false)
	}
	var list all
	for _, c := range []condition{a, b} {
		if inner, ok := c.(all); ok {
			list = append(list, inner...)
		} else {
			list = append(list, c)
		}
	}
	// not a and not b is not (a or b), which one key can say.
	var none condition
	rest := list[:0:0]
	for _, c := range list {
		switch n, ok := c.(not); {
		case !ok:
			rest = append(rest, c)
		case none == nil:
			none = n.condition
			rest = append(rest, nil)
		default:
			none = either(none, n.condition)
		}
	}
	if i := slices.Index(rest, nil); i >= 0 {
		rest[i] = not{none}
	}
	if len(rest) == 1 {
		return rest[0]
	}
	return rest
}

// either holds where a or b does.
func either(a, b condition) condition {
	switch {
	case a == always(false):
		return b
	case b == always(false):
		return a
	case a == always(true) || b == always(true):
		return always(true)
	}
	var list any
	for _, c := range []condition{a, b} {
		if inner, ok := c.(any); ok {
			list = append(list, inner...)
		} else {
			list = append(list, c)
		}
	}
	// The same question about one field is asked with a list.
	var merged any
	for _, c := range list {
		if n := len(merged); n > 0 {
			last, ok := merged[n-1].(comparison)
			next, also := c.(comparison)
			if ok && also && last.field == next.field && last.op == next.op && last.fold == next.fold {
				last.want = slices.Concat(last.want, next.want)
				merged[n-1] = last
				continue
			}
		}
		merged = append(merged, c)
	}
	if len(merged) == 1 {
		return merged[0]
	}
	return merged
}

// negate holds where c does not.
func negate(c condition) condition {
	switch c := c.(type) {
	case always:
		return !c
	case not:
		return c.condition
	}
	return not{c}
}

func (c always) value() value { return value{} } // no match has one

func (c literal) value() value { return mapping(pair{c.key, c.what}) }

func (c not) value() value { return mapping(pair{"not", c.condition.value()}) }

func (c any) value() value { return mapping(pair{"any", values(c)}) }

// value puts the keys of all conditions into one mapping, if no two are the same.
func (c all) value() value {
	var one value
	for _, inner := range c {
		for _, p := range inner.value().pairs {
			if _, taken := one.lookup(p.key); taken {
				return mapping(pair{"all", values(c)})
			}
			one.pairs = append(one.pairs, p)
		}
	}
	return one
}

func values[T ~[]condition](conditions T) value {
	var list []value
	for _, c := range conditions {
		list = append(list, c.value())
	}
	return value{list: list}
}

// value writes a plain value where that means equals: one without the signs of a glob, which is not empty.
func (c comparison) value() value {
	plain := c.op == "" && !c.fold && !slices.ContainsFunc(c.want, func(w string) bool { return !plainValue(c.field, w) })
	if plain {
		return mapping(pair{c.field, texts(c.want)})
	}
	op := c.op
	if op == "" {
		op = "equals"
	}
	how := mapping(pair{op, texts(c.want)})
	if c.fold {
		how.pairs = append(how.pairs, pair{"ignore_case", bare("true")})
	}
	return mapping(pair{c.field, how})
}
