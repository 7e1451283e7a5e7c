package ingest

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	pickleDepth   = 64   // how deeply what is written may be nested
	longestDigits = 4300 // of an int: Python itself writes no longer one
	longestInt    = 1785 // bytes have so many digits
)

// A level is a sequence that is being written: what is left of its segment, and which comes next.
type level struct {
	sequence uint32
	at, to   int32
	next     int32
	begun    bool
}

// append writes root, the dict that read has returned, as a JSON object. Names stand as "<module.name>", and what is in
// itself, or nested too deeply, as "<...>". NaN and Infinity are bare, as Python's json writes them. If it becomes
// longer than limit, the value of the key that did it is "<too large>", what follows is left out, and whole is false:
// a memo can make gigabytes of a few bytes.
func (u *unpickler) append(dst []byte, root item, limit int) (_ []byte, whole bool) {
	limit += len(dst)
	var levels [pickleDepth]level
	depth := 1
	dst = u.open(dst, &levels[0], root)
	entry, value := 0, 0 // where the entry in hand of root begins, and its value, if it has come to that
	for {
		l := &levels[depth-1]
		q := &u.sequence[l.sequence]
		if l.at == l.to && !u.advance(l) {
			dst = append(dst, closing[q.kind])
			q.open = false
			if depth--; depth == 0 {
				return dst, true
			}
			continue
		}
		if depth == 1 {
			entry, value = len(dst), 0
		}
		if l.begun {
			dst = append(dst, ',')
		}
		l.begun = true
		if q.kind == mapping {
			dst = append(u.appendKey(dst, u.cells[l.at]), ':')
			l.at++
			if depth == 1 && len(dst) <= limit {
				value = len(dst)
			}
		}
		it := u.cells[l.at]
		l.at++
		switch {
		case it.kind != itemSequence:
			dst = u.appendLeaf(dst, it)
		case u.isName(it):
			dst = u.appendName(dst, it)
		case u.sequence[it.a].open || depth == pickleDepth:
			dst = append(dst, `"<...>"`...)
		default:
			dst = u.open(dst, &levels[depth], it)
			depth++
		}
		if len(dst) > limit {
			for _, l := range levels[:depth] {
				u.sequence[l.sequence].open = false
			}
			if value == 0 {
				return append(dst[:entry], '}'), false
			}
			return append(dst[:value], `"<too large>"}`...), false
		}
	}
}

var (
	opening = [...]byte{tuple: '[', list: '[', set: '[', mapping: '{'}
	closing = [...]byte{tuple: ']', list: ']', set: ']', mapping: '}'}
)

func (u *unpickler) open(dst []byte, l *level, it item) []byte {
	q := &u.sequence[it.a]
	q.open = true
	*l = level{sequence: it.a, next: q.first}
	return append(dst, opening[q.kind])
}

// advance goes to the next segment.
func (u *unpickler) advance(l *level) bool {
	if l.next == none {
		return false
	}
	s := u.segments[l.next]
	l.at, l.to, l.next = s.from, s.to, s.next
	return true
}

// appendKey writes a key: text as it is, of other values what json.dumps makes of them, of containers what they are.
func (u *unpickler) appendKey(dst []byte, it item) []byte {
	if it.kind == itemSequence {
		if u.isName(it) {
			return u.appendName(dst, it)
		}
		return append(append(append(dst, `"<`...), containers[u.sequence[it.a].kind]...), `>"`...)
	}
	n := len(dst)
	dst = u.appendLeaf(append(dst, '"'), it)
	if dst[n+1] == '"' { // it has quotes of its own
		return append(dst[:n], dst[n+1:]...)
	}
	return append(dst, '"')
}

var containers = [...]string{tuple: "tuple", list: "list", set: "set", mapping: "dict"}

// appendName writes what would have been imported.
func (u *unpickler) appendName(dst []byte, it item) []byte {
	dst = append(dst, `"<`...)
	for i, part := range u.members(it)[:2] {
		if i > 0 {
			dst = append(dst, '.')
		}
		if part.kind == itemSequence { // of a hostile STACK_GLOBAL
			dst = append(dst, '?')
			continue
		}
		dst = u.appendInside(dst, part)
	}
	return append(dst, `>"`...)
}

