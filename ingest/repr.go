package ingest

import (
	"bytes"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// What Python's str, repr and ascii make of the values that json.loads gives. A value has been read before: it is valid.

// appendStr appends str(v): a string's text, repr(v) of anything else.
func appendStr(dst []byte, v value) []byte {
	if v.kind == str {
		return appendUnquoted(dst, v.text())
	}
	return appendRepr(dst, v, false)
}

// appendRepr appends repr(v), or ascii(v). Lists and dicts are written in one pass over their text, since Python's
// differ from JSON only in their leaves and blanks.
func appendRepr(dst []byte, v value, ascii bool) []byte {
	r := reader{s: v.raw} // of which only str and scalar are used: what is nested needs no stack
	for r.i < len(r.s) {
		switch c := r.s[r.i]; c {
		case '{', '[', '}', ']':
			dst = append(dst, c)
			r.i++
		case ',', ':':
			dst = append(dst, c, ' ')
			r.i++
		case '"':
			leaf, _ := r.str()
			dst = appendReprString(dst, leaf.text(), ascii)
		default:
			if blank[c] {
				r.i++
				continue
			}
			leaf, ok := r.scalar()
			if !ok {
				return dst // not reached: v is valid
			}
			dst = appendReprScalar(dst, leaf)
		}
	}
	return dst
}

func appendReprScalar(dst []byte, v value) []byte {
	switch v.kind {
	case null:
		return append(dst, "None"...)
	case boolTrue:
		return append(dst, "True"...)
	case boolFalse:
		return append(dst, "False"...)
	case integer:
		if string(v.raw) == "-0" {
			return append(dst, '0')
		}
		return append(dst, v.raw...)
	}
	return appendReprFloat(dst, v.float())
}

// float is the number nearest to v, which is beyond all numbers infinite, as for Python.
func (v value) float() float64 {
	f, _ := strconv.ParseFloat(string(v.raw), 64)
	return f
}

// appendReprFloat writes the fewest digits that give f again, with an exponent from 1e16 on and below 1e-4.
func appendReprFloat(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case abs >= 1e16 || abs < 1e-4 && abs > 0:
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[n:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendReprString writes a string, given as in JSON without its quotes, in Python's quotes: double ones only where
// single ones are in it and double ones are not.
func appendReprString(dst, s []byte, ascii bool) []byte {
	quote := byte('\'')
	if single, double := quotesIn(s); single && !double {
		quote = '"'
	}
	dst = append(dst, quote)
	for len(s) > 0 {
		r, n := nextRune(s)
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == utf8.RuneError && n == 1: // no UTF-8
			dst = append(dst, s[0])
		case r < utf8.RuneSelf && r >= ' ' && r != 0x7f:
			dst = append(dst, byte(r))
		case r >= utf8.RuneSelf && !ascii && unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r <= 0xff:
			dst = appendHex(append(dst, `\x`...), r, 2)
		case r <= 0xffff:
			dst = appendHex(append(dst, `\u`...), r, 4)
		default:
			dst = appendHex(append(dst, `\U`...), r, 8)
		}
		s = s[n:]
	}
	return append(dst, quote)
}

// quotesIn reports which quotes the string holds.
func quotesIn(s []byte) (single, double bool) {
	for len(s) > 0 {
		r, n := nextRune(s)
		single, double = single || r == '\'', double || r == '"'
		s = s[n:]
	}
	return single, double
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[r>>shift&15])
	}
	return dst
}
