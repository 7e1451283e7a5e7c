package ingest

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnquoted appends the text of a JSON string, which s holds without its quotes and with valid escapes. Bytes that
// are no UTF-8 stay as they are; half of a surrogate pair, which no UTF-8 can hold, becomes U+FFFD.
func appendUnquoted(dst, s []byte) []byte {
	for {
		n := plainLength(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return dst
		}
		r, n := nextRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
}

// nextRune reads the character that s, the inside of a JSON string, begins with, and returns its length there. A byte that
// is no UTF-8 is U+FFFD with the length 1.
func nextRune(s []byte) (r rune, n int) {
	if s[0] != '\\' || len(s) < 2 {
		return utf8.DecodeRune(s)
	}
	switch c := s[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(s[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			low, _ := hex4(s[8:])
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default: // quote, backslash, slash
		return rune(c), 2
	}
}

// hex4 is the number that four hexadecimal digits make.
func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
