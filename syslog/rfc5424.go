package syslog

import "bytes"

// parseRFC5424 reads s, which begins with the version, "1 " (RFC 5424, section 6). It returns false and leaves m as it was
// if no timestamp follows: then a text happens to begin with a 1. A header that breaks off later keeps the fields it
// had, and the rest is the message.
func (p *Parser) parseRFC5424(m *Message, s []byte) bool {
	s = s[2:]
	if len(s) >= 2 && s[0] == '-' && s[1] == ' ' {
		s = s[2:]
	} else {
		n, zoned := p.second.parse(&m.Timestamp, s)
		if n == 0 || n < len(s) && s[n] != ' ' {
			m.Timestamp = Stamp{}
			return false
		}
		if !zoned {
			p.anchor.fix(&m.Timestamp, true)
			m.Guess |= NoZone
		}
		s = afterSpace(s[n:])
	}
	m.tagged = false
	if s = header(m, s); s == nil {
		m.Guess |= BrokenOff
		return true
	}
	switch {
	case len(s) == 0:
		m.Guess |= BrokenOff
	case s[0] == '-' && (len(s) == 1 || s[1] == ' '):
		s = s[1:]
	case s[0] == '[':
		n := structuredDataLength(s)
		if n == 0 || n < len(s) && s[n] != ' ' {
			m.Guess |= BrokenOff
		}
		m.StructuredData, s = s[:n], s[n:]
	default:
		m.Guess |= BrokenOff
	}
	if m.Guess&BrokenOff == 0 {
		s = afterSpace(s)
	}
	m.Msg = bytes.TrimPrefix(s, utf8BOM)
	return true
}

// header reads the four words from HOSTNAME to MSGID. It returns nil if s ends before the last of them begins. (A loop over
// the four costs 10 ns more.)
func header(m *Message, s []byte) (rest []byte) {
	if len(s) == 0 {
		return nil
	}
	if m.Hostname, s = cutWord(s, wordLength(s)); len(s) == 0 {
		return nil
	}
	if m.AppName, s = cutWord(s, wordLength(s)); len(s) == 0 {
		return nil
	}
	if m.ProcID, s = cutWord(s, wordLength(s)); len(s) == 0 {
		return nil
	}
	m.MsgID, s = cutWord(s, wordLength(s))
	return s
}

func wordLength(s []byte) int {
	for i, c := range s {
		if c == ' ' {
			return i
		}
	}
	return len(s)
}

// cutWord cuts a word of n bytes and the space behind it off s. A lone dash is the nil value: an empty word.
func cutWord(s []byte, n int) (word, rest []byte) {
	word, rest = s[:n], afterSpace(s[n:])
	if n == 1 && s[0] == '-' {
		word = nil
	}
	return word, rest
}

var utf8BOM = []byte("\xef\xbb\xbf")

// structuredDataLength is the length of the SD-ELEMENTs at the start of s, or 0 if the first never ends. A ']' inside a
// quoted PARAM-VALUE ends nothing, nor does a quote behind a backslash (section 6.3.3).
func structuredDataLength(s []byte) int {
	end := 0
	for end < len(s) && s[end] == '[' {
		i, quoted := end+1, false
	element:
		for ; ; i++ {
			if i >= len(s) {
				return end
			}
			c := s[i]
			if c > ']' { // most letters
				continue
			}
			switch c {
			case '\\':
				if quoted {
					i++
				}
			case '"':
				quoted = !quoted
			case ']':
				if !quoted {
					break element
				}
			}
		}
		end = i + 1
	}
	return end
}
