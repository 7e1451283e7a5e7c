package syslog

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A testCase is one block of a file in testdata: a name on a line of its own, and indented lines of a key and a value.
// A value that begins with a quote is a Go string; every other is the rest of the line. # begins a comment line.
type testCase struct {
	name  string
	line  int
	pairs []pair
}

type pair struct{ key, value string }

// readCases reads a file of testdata whole.
func readCases(t testing.TB, file string) []testCase {
	t.Helper()
	path := filepath.Join("testdata", file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	seen := map[string]bool{}
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("%s:%d", path, i+1)
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] != ' ':
			if seen[line] {
				t.Fatalf("%s: a second case %q", at, line)
			}
			seen[line] = true
			cases = append(cases, testCase{name: line, line: i + 1})
		case len(cases) == 0:
			t.Fatalf("%s: a value before the first name", at)
		default:
			key, value, _ := strings.Cut(trimmed, " ")
			if value = strings.TrimSpace(value); strings.HasPrefix(value, `"`) {
				if value, err = strconv.Unquote(value); err != nil {
					t.Fatalf("%s: %s: %v", at, key, err)
				}
			}
			c := &cases[len(cases)-1]
			c.pairs = append(c.pairs, pair{key, value})
		}
	}
	return cases
}

// get returns the value of key, and whether the case has it.
func (c testCase) get(key string) (string, bool) {
	for _, p := range c.pairs {
		if p.key == key {
			return p.value, true
		}
	}
	return "", false
}

// The senders of all cases: udp is a peer in the network, local a process on this machine.
var origins = map[string]*Origin{
	"udp":   {Input: "lan", Transport: UDP, Source: []byte("192.0.2.9"), Host: []byte("192.0.2.9")},
	"local": {Input: "devlog", Transport: Unixgram, Source: []byte("127.0.0.1"), Host: []byte("here"), Local: true},
}

// The moment and the zone of cases that name no other.
const (
	caseNow  = "2026-11-20T15:18:00.25Z"
	caseZone = "UTC"
)

// A reading is a case's message as a parser with the case's options reads it.
type reading struct {
	Message
	ok bool // Parse's answer
}

// parse reads the case's input with the options it has: now, zone, parser, strict, hostname_from, defaults.
func (c testCase) parse(t testing.TB) reading {
	t.Helper()
	option := func(key, otherwise string) string {
		v, _ := c.get(key)
		return cmp.Or(v, otherwise)
	}
	opts := DefaultParseOptions()
	now, err := time.Parse(time.RFC3339Nano, option("now", caseNow))
	fatal(t, err)
	opts.Location, err = time.LoadLocation(option("zone", caseZone))
	fatal(t, err)
	fatal(t, opts.Grammar.UnmarshalText([]byte(option("parser", "auto"))))
	fatal(t, opts.HostnameFrom.UnmarshalText([]byte(option("hostname_from", "message"))))
	facility, severity, _ := strings.Cut(option("defaults", "user.notice"), ".")
	fatal(t, opts.DefaultFacility.UnmarshalText([]byte(facility)))
	fatal(t, opts.DefaultSeverity.UnmarshalText([]byte(severity)))
	_, opts.Strict = c.get("strict")

	for transport, origin := range origins {
		if raw, ok := c.get(transport); ok {
			p := NewParser(opts, time.UTC)
			p.SetNow(now)
			var r reading
			r.ok = p.Parse(&r.Message, []byte(raw), origin)
			return r
		}
	}
	t.Fatal("no input: udp or local")
	return reading{}
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
