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
		st, n, zoned := parseRFC3339(s)
		if n == 0 || n < len(s) && s[n] != ' ' {
			return false
		}
		if !zoned {
			p.anchor.fix(&st, true)
			m.Guess |= NoZone
		}
		m.Timestamp = st
		s = afterSpace(s[n:])
	}
	m.tagged = false
	var ok bool
	for _, field := range [...]*[]byte{&m.Hostname, &m.AppName, &m.ProcID, &m.MsgID} {
		if *field, s, ok = nextField(s); !ok {
			m.Guess |= BrokenOff
			return true
		}
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

var utf8BOM = []byte("\xef\xbb\xbf")

// nextField cuts the header field and the space behind it off s. A lone dash is the nil value: an empty field. ok is
// false if s is empty: the header ends before this field.
func nextField(s []byte) (field, rest []byte, ok bool) {
	if len(s) == 0 {
		return nil, nil, false
	}
	i := 0
	for i < len(s) && s[i] != ' ' {
		i++
	}
	field = s[:i]
	if i == 1 && s[0] == '-' {
		field = nil
	}
	return field, afterSpace(s[i:]), true
}

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
			switch s[i] {
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