func (u *unpickler) appendLeaf(dst []byte, it item) []byte {
	switch it.kind {
	case itemNone:
		return append(dst, "null"...)
	case itemFalse:
		return append(dst, "false"...)
	case itemTrue:
		return append(dst, "true"...)
	case itemInt:
		return strconv.AppendInt(dst, int64(it.bits()), 10)
	case itemDigits:
		if it.b-it.a > longestDigits {
			return appendIntOf(dst, int(it.b-it.a), "digits")
		}
		return append(dst, u.s[it.a:it.b]...)
	case itemLong:
		return appendLong(dst, u.s[it.a:it.b])
	case itemFloat:
		return appendJSONFloat(dst, math.Float64frombits(it.bits()))
	case itemExtension:
		dst = append(dst, `"<extension `...)
		return append(strconv.AppendUint(dst, uint64(it.b), 10), `>"`...)
	case itemUnknown:
		return append(dst, `"<?>"`...)
	}
	return append(u.appendInside(append(dst, '"'), it), '"')
}

// appendInside writes a text as it stands between the quotes of a JSON string.
func (u *unpickler) appendInside(dst []byte, it item) []byte {
	if it.kind < itemText || it.kind > itemRawLatin {
		return append(dst, '?')
	}
	s := u.s[it.a:it.b]
	switch it.kind {
	case itemLatin:
		for len(s) > 0 {
			r, n := utf8.DecodeRune(s)
			dst = appendEscaped(dst, byte(r))
			s = s[n:]
		}
	case itemQuoted:
		for len(s) > 0 {
			c, n := nextQuoted(s)
			dst = appendEscaped(dst, c)
			s = s[n:]
		}
	case itemRaw, itemRawLatin:
		for len(s) > 0 {
			r, n := nextRaw(s)
			if r < utf8.RuneSelf || it.kind == itemRawLatin {
				dst = appendEscaped(dst, byte(r))
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			s = s[n:]
		}
	default:
		return appendInside(dst, s)
	}
	return dst
}

// appendInside writes s as it stands between the quotes of a JSON string. Bytes that are no UTF-8 stay.
func appendInside(dst, s []byte) []byte {
	for {
		n := plainLength(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		dst = appendEscaped(dst, s[n])
		s = s[n+1:]
	}
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if c < ' ' {
		return appendHex(append(dst, `\u`...), rune(c), 4)
	}
	return append(dst, c)
}

// What letters behind a backslash mean.
const (
	escapeLetters = `abfnrtv\'"`
	escapeBytes   = "\a\b\f\n\r\t\v\\'\""
)

// nextQuoted reads the byte that s, a string as Python's source has it, begins with. Python 2's repr writes a few of the
// escapes, its unpickler reads all.
func nextQuoted(s []byte) (c byte, n int) {
	if s[0] != '\\' || len(s) < 2 {
		return s[0], 1
	}
	if i := strings.IndexByte(escapeLetters, s[1]); i >= 0 {
		return escapeBytes[i], 2
	}
	switch c := s[1]; c {
	case '0', '1', '2', '3', '4', '5', '6', '7':
		for n, c = 1, 0; n < min(len(s), 4) && s[n]&^7 == '0'; n++ {
			c = c<<3 | s[n]&7
		}
		return c, n
	case 'x':
		if len(s) >= 4 {
			if n, err := strconv.ParseUint(string(s[2:4]), 16, 8); err == nil {
				return byte(n), 4
			}
		}
	}
	return s[0], 1
}

// nextRaw reads the character that s, in the codec raw-unicode-escape, begins with. It knows no escape of the
// backslash: pickle writes that as \u005c.
func nextRaw(s []byte) (r rune, n int) {
	if s[0] == '\\' && len(s) >= 2 {
		n := 0
		switch s[1] {
		case 'u':
			n = 6
		case 'U':
			n = 10
		}
		if n > 0 && len(s) >= n {
			if r, err := strconv.ParseUint(string(s[2:n]), 16, 32); err == nil && r <= utf8.MaxRune {
				return rune(r), n
			}
		}
	}
	return rune(s[0]), 1
}

// appendLong writes an int of any length, in two's complement and little endian. What is longer than Python would write
// is a text.
func appendLong(dst, s []byte) []byte {
	switch {
	case len(s) > longestInt:
		return appendIntOf(dst, len(s), "bytes")
	case len(s) <= 8:
		var b [8]byte
		if copy(b[:], s) > 0 && s[len(s)-1]&0x80 != 0 {
			for i := len(s); i < 8; i++ {
				b[i] = 0xff
			}
		}
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(b[:])), 10)
	}
	b := slices.Clone(s)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n.Append(dst, 10)
}

func appendIntOf(dst []byte, n int, what string) []byte {
	dst = strconv.AppendInt(append(dst, `"<int of `...), int64(n), 10)
	return append(append(append(dst, ' '), what...), `>"`...)
}

// appendJSONFloat writes what Python's json does.
func appendJSONFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return appendReprFloat(dst, f)
}
