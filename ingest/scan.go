package ingest

import (
	"encoding/binary"
	"math/bits"
)

// A kind is what a JSON value is. The number grammar is Python's: a number without point and exponent is an int.
type kind uint8

const (
	null kind = iota
	boolFalse
	boolTrue
	integer
	float // also NaN, Infinity and -Infinity, which Python writes and RFC 8259 does not know
	str
	array
	dict
)

// A value is one JSON value as it stands in the payload.
type value struct {
	raw     []byte
	kind    kind
	escaped bool // a string with a backslash in it
}

// text is what stands between the quotes of a string.
func (v value) text() []byte { return v.raw[1 : len(v.raw)-1] }

// maxDepth is how deeply arrays and objects may be nested in a value of the payload's object. encoding/json reads 10,000
// levels; format json puts the object into another.
const maxDepth = 10000 - 2

// A reader goes through JSON once, from front to back, and checks it (RFC 8259) as it goes; strings may hold any bytes
// but control characters. It does not recurse: depth costs a bit a level. gjson would copy the payload, unescape and
// convert what nobody asks for, and needs a second pass to check, which recurses.
type reader struct {
	s    []byte
	i    int
	bare int                          // how many NaN and Infinity there were
	nest [(maxDepth + 63) / 64]uint64 // a bit for each open level: 1 for an object
}

// start points the reader at s.
func (r *reader) start(s []byte) { r.s, r.i, r.bare = s, 0, 0 }

// blank holds what may stand between the parts of JSON.
var blank = [256]bool{' ': true, '\t': true, '\n': true, '\r': true}

// peek skips blanks and returns the byte behind them, or 0.
func (r *reader) peek() byte {
	for r.i < len(r.s) {
		if c := r.s[r.i]; !blank[c] {
			return c
		}
		r.i++
	}
	return 0
}

// open reads the bracket that begins an array or object, and reports whether a member follows.
func (r *reader) open() (more bool) {
	c := r.peek()
	r.i++
	if r.peek() == c+2 { // ']' and '}' come two behind '[' and '{'
		r.i++
		return false
	}
	return true
}

// next reads what follows a member: a comma, and more is true, or end.
func (r *reader) next(end byte) (more, ok bool) {
	c := r.peek()
	if c != ',' && c != end {
		return false, false
	}
	r.i++
	return c == ',', true
}

// key reads the name of an object's member and the colon.
func (r *reader) key() (v value, ok bool) {
	if r.peek() != '"' {
		return v, false
	}
	if v, ok = r.str(); !ok || r.peek() != ':' {
		return v, false
	}
	r.i++
	return v, true
}

// value reads any value.
func (r *reader) value() (v value, ok bool) {
	switch c := r.peek(); c {
	case '"':
		return r.str()
	case '{', '[':
		from := r.i
		if !r.container() {
			return v, false
		}
		v = value{raw: r.s[from:r.i], kind: array}
		if c == '{' {
			v.kind = dict
		}
		return v, true
	}
	return r.scalar()
}

// container reads an array or object and all that is in it.
func (r *reader) container() bool {
	depth := 0
	for {
		switch c := r.peek(); c {
		case '{', '[':
			if depth == maxDepth {
				return false
			}
			bit := uint64(1) << (depth & 63)
			if c == '{' {
				r.nest[depth>>6] |= bit
			} else {
				r.nest[depth>>6] &^= bit
			}
			if r.open() {
				depth++
				if c == '{' {
					if _, ok := r.key(); !ok {
						return false
					}
				}
				continue
			}
		case '"':
			if _, ok := r.str(); !ok {
				return false
			}
		default:
			if _, ok := r.scalar(); !ok {
				return false
			}
		}
		for { // behind a value: close what it ends
			if depth == 0 {
				return true
			}
			object := r.nest[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			end := byte(']')
			if object {
				end = '}'
			}
			more, ok := r.next(end)
			if !ok {
				return false
			}
			if more {
				if object {
					if _, ok := r.key(); !ok {
						return false
					}
				}
				break
			}
			depth--
		}
	}
}

// str reads a string, quotes included.
func (r *reader) str() (v value, ok bool) {
	from := r.i
	i := from + 1
	for {
		i += plainLength(r.s[i:])
		if i >= len(r.s) {
			return v, false
		}
		switch r.s[i] {
		case '"':
			r.i = i + 1
			v.raw, v.kind = r.s[from:r.i], str
			return v, true
		case '\\':
			n := escapeLength(r.s[i:])
			if n == 0 {
				return v, false
			}
			v.escaped = true
			i += n
		default:
			return v, false
		}
	}
}

// plainLength is how many bytes s begins with that are no quote, backslash or control character. It looks at eight at
// a time. A subtraction can carry into the bytes behind one that was found, never into those before it.
func plainLength(s []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(s); n += 8 {
		x := binary.LittleEndian.Uint64(s[n:])
		quote, backslash := x^'"'*ones, x^'\\'*ones
		if found := ((x-0x20*ones)&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & tops; found != 0 {
			return n + bits.TrailingZeros64(found)>>3
		}
	}
	for ; n < len(s); n++ {
		if c := s[n]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

// escapeLength is the length of the escape that s begins with, or 0 if it is none.
func escapeLength(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(s[2:]); ok {
			return 6
		}
	}
	return 0
}

// scalar reads a number or a word.
func (r *reader) scalar() (v value, ok bool) {
	c := r.peek()
	switch c {
	case 'n':
		return r.word("null", null)
	case 't':
		return r.word("true", boolTrue)
	case 'f':
		return r.word("false", boolFalse)
	case 'N':
		r.bare++
		return r.word("NaN", float)
	case 'I':
		r.bare++
		return r.word("Infinity", float)
	}
	s, i := r.s, r.i
	if c == '-' {
		if i++; i < len(s) && s[i] == 'I' {
			r.bare++
			return r.word("-Infinity", float)
		}
	}
	n := digits(s[i:])
	if n == 0 || n > 1 && s[i] == '0' {
		return v, false
	}
	i += n
	v.kind = integer
	if i < len(s) && s[i] == '.' {
		if n = digits(s[i+1:]); n == 0 {
			return v, false
		}
		i += 1 + n
		v.kind = float
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if n = digits(s[i:]); n == 0 {
			return v, false
		}
		i += n
		v.kind = float
	}
	v.raw, r.i = s[r.i:i], i
	return v, true
}

func (r *reader) word(w string, k kind) (v value, ok bool) {
	end := r.i + len(w)
	if end > len(r.s) || string(r.s[r.i:end]) != w {
		return v, false
	}
	v = value{raw: r.s[r.i:end], kind: k}
	r.i = end
	return v, true
}

// digits is how many digits s begins with.
func digits(s []byte) int {
	for i, c := range s {
		if c-'0' > 9 {
			return i
		}
	}
	return len(s)
}
