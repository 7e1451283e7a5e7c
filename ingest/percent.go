package ingest

import (
	"math"
	"strconv"
)

// appendPercent appends what Python's format % args gives, where args is the JSON of a LogRecord's args: a list (the
// tuple), or the dict that logging makes of a tuple that holds one. ok is false where Python would raise an exception:
// too few arguments or too many, a text for %d, an unknown conversion; and where dst would grow beyond limit. Then dst
// is to be thrown away.
func appendPercent(dst, format []byte, args value, limit int) (_ []byte, ok bool) {
	p := percent{dst: dst, rest: format, limit: limit, effort: maxEffort}
	p.take(args)
	for {
		n := indexPercent(p.rest)
		p.dst = append(p.dst, p.rest[:n]...)
		if n == len(p.rest) {
			break
		}
		p.rest = p.rest[n+1:]
		if !p.conversion() || len(p.dst) > limit {
			return nil, false
		}
	}
	if p.more && p.dict.raw == nil {
		return nil, false // Python: not all arguments converted
	}
	return p.dst, true
}

// Limits on what a hostile record can make us do. A record whose args are a large dict and whose msg asks it for many
// keys would have us read it through for each.
const (
	maxWidth  = 64 << 10 // of one conversion, and digits of a number
	maxDigits = 4300     // of a number for %x and %o; Python's limit too
	maxEffort = 4 << 20  // bytes read in looking for keys
)

// percent is one format on its way.
type percent struct {
	dst    []byte
	rest   []byte // of the format
	limit  int
	effort int

	list   reader // where the list's next argument is
	single value  // the argument, where args are no list
	isList bool
	more   bool  // arguments are left
	dict   value // args, if %(key)s can ask them
}

// take splits args as LogRecord and % do.
func (p *percent) take(args value) {
	if args.kind != array {
		p.single, p.more = args, true
		if args.kind == dict {
			p.dict = args
		}
		return
	}
	p.isList = true
	p.list.start(args.raw)
	if p.more = p.list.open(); !p.more {
		return
	}
	at := p.list.i
	if first, _ := p.list.value(); first.kind == dict && !isFalse(first) && p.list.peek() == ']' {
		p.isList, p.single, p.dict = false, first, first
		return
	}
	p.list.i = at
}

// argument is the next argument.
func (p *percent) argument() (v value, ok bool) {
	if !p.more {
		return v, false
	}
	if !p.isList {
		p.more = false
		return p.single, true
	}
	v, _ = p.list.value()
	p.more, _ = p.list.next(']')
	return v, true
}

// lookup makes the value of the key that stands in parentheses at the start of rest the next argument.
func (p *percent) lookup() bool {
	if p.dict.raw == nil {
		return false
	}
	open, n := 1, 1
	for ; open > 0; n++ {
		if n == len(p.rest) {
			return false
		}
		switch p.rest[n] {
		case '(':
			open++
		case ')':
			open--
		}
	}
	name := p.rest[1 : n-1]
	p.rest = p.rest[n:]
	if p.effort -= len(p.dict.raw); p.effort < 0 {
		return false
	}
	var r reader
	r.start(p.dict.raw)
	for more := r.open(); more; more, _ = r.next('}') {
		k, _ := r.key()
		v, _ := r.value()
		if equalText(k, name) {
			p.isList, p.single, p.more = false, v, true
			return true
		}
	}
	return false
}

// equalText reports whether the string v says text.
func equalText(v value, text []byte) bool {
	if v.escaped {
		return string(appendUnquoted(nil, v.text())) == string(text)
	}
	return string(v.text()) == string(text)
}

// A spec is one conversion: %(key)#0- +width.precision and a letter.
type spec struct {
	left, sign, blank, alt, zero bool
	width, precision             int
	verb                         byte
}

const unset = math.MinInt32 // one can subtract lengths from it

// conversion reads one conversion behind its % and appends what it makes.
func (p *percent) conversion() bool {
	if len(p.rest) > 0 && p.rest[0] == '%' { // with anything between it is an error
		p.dst, p.rest = append(p.dst, '%'), p.rest[1:]
		return true
	}
	if len(p.rest) > 0 && p.rest[0] == '(' && !p.lookup() {
		return false
	}
	s := spec{width: unset, precision: unset}
	p.flags(&s)
	n, ok := p.number()
	if !ok {
		return false
	}
	if s.width = n; n != unset && n < 0 { // from a *
		s.left, s.width = true, -n
	}
	if len(p.rest) > 0 && p.rest[0] == '.' {
		p.rest = p.rest[1:]
		if n, ok = p.number(); !ok {
			return false
		}
		s.precision = max(n, 0)
	}
	if len(p.rest) > 0 && (p.rest[0] == 'h' || p.rest[0] == 'l' || p.rest[0] == 'L') {
		p.rest = p.rest[1:]
	}
	if len(p.rest) == 0 || s.width > maxWidth {
		return false
	}
	s.verb, p.rest = p.rest[0], p.rest[1:]
	v, ok := p.argument()
	return ok && p.convert(s, v)
}

func (p *percent) flags(s *spec) {
	for len(p.rest) > 0 {
		switch p.rest[0] {
		case '-':
			s.left = true
		case '+':
			s.sign = true
		case ' ':
			s.blank = true
		case '#':
			s.alt = true
		case '0':
			s.zero = true
		default:
			return
		}
		p.rest = p.rest[1:]
	}
}

// number reads a width or precision: digits, or * for the next argument; unset if neither is there.
func (p *percent) number() (n int, ok bool) {
	if len(p.rest) > 0 && p.rest[0] == '*' {
		p.rest = p.rest[1:]
		v, ok := p.argument()
		if !ok {
			return 0, false
		}
		n, ok = v.int()
		return n, ok && n == int(int32(n))
	}
	k := digits(p.rest)
	if k == 0 {
		return unset, true
	}
	n, err := strconv.Atoi(string(p.rest[:k]))
	p.rest = p.rest[k:]
	return n, err == nil
}

func (p *percent) convert(s spec, v value) bool {
	switch s.verb {
	case 's', 'r', 'a':
		p.text(s, v)
		return true
	case 'c':
		return p.char(s, v)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		return p.integer(s, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return p.float(s, v)
	}
	return false
}

// isFalse reports whether Python takes v for false: args that are so are none.
func isFalse(v value) bool {
	switch v.kind {
	case null, boolFalse:
		return true
	case str:
		return len(v.raw) == 2
	case integer, float:
		return v.float() == 0
	case array, dict:
		for _, c := range v.raw[1:] {
			if !blank[c] {
				return c == ']' || c == '}'
			}
		}
	}
	return false
}

// indexPercent is where the first % of s is, or its length.
func indexPercent(s []byte) int {
	for i, c := range s {
		if c == '%' {
			return i
		}
	}
	return len(s)
}
