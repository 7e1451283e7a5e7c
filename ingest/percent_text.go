package ingest

import "unicode/utf8"

// The conversions to text: s r a c.

// text appends str(v), repr(v) or ascii(v), cut at the precision, which counts characters.
func (p *percent) text(s spec, v value) {
	n := len(p.dst)
	switch s.verb {
	case 's':
		p.dst = appendStr(p.dst, v)
	default:
		p.dst = appendRepr(p.dst, v, s.verb == 'a')
	}
	if s.precision >= 0 {
		end := n
		for k := 0; k < s.precision && end < len(p.dst); k++ {
			_, size := utf8.DecodeRune(p.dst[end:])
			end += size
		}
		p.dst = p.dst[:end]
	}
	p.pad(s, n)
}

// char appends the character with the number v, or the one that v is.
func (p *percent) char(s spec, v value) bool {
	n := len(p.dst)
	if v.kind == str {
		if len(v.raw) > 2+12 { // longer than a surrogate pair
			return false
		}
		p.dst = appendUnquoted(p.dst, v.text())
		if utf8.RuneCount(p.dst[n:]) != 1 {
			return false
		}
	} else {
		c, ok := v.int()
		if !ok || c < 0 || c > utf8.MaxRune {
			return false
		}
		p.dst = utf8.AppendRune(p.dst, rune(c))
	}
	p.pad(s, n)
	return true
}

// pad fills what was appended since n up to the width with blanks.
func (p *percent) pad(s spec, n int) {
	p.fill(s, n, 0, s.width-utf8.RuneCount(p.dst[n:]), ' ')
}

// fill puts count bytes behind what was appended since n, or before it, but behind the first keep bytes.
func (p *percent) fill(s spec, n, keep, count int, with byte) {
	if count <= 0 {
		return
	}
	end := len(p.dst)
	for range count {
		p.dst = append(p.dst, with)
	}
	if s.left {
		return
	}
	n += keep
	copy(p.dst[n+count:], p.dst[n:end])
	for i := range count {
		p.dst[n+i] = with
	}
}
