package syslog

import "bytes"

// parseRFC3164 reads what follows the PRI as rsyslog's pmrfc3164 does (RFC 3164, section 4.3), with these differences: a
// message without a timestamp has no header at all; a word with a bracket or colon is a tag, never a host, unless it is
// an IPv6 address; a local sender leaves its hostname out. Usual says that what stands behind the tag had no say in that.
func (p *Parser) parseRFC3164(m *Message, s []byte) (usual bool) {
	if c := firstNonBlank(s); c == '{' || c == '[' { // JSON, or a bracketed date: no header
		m.Msg = s
		return false
	}
	rest, ok := p.parseStamp(m, s)
	if !ok {
		if p.parseCisco(m, s) {
			return false
		}
		parseTagWithoutHeader(m, s)
		return false
	}
	zone := ciscoZone(rest)
	if len(rest) == 0 || zone > 0 && isCiscoMnemonic(rest[zone:]) && p.parseCisco(m, s) {
		return false
	}
	if rest[0] == ' ' { // nginx without a hostname, Docker's swarm mode
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
	} else if host, after := parseForwardedFrom(rest); host != nil {
		m.Hostname, rest = host, after
	} else {
		rest = parseHost(m, rest)
	}
	parseTag(m, rest)
	return zone == 0
}

// parseForwardedFrom reads what AIX writes in the place of a host, "Message forwarded from HOST: ". The host is nil if s
// begins otherwise.
func parseForwardedFrom(s []byte) (host, rest []byte) {
	if len(s) == 0 || s[0] != forwardedFrom[0] { // nearly all
		return nil, s
	}
	after, found := bytes.CutPrefix(s, forwardedFrom)
	if !found {
		return nil, s
	}
	word := firstWord(after)
	n := len(word) - 1
	if n < 1 || word[n] != ':' || len(word) == len(after) || after[len(word)] != ' ' {
		return nil, s
	}
	return word[:n], after[len(word)+1:]
}

var forwardedFrom = []byte("Message forwarded from ")

// parseStamp reads the timestamp and the space behind it.
func (p *Parser) parseStamp(m *Message, s []byte) (rest []byte, ok bool) {
	if len(s) > 1 && s[0] == ' ' { // HP ProCurve
		s = s[1:]
	}
	if len(s) == 0 {
		return nil, false
	}
	if c := s[0]; c-'0' <= 9 {
		n, zoned := p.second.parse(&m.Timestamp, s)
		if n == 0 || !zoned || n < len(s) && s[n] != ' ' {
			m.Timestamp = Stamp{}
			return nil, false
		}
		return afterSpace(s[n:]), true
	}
	if p.last.begins(s) {
		m.Timestamp = p.last.stamp
		m.Guess |= NoYear | NoZone
		return s[lastLength:], true
	}
	st, n := parseBSD(s)
	if n == 0 || n < len(s) && s[n] != ' ' {
		return nil, false
	}
	rest = afterSpace(s[n:])
	if y, ok := year(rest); ok && !st.hasYear { // Aruba, HPE Comware: the year behind the time
		st.Year, st.hasYear, rest = y, true, rest[5:]
	}
	if st.hasYear && st.Day > daysIn(st.Month, int(st.Year)) || !p.anchor.fix(&st.Stamp, st.hasYear) {
		return nil, false
	}
	if !st.hasYear {
		m.Guess |= NoYear
		p.last.keep(s, n, st.Stamp)
	}
	m.Guess |= NoZone
	m.Timestamp = st.Stamp
	return rest, true
}

func afterSpace(s []byte) []byte {
	if len(s) > 0 {
		return s[1:]
	}
	return s
}

// hostChar holds the bytes that rsyslog allows in a hostname.
var hostChar = func() (t [256]bool) {
	for c := range t {
		t[c] = isAlnum(byte(c)) || c == '.' || c == '_' || c == '-'
	}
	return t
}()

// parseHost reads a hostname and the space behind it, if there is one.
func parseHost(m *Message, s []byte) (rest []byte) {
	n := 0
	for n < len(s) && hostChar[s[n]] {
		n++
	}
	ends := n > 0 && isAlnum(s[n-1])
	if n < len(s) && s[n] == ':' { // an IPv6 address, or a tag
		if n = bytes.IndexByte(s, ' '); n < 0 {
			n = len(s)
		}
		if ends = isIPv6(s[:n]); !ends {
			return s
		}
	}
	local := m.Origin.Local
	switch {
	case n == len(s):
		if local {
			return s
		}
		m.Hostname = s
		return nil
	case s[n] != ' ' || !ends:
		return s
	case local && !startsWithTag(s[n+1:]):
		return s
	}
	m.Hostname = s[:n]
	return s[n+1:]
}

