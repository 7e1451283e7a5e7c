package syslog

import (
	"time"
)

// A Grammar says how a parser reads messages.
type Grammar uint8

// The grammars.
const (
	Auto    Grammar = iota // RFC 5424 where a message says version 1, else RFC 3164
	RFC3164                // never RFC 5424
	RFC5424                // what is not RFC 5424 is all message
	Raw                    // everything is message, the PRI too
)

var grammars = []string{"auto", "rfc3164", "rfc5424", "raw"}

func (g Grammar) String() string { return grammars[g] }

// UnmarshalText reads one of the four words.
func (g *Grammar) UnmarshalText(text []byte) error { return UnmarshalWord(g, "parser", text, grammars) }

// A HostnameSource says where a message's hostname comes from.
type HostnameSource uint8

// The sources of hostnames.
const (
	FromMessage HostnameSource = iota // the HOSTNAME sent, else the peer
	FromPeer                          // always the peer: senders cannot pose as others
)

var hostnameSources = []string{"message", "peer"}

func (h HostnameSource) String() string { return hostnameSources[h] }

// UnmarshalText reads "message" or "peer".
func (h *HostnameSource) UnmarshalText(text []byte) error {
	return UnmarshalWord(h, "hostname_from", text, hostnameSources)
}

// ParseOptions are the options of an input that decide how its messages are read.
type ParseOptions struct {
	Grammar         Grammar        `yaml:"parser"`
	Strict          bool           `yaml:"strict"`   // Parse reports what the grammars do not allow
	Location        *time.Location `yaml:"timezone"` // of stamps that carry no zone
	HostnameFrom    HostnameSource `yaml:"hostname_from"`
	DefaultFacility Facility       `yaml:"default_facility"` // of messages without PRI
	DefaultSeverity Severity       `yaml:"default_severity"`
}

// DefaultParseOptions are the options of an input that sets none.
func DefaultParseOptions() ParseOptions {
	return ParseOptions{Location: time.Local, DefaultFacility: User, DefaultSeverity: Notice}
}

// A Parser reads messages. It remembers what messages near in time share, so it belongs to one goroutine.
type Parser struct {
	opts     ParseOptions
	zone     *time.Location // of Received
	received Stamp
	anchor   anchor
	last     lastStamp
	header   lastHeader
	second   lastSecond
	strict   *strict
}

// NewParser returns a parser whose Received stamps are on the wall clock of zone.
func NewParser(opts ParseOptions, zone *time.Location) *Parser {
	p := &Parser{opts: opts, zone: zone}
	if opts.Strict {
		p.strict = newStrict()
	}
	p.anchor.location = opts.Location
	return p
}

// SetNow says when the messages that are parsed next were received. It costs a look at the calendar: call it once
// for each read.
func (p *Parser) SetNow(now time.Time) {
	p.received = StampOf(now.In(p.zone), 6)
	if p.anchor.setNow(now) {
		p.last, p.header = lastStamp{}, lastHeader{}
	}
}

// Parse fills m from raw, whatever raw holds, and says in m.Guess what it had to guess. m refers to raw and to o
// afterwards. It returns false if there is no message: raw holds nothing but a newline and NULs, or options say strict
// and go-syslog, which knows the grammars to the letter, rejects it.
func (p *Parser) Parse(m *Message, raw []byte, o *Origin) bool {
	if !p.Begin(m, raw, o) || p.strict != nil && !p.strict.allows(m.Raw, p.opts.Grammar) {
		return false
	}
	p.parse(m, m.Raw)
	p.Finish(m)
	return true
}

func (p *Parser) parse(m *Message, s []byte) {
	if p.opts.Grammar == Raw {
		m.Msg = s
		return
	}
	if p.header.read(m, s) {
		return
	}
	whole := s
	pri, n := parsePRI(s)
	switch {
	case n < 0:
		m.Guess |= NoPRI | BrokenPRI
		m.Msg = s
		return
	case n == 0:
		m.Guess |= NoPRI
	default:
		m.Facility, m.Severity = Facility(pri>>3), Severity(pri&7)
		s = s[n:]
		if p.opts.Grammar != RFC3164 && len(s) > 2 && s[0] == '1' && s[1] == ' ' && p.parseRFC5424(m, s) {
			return
		}
	}
	if p.opts.Grammar == RFC5424 {
		m.Guess |= BrokenOff
		m.Msg = s
		return
	}
	if p.parseRFC3164(m, s) {
		p.header.keep(m, whole)
	}
}

// trimEnd takes off what ends a message on its way and is not part of it: NULs, and one newline or CR LF.
func trimEnd(s []byte) []byte {
	n := len(s)
	if n == 0 || s[n-1] > '\r' { // the usual case
		return s
	}
	n = trimNULs(s, n)
	if n > 0 && s[n-1] == '\n' {
		n--
		if n > 0 && s[n-1] == '\r' {
			n--
		}
		n = trimNULs(s, n)
	}
	return s[:n]
}

func trimNULs(s []byte, n int) int {
	for n > 0 && s[n-1] == 0 {
		n--
	}
	return n
}
