package syslog

import "time"

// What a message is filled with that came in another shape than syslog: Begin, then whatever the other shape says, put
// into the fields of m, then Finish. Parse does the same around the two grammars.

// Begin clears m and fills in what does not depend on the grammar: Raw, Origin, Received, and the input's default
// facility and severity. It returns false if raw holds nothing but a newline and NULs, which are no part of Raw; then m
// is as it was. Tag is written as it is, Msg holds the text from its first byte on.
func (p *Parser) Begin(m *Message, raw []byte, o *Origin) bool {
	raw = trimEnd(raw)
	if len(raw) == 0 {
		return false
	}
	*m = Message{}
	m.Raw, m.Origin, m.Received, m.tagged = raw, o, p.received, true
	m.Facility, m.Severity = p.opts.DefaultFacility, p.opts.DefaultSeverity
	return true
}

// Finish fills in what the sender left out: the timestamp is the time of reception, the hostname that of the origin,
// which it always is where hostname_from says so. What it filled in is in m.Guess.
func (p *Parser) Finish(m *Message) {
	if m.Timestamp.IsZero() {
		m.Timestamp = p.received
		m.Guess |= NoTimestamp
	}
	if len(m.Hostname) == 0 {
		m.Hostname = m.Origin.Host
		m.Guess |= NoHostname
	} else if p.opts.HostnameFrom == FromPeer {
		m.Hostname = m.Origin.Host
	}
}

// StampAt is t on the wall clock of Received's zone, with so many digits of fraction.
func (p *Parser) StampAt(t time.Time, digits uint8) Stamp { return StampOf(t.In(p.zone), digits) }

// ParseStamp reads s, which must be an RFC 3339 stamp and nothing else. Since no text can follow, it may be written as
// Python's logging does, 2026-11-20 15:17:52,003, where Parse would take it for text. Without an offset it is in the
// input's timezone.
func (p *Parser) ParseStamp(s []byte) (Stamp, bool) {
	var plain [len("2026-11-20 15:17:52,003000000+01:00")]byte
	if len(s) >= 19 && len(s) <= len(plain) && s[10] == ' ' {
		n := copy(plain[:], s)
		plain[10] = 'T'
		if n > 19 && plain[19] == ',' {
			plain[19] = '.'
		}
		s = plain[:n]
	}
	st, n, zoned := parseRFC3339(s)
	if n == 0 || n < len(s) || !zoned && !p.anchor.fix(&st, true) {
		return Stamp{}, false
	}
	return st, true
}

// BeginsWithPRI reports whether s begins as a syslog message does, with a PRI from <0> to <191>.
func BeginsWithPRI(s []byte) bool {
	_, n := parsePRI(s)
	return n > 0
}