// startsWithTag reports whether the first word of s is a tag beyond doubt: it ends in a colon.
func startsWithTag(s []byte) bool {
	w := firstWord(s)
	return len(w) > 1 && w[len(w)-1] == ':'
}

// parseTag reads the tag as rsyslog does, up to a colon, which belongs to it, or a space; the rest is the message. A control
// character ends only the APP-NAME: rsyslog has made it text (#011) before it looks.
func parseTag(m *Message, s []byte) {
	name := tagNameLength(s)
	i := name
	for i < len(s) && s[i] != ' ' && s[i] != ':' {
		i++
	}
	if i < len(s) && s[i] == ':' {
		i++
	}
	splitTag(m, s[:i], s[i:], name)
}

// parseTagWithoutHeader reads a tag where no timestamp stands before it. Any first word could be one, so it must end in
// a colon, or be a name with a colon in it that is no part of a URL, a path or a C++ name: `ServerLog:2026-11-20 ..`.
func parseTagWithoutHeader(m *Message, s []byte) {
	w := firstWord(s)
	if len(w) > 1 && w[len(w)-1] == ':' {
		setTag(m, w, s[len(w):])
		return
	}
	n := nameLength(w)
	if n == 0 || n+1 >= len(w) || w[n] != ':' {
		m.Msg = s
		return
	}
	switch w[n+1] {
	case ':', '/', '\\':
		m.Msg = s
		return
	}
	setTag(m, s[:n+1], s[n+1:])
}

// nameLength is the length of the program name that w begins with, a [pid] included, or 0.
func nameLength(w []byte) int {
	if len(w) == 0 || !isAlpha(w[0]) && w[0] != '%' && w[0] != '@' && w[0] != '_' {
		return 0
	}
	n := 1
	for n < len(w) && (hostChar[w[n]] || w[n] == '/' || w[n] == '%' || w[n] == '@' || w[n] == '(' || w[n] == ')' || w[n] >= 0x80) {
		n++
	}
	if n < len(w) && w[n] == '[' {
		if i := bytes.IndexByte(w[n:], ']'); i > 0 {
			n += i + 1
		}
	}
	return n
}

// setTag splits tag into its parts; rest is the message, with the space that follows the tag.
func setTag(m *Message, tag, rest []byte) { splitTag(m, tag, rest, tagNameLength(tag)) }

// tagNameLength is the length of the APP-NAME that s begins with.
func tagNameLength(s []byte) int {
	n := 0
	for n < len(s) && tagNameChar[s[n]] {
		n++
	}
	return n
}

// splitTag is setTag for a tag whose APP-NAME has n bytes.
func splitTag(m *Message, tag, rest []byte, n int) {
	m.Tag, m.Msg = tag, rest
	if len(rest) > 0 && rest[0] == ' ' && len(tag) > 0 {
		m.lead = 1
	}
	m.AppName = tag[:n]
	if n < len(tag) && tag[n] == '/' { // postfix/smtpd[99]
		if i := bytes.IndexByte(tag[n:], '['); i > 0 {
			n += i
		}
	}
	if n < len(tag) && tag[n] == '[' {
		if i := bytes.IndexByte(tag[n:], ']'); i > 0 {
			m.ProcID = tag[n+1 : n+i]
			if string(m.ProcID) == "-" {
				m.ProcID = nil
			}
		}
	}
}

// tagNameChar holds the bytes that do not end the APP-NAME in a tag.
var tagNameChar = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c != ':' && c != '[' && c != '/' && c != 0x7f
	}
	return t
}()

func firstWord(s []byte) []byte {
	for i, c := range s {
		if c <= ' ' {
			return s[:i]
		}
	}
	return s
}

func firstNonBlank(s []byte) byte {
	for _, c := range s {
		if c != ' ' && c != '\t' {
			return c
		}
	}
	return 0
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isAlnum(c byte) bool { return c-'0' <= 9 || isAlpha(c) }
