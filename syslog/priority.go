package syslog

import (
	"bytes"
	"fmt"
	"strings"
)

// A Facility says which part of a system a message is about: the upper part of a PRI, 0 to 23
// (RFC 5424, section 6.2.1).
type Facility uint8

// A Severity says how bad it is: the lower three bits of a PRI. Less is worse: emerg is 0, debug is 7.
type Severity uint8

// The facilities and severities that the code itself names.
const (
	Kern   Facility = 0
	User   Facility = 1
	Syslog Facility = 5

	Err     Severity = 3
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
	Debug   Severity = 7
)

// maxPRI is local7.debug; a PRI above it is broken.
const maxPRI = 191

// Facilities and Severities are the words in the order of their numbers.
var (
	Facilities = []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	Severities = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

// Words that syslog.conf and Python's logging use for the same severities and facilities.
var (
	severityAliases = map[string]Severity{"panic": 0, "emergency": 0, "critical": 2, "error": 3, "warn": 4, "informational": 6}
	facilityAliases = map[string]Facility{"security": 4, "solaris-cron": 15}
)

func (f Facility) String() string {
	if int(f) < len(Facilities) {
		return Facilities[f]
	}
	return fmt.Sprintf("facility%d", uint8(f))
}

func (s Severity) String() string { return Severities[s&7] }

// UnmarshalText reads a word of the table, in any case.
func (f *Facility) UnmarshalText(text []byte) error {
	v, ok := lookup(strings.ToLower(string(text)), Facilities, facilityAliases)
	if !ok {
		return WordError{"facility", string(text), Facilities}
	}
	*f = v
	return nil
}

// UnmarshalText reads a word of the table or one of its usual other names, in any case.
func (s *Severity) UnmarshalText(text []byte) error {
	v, ok := lookup(strings.ToLower(string(text)), Severities, severityAliases)
	if !ok {
		return WordError{"severity", string(text), Severities}
	}
	*s = v
	return nil
}

func lookup[T Facility | Severity](word string, names []string, aliases map[string]T) (T, bool) {
	for i, n := range names {
		if n == word {
			return T(i), true
		}
	}
	v, ok := aliases[word]
	return v, ok
}

// A WordError is a word that is none of those allowed.
type WordError struct {
	What  string   // what the word should have named: "severity"
	Word  string   // as it was written
	Words []string // the allowed ones
}

func (e WordError) Error() string { return fmt.Sprintf("unknown %s %q", e.What, e.Word) }

// Valid returns the allowed words, for whoever wants to suggest the nearest.
func (e WordError) Valid() []string { return e.Words }

// UnmarshalWord sets v to the place of text among words, in which case and - or _ make no difference. The error is a WordError.
func UnmarshalWord[T ~uint8](v *T, what string, text []byte, words []string) error {
	word := bytes.ReplaceAll(bytes.ToLower(text), []byte("-"), []byte("_"))
	for i, w := range words {
		if string(word) == w {
			*v = T(i)
			return nil
		}
	}
	return WordError{what, string(text), words}
}

// parsePRI reads a leading <PRI>. It returns its value and length; a length of 0 means that there is none, and
// -1 that something opens like a PRI and is not one: no digits, more than three, no '>', or above 191.
func parsePRI(s []byte) (pri, n int) {
	if len(s) == 0 || s[0] != '<' {
		return 0, 0
	}
	for i := 1; i < len(s) && i <= 4; i++ {
		if c := s[i] - '0'; c <= 9 {
			pri = pri*10 + int(c)
			continue
		}
		if s[i] == '>' && i > 1 && pri <= maxPRI {
			return pri, i + 1
		}
		break
	}
	return 0, -1
}
