package ingest

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// The conversions of numbers: d i u x X o, e E f F g G.

// prefix appends the sign and, of an alternative form, 0x or 0o. It returns how many bytes these are.
func (p *percent) prefix(s spec, negative bool) int {
	n := len(p.dst)
	switch {
	case negative:
		p.dst = append(p.dst, '-')
	case s.sign:
		p.dst = append(p.dst, '+')
	case s.blank:
		p.dst = append(p.dst, ' ')
	}
	if s.alt && (s.verb == 'x' || s.verb == 'X' || s.verb == 'o') {
		p.dst = append(p.dst, '0', s.verb)
	}
	return len(p.dst) - n
}

// padNumber pads what was appended since n, a number whose first prefix bytes are its prefix: zeros go behind that, and
// never behind the number.
func (p *percent) padNumber(s spec, n, prefix int) {
	count := s.width - (len(p.dst) - n)
	if s.zero && !s.left {
		p.fill(s, n, prefix, count, '0')
		return
	}
	p.fill(s, n, 0, count, ' ')
}

// integer appends a number without fraction. A float is cut for %d, and does not fit %x.
func (p *percent) integer(s spec, v value) bool {
	base := 10
	switch s.verb {
	case 'x', 'X':
		base = 16
	case 'o':
		base = 8
	}
	var number [64]byte
	text, ok := appendInteger(number[:0], v, base)
	if !ok || s.precision > maxWidth {
		return false
	}
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	if s.verb == 'X' {
		for i, c := range text {
			if c >= 'a' {
				text[i] = c - 0x20
			}
		}
	}
	n := len(p.dst)
	prefix := p.prefix(s, negative)
	for k := len(text); k < s.precision; k++ {
		p.dst = append(p.dst, '0')
	}
	p.dst = append(p.dst, text...)
	p.padNumber(s, n, prefix)
	return true
}

// appendInteger appends v as Python's int(v) in a base.
func appendInteger(dst []byte, v value, base int) ([]byte, bool) {
	if v.kind == float && base == 10 {
		f := v.float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		if math.Abs(f) < 1<<62 {
			return strconv.AppendInt(dst, int64(f), 10), true
		}
		n, _ := new(big.Float).SetFloat64(f).Int(nil)
		return n.Append(dst, 10), true
	}
	if n, ok := v.int(); ok {
		return strconv.AppendInt(dst, int64(n), base), true
	}
	if v.kind != integer { // else one that is beyond 64 bits
		return nil, false
	}
	if base == 10 {
		return append(dst, v.raw...), true
	}
	if len(v.raw) > maxDigits {
		return nil, false
	}
	n, ok := new(big.Int).SetString(string(v.raw), 10)
	if !ok {
		return nil, false
	}
	return n.Append(dst, base), true
}

// float appends a number with a fraction or an exponent.
func (p *percent) float(s spec, v value) bool {
	var f float64
	switch v.kind {
	case boolTrue:
		f = 1
	case boolFalse:
	case integer:
		var err error
		if f, err = strconv.ParseFloat(string(v.raw), 64); err != nil {
			return false // Python: int too large to convert to float
		}
		f += 0 // int knows no -0
	case float:
		f = v.float()
	default:
		return false
	}
	precision := s.precision
	switch plain := math.IsNaN(f) || math.IsInf(f, 0) || s.verb|0x20 == 'g' && !s.alt; {
	case precision < 0:
		precision = 6
	case precision > maxWidth && !plain:
		return false
	case precision > maxWidth: // it writes no zeros at the end
		precision = maxWidth
	}
	n := len(p.dst)
	prefix := p.prefix(s, math.Signbit(f) && !math.IsNaN(f))
	f = math.Abs(f)
	upper := s.verb < 'a'
	switch word := ""; {
	case math.IsNaN(f), math.IsInf(f, 0):
		if word = "inf"; math.IsNaN(f) {
			word = "nan"
		}
		p.dst = append(p.dst, word...)
	case s.alt:
		p.dst = fmt.Appendf(p.dst, "%#.*"+string(s.verb|0x20), precision, f)
	default:
		p.dst = strconv.AppendFloat(p.dst, f, s.verb|0x20, precision, 64)
	}
	if upper {
		for i := n; i < len(p.dst); i++ {
			if c := p.dst[i]; c >= 'a' && c <= 'z' {
				p.dst[i] = c - 0x20
			}
		}
	}
	p.padNumber(s, n, prefix)
	return true
}

// int is the value of an int or bool.
func (v value) int() (n int, ok bool) {
	switch v.kind {
	case boolFalse:
		return 0, true
	case boolTrue:
		return 1, true
	case integer:
		n, err := strconv.Atoi(string(v.raw))
		return n, err == nil
	}
	return 0, false
}
