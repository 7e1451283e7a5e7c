package syslog

// A lastHeader is all of an RFC 3164 message up to its text, and what was read in it. Whoever sends many messages a second
// sends the same header with each: then to compare 40 bytes is all there is to do.
type lastHeader struct {
	text [maxLastHeader]byte // with the space in front of the text
	n    int                 // 0: none

	facility            Facility
	severity            Severity
	guess               Guess
	local               bool
	stamp               Stamp
	host, tag, app, pid span

	hits   int // since it was kept
	misses int
}

// A span is where a field is, if it has a length.
type span struct{ from, to uint8 }

const (
	maxLastHeader = 128
	// lastHeaderAgain is how many messages go by until another header is kept in place of one that never came again.
	lastHeaderAgain = 16
)

// read fills m from s if that begins with the same header.
func (h *lastHeader) read(m *Message, s []byte) bool {
	if h.n == 0 || len(s) < h.n || string(s[:h.n]) != string(h.text[:h.n]) || h.local != m.Origin.Local {
		return false
	}
	h.hits++
	m.Facility, m.Severity, m.Guess, m.Timestamp = h.facility, h.severity, h.guess, h.stamp
	m.Hostname, m.Tag, m.AppName, m.ProcID = h.host.of(s), h.tag.of(s), h.app.of(s), h.pid.of(s)
	m.Msg, m.lead = s[h.n-1:], 1
	return true
}

// keep keeps the header that was read from s into m, if nothing behind it has a say in how it is read: that is so if its tag
// ends in a colon and a space.
func (h *lastHeader) keep(m *Message, s []byte) {
	if h.n > 0 && h.hits == 0 {
		if h.misses++; h.misses < lastHeaderAgain { // senders take turns
			return
		}
	}
	n := len(s) - len(m.Msg) + 1
	if m.lead == 0 || m.Tag[len(m.Tag)-1] != ':' || n > maxLastHeader {
		return
	}
	*h = lastHeader{text: h.text, facility: m.Facility, severity: m.Severity, guess: m.Guess, stamp: m.Timestamp, local: m.Origin.Local}
	h.n = copy(h.text[:], s[:n])
	h.host, h.tag, h.app, h.pid = spanOf(s, m.Hostname), spanOf(s, m.Tag), spanOf(s, m.AppName), spanOf(s, m.ProcID)
}

func (p span) of(s []byte) []byte {
	if p.to == 0 {
		return nil
	}
	return s[p.from:p.to]
}

// spanOf is where part is in s, which it was cut out of.
func spanOf(s, part []byte) span {
	if len(part) == 0 {
		return span{}
	}
	from := cap(s) - cap(part)
	return span{uint8(from), uint8(from + len(part))}
}
