package syslog

import (
	gosyslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

// strict asks go-syslog, the authority on the grammars, whether a message follows them to the letter.
type strict struct {
	rfc3164, rfc5424 gosyslog.Machine
}

func newStrict() *strict {
	return &strict{
		rfc3164: rfc3164.NewParser(rfc3164.WithRFC3339()),
		rfc5424: rfc5424.NewParser(),
	}
}

func (s *strict) allows(raw []byte, g Grammar) bool {
	if g == Auto {
		g = RFC3164
		if _, n := parsePRI(raw); n > 0 && len(raw) > n+1 && raw[n] == '1' && raw[n+1] == ' ' {
			g = RFC5424
		}
	}
	machine := s.rfc3164
	switch g {
	case Raw:
		return true
	case RFC5424:
		machine = s.rfc5424
	}
	parsed, err := machine.Parse(raw)
	return err == nil && parsed != nil // neither: the message ended too early
}
