package syslog

import "bytes"

// parseCisco reads the headers of Cisco's IOS, IOS XE and NX-OS, and reports false if s has none:
//
//	123: *Nov 20 15:17:52.123 UTC: %SYS-5-CONFIG_I: text
//	: sw01: Jan  6 2022 21:01:34.964: %SYS-5-CONFIG_I: text
//	switch: 2023 Apr 26 09:09:48 UTC: %ETHPORT-5-SPEED: text
//
// A sequence number, an origin name, a mark that the clock is not set (*) or not synchronised (.), the time and its
// zone are all optional on the device; the %FACILITY-SEVERITY-MNEMONIC: is not, and tells this form from all others.
func (p *Parser) parseCisco(m *Message, s []byte) bool {
	const farthest = 128 // a name of 63 bytes and a stamp are shorter
	i := bytes.Index(s[:min(len(s), farthest)], []byte(": %"))
	if i < 0 {
		return false
	}
	head, text := s[:i], s[i+2:]
	var host []byte
	for range 3 { // at most the sequence twice and the name
		n := bytes.IndexByte(head, ':')
		if n < 0 || n+1 >= len(head) || head[n+1] != ' ' {
			break
		}
		if word := head[:n]; !isDigits(word) {
			if !isHostname(word) {
				return false
			}
			host = word
		}
		head = head[n+2:]
	}
	st, guess, ok := p.parseCiscoStamp(head)
	if !ok {
		return false
	}
	m.Timestamp, m.Hostname = st, host
	m.Guess = m.Guess&^(NoYear|NoZone) | guess
	parseTag(m, text)
	return true
}

// parseCiscoStamp reads the whole of s: [*.]Mmm dd [yyyy] hh:mm:ss[.fff] [ZONE], or with the year in front.
func (p *Parser) parseCiscoStamp(s []byte) (_ Stamp, guess Guess, ok bool) {
	s = bytes.TrimLeft(s, "*. ")
	first, early := year(s)
	if early {
		s = s[5:]
	}
	st, n := parseBSD(s)
	if n == 0 {
		return Stamp{}, 0, false
	}
	if early {
		st.Year, st.hasYear = first, true
	}
	if st.hasYear && st.Day > daysIn(st.Month, int(st.Year)) || !p.anchor.fix(&st.Stamp, st.hasYear) {
		return Stamp{}, 0, false
	}
	if !st.hasYear {
		guess = NoYear
	}
	switch zone := bytes.TrimSpace(s[n:]); {
	case len(zone) == 0:
		guess |= NoZone
	case string(zone) == "UTC" || string(zone) == "GMT":
		st.Offset = 0
	case len(zone) > 5 || bytes.IndexByte(zone, ' ') >= 0:
		return Stamp{}, 0, false
	default: // an abbreviation means too many zones: the input's timezone it is
		guess |= NoZone
	}
	return st.Stamp, guess, true
}

// ciscoZone is how long the zone is that s begins with, where it follows a stamp: that of `UTC: `, or 0.
func ciscoZone(s []byte) int {
	n := 0
	for n < len(s) && n < 5 && s[n] >= 'A' && s[n] <= 'Z' {
		n++
	}
	if n == 0 || len(s) < n+2 || s[n] != ':' || s[n+1] != ' ' {
		return 0
	}
	return n + 2
}

// isCiscoMnemonic reports whether s is the rest of Cisco's header behind a zone: `%SYS-5-CONFIG_I: text`.
func isCiscoMnemonic(s []byte) bool {
	return len(s) > 1 && s[0] == '%' && s[1] >= 'A' && s[1] <= 'Z'
}

func isDigits(s []byte) bool {
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

func isHostname(s []byte) bool {
	for _, c := range s {
		if !hostChar[c] {
			return false
		}
	}
	return true
}
