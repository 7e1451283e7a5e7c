package syslog

import (
	"strings"
	"testing"
)

// notFields are the keys of parse.txt that say how to read a message rather than what it holds.
var notFields = map[string]bool{"udp": true, "local": true, "now": true, "zone": true, "parser": true, "strict": true, "hostname_from": true, "defaults": true}

func TestParse(t *testing.T) {
	for _, c := range readCases(t, "parse.txt") {
		t.Run(c.name, func(t *testing.T) {
			m := c.parse(t)
			if _, none := c.get("none"); none == m.ok {
				t.Fatalf("line %d: Parse returned %v", c.line, m.ok)
			}
			for _, p := range c.pairs {
				if notFields[p.key] || p.key == "none" {
					continue
				}
				if got := m.show(t, p.key); got != p.value {
					t.Errorf("line %d: %s is %q, want %q", c.line, p.key, got, p.value)
				}
			}
		})
	}
}

// show is a field's value as text; guess is what had to be guessed.
func (m *reading) show(t *testing.T, key string) string {
	t.Helper()
	if key == "guess" {
		return strings.Join(m.Guess.Words(), ", ")
	}
	f, err := FieldNamed(key)
	fatal(t, err)
	return string(f.Value(&m.Message, nil))
}

// What a guess means for the metric malformed_total: left out is no fault, broken is.
func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		guess Guess
		want  bool
	}{
		{0, false},
		{NoPRI | NoTimestamp | NoYear | NoZone | NoHostname | Truncated, false},
		{BrokenPRI, true},
		{BrokenOff | NoHostname, true},
		{Incomplete, true},
	} {
		if got := c.guess.Malformed(); got != c.want {
			t.Errorf("%v: malformed %v, want %v", c.guess.Words(), got, c.want)
		}
	}
}
