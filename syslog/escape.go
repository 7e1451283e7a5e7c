package syslog

import (
	"encoding/binary"
	"unicode/utf8"
)

// An Escape says what becomes of control characters in the text of a field, so that a message cannot forge a line.
type Escape uint8

// The escapes.
const (
	EscapeOctal   Escape = iota // as rsyslog: #012 for a newline
	EscapeIndent                // a newline becomes newline and tab, the others as rsyslog: a traceback stays readable
	EscapeNone                  // every byte stays
	EscapeNewline               // only newlines, as #012: what the format raw needs in a line
	EscapePath                  // what cannot stand in a component of a path becomes _
)

var escapes = []string{"octal", "indent", "none"}

func (e Escape) String() string { return escapes[e] }

// UnmarshalText reads octal, indent or none.
func (e *Escape) UnmarshalText(text []byte) error { return UnmarshalWord(e, "escape", text, escapes) }

// appendEscaped appends s with its control characters escaped.
func appendEscaped(dst, s []byte, e Escape) []byte {
	switch e {
	case EscapeNone:
		return append(dst, s...)
	case EscapePath:
		return appendPathValue(dst, s)
	}
	for {
		n := plainLength(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		switch c := s[n]; {
		case c == '\n' && e == EscapeIndent:
			dst = append(dst, '\n', '\t')
		case c != '\n' && e == EscapeNewline:
			dst = append(dst, c)
		default:
			dst = append(dst, '#', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
		s = s[n+1:]
	}
}

// plainLength is how many bytes s begins with that are no control characters. Nearly all messages hold none, so it looks
// at eight bytes at a time, decides on 32 at once, and looks at the last eight rather than at each that is left.
func plainLength(s []byte) int {
	n := 0
	for ; n+32 <= len(s); n += 32 {
		b := s[n : n+32 : n+32]
		found := control(binary.LittleEndian.Uint64(b)) | control(binary.LittleEndian.Uint64(b[8:])) |
			control(binary.LittleEndian.Uint64(b[16:])) | control(binary.LittleEndian.Uint64(b[24:]))
		if found&highBits != 0 {
			break
		}
	}
	for ; n+8 <= len(s); n += 8 {
		if control(binary.LittleEndian.Uint64(s[n:]))&highBits != 0 {
			break
		}
	}
	if n+8 > len(s) && len(s) >= 8 && control(binary.LittleEndian.Uint64(s[len(s)-8:]))&highBits == 0 {
		return len(s)
	}
	for ; n < len(s); n++ {
		if s[n] < 0x20 {
			return n
		}
	}
	return n
}

// control has the top bit of a byte set where x has a byte below 0x20, or in one behind such a byte. DEL is not among
// them: rsyslog writes it as it is, and it forges nothing.
func control(x uint64) uint64 {
	return (x - 0x20*ones) &^ x
}

// appendPathValue appends s as a part of one component of a path: a slash, NUL or control character becomes _, as does
// the whole of . and .. ; nothing becomes -.
func appendPathValue(dst, s []byte) []byte {
	switch string(s) {
	case "":
		return append(dst, '-')
	case ".", "..":
		return append(dst, '_')
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f || c == '/' {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	return append(appendJSONText(append(dst, '"'), s), '"')
}

// appendJSONText appends s as what stands between the quotes of a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendJSONText(dst, s []byte) []byte {
	for {
		n := jsonPlainLength(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		switch c := s[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if c >= utf8.RuneSelf {
				dst = append(dst, "\ufffd"...)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		s = s[n+1:]
	}
}

// jsonPlainLength is how many bytes s begins with that stay as they are in a JSON string. It looks at them as plainLength does.
func jsonPlainLength(s []byte) int {
	n := 0
	for {
		for ; n+32 <= len(s); n += 32 {
			b := s[n : n+32 : n+32]
			found := special(binary.LittleEndian.Uint64(b)) | special(binary.LittleEndian.Uint64(b[8:])) |
				special(binary.LittleEndian.Uint64(b[16:])) | special(binary.LittleEndian.Uint64(b[24:]))
			if found&highBits != 0 {
				break
			}
		}
		for ; n+8 <= len(s); n += 8 {
			if special(binary.LittleEndian.Uint64(s[n:]))&highBits != 0 {
				break
			}
		}
		if n+8 > len(s) && len(s) >= 8 && special(binary.LittleEndian.Uint64(s[len(s)-8:]))&highBits == 0 {
			return len(s)
		}
		for n < len(s) && jsonPlain[s[n]] {
			n++
		}
		if n == len(s) || s[n] < utf8.RuneSelf {
			return n
		}
		r, size := utf8.DecodeRune(s[n:])
		if r == utf8.RuneError && size == 1 {
			return n
		}
		n += size
	}
}

// appendJSONObject appends s, which is JSON, so that it stays within a line and within UTF-8: control characters can only be
// white space between its parts.
func appendJSONObject(dst, s []byte) []byte {
	if plainLength(s) == len(s) && utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r < ' ' {
			r = ' '
		}
		dst = utf8.AppendRune(dst, r) // U+FFFD for a byte that is no UTF-8
		s = s[n:]
	}
	return dst
}

// special has the top bit of a byte set where x has a byte that is not plain in a JSON string, or in one behind such a byte.
func special(x uint64) uint64 {
	quote, backslash := x^'"'*ones, x^'\\'*ones
	return x | control(x) | (quote-ones)&^quote | (backslash-ones)&^backslash
}

const (
	ones      = 0x0101010101010101
	highBits  = 0x80 * ones
	hexDigits = "0123456789abcdef"
)

var jsonPlain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
	}
	return t
}()
