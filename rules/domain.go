package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/syslog"
)

// domains are all the values that some fields can have. A rule that asks for another one never holds.
var domains = map[string][]string{
	"facility":      syslog.Facilities,
	"severity":      syslog.Severities,
	"transport":     syslog.Transports,
	"facility_code": numbers(len(syslog.Facilities)),
	"severity_code": numbers(len(syslog.Severities)),
	"pri":           numbers(len(syslog.Facilities) * len(syslog.Severities)),
}

func numbers(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	return words
}

// checkDomain says why a field is never equal to want.
func checkDomain(field, want string, ignoreCase bool) error {
	words, closed := domains[field]
	if ignoreCase {
		want = strings.ToLower(want)
	}
	switch {
	case !closed || slices.Contains(words, want):
		return nil
	case words[0] == "0":
		return fmt.Errorf("want %s, have %q", describeDomain(field), want)
	}
	return syslog.WordError{What: field, Word: want, Words: words}
}

func describeDomain(field string) string {
	words := domains[field]
	if words[0] == "0" {
		return fmt.Sprintf("a number from 0 to %d", len(words)-1)
	}
	return "one of " + strings.Join(words, ", ")
}

// never is the first value of c that no message can fit.
func (c *compare) never() (want string, found bool) {
	words, closed := domains[c.field.Name()]
	if !closed {
		return "", false
	}
	for i, t := range c.tests {
		if !slices.ContainsFunc(words, func(w string) bool { return t.match([]byte(w)) }) {
			return c.want[i], true
		}
	}
	return "", false
}
