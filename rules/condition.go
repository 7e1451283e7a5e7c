package rules

import (
	"fmt"
	"net/netip"
	"strings"

	"sluice/syslog"
)

// A Condition is a question about a message with the answer yes or no. Its String is how a person would ask it. It is not
// changed once it is made.
type Condition interface {
	fmt.Stringer
	holds(e *eval) bool
}

type (
	all []Condition
	any []Condition
	not struct{ Condition }
)

// All holds when every condition does.
func All(conditions ...Condition) Condition {
	if len(conditions) == 1 {
		return conditions[0]
	}
	return all(conditions)
}

// Any holds when at least one condition does.
func Any(conditions ...Condition) Condition {
	if len(conditions) == 1 {
		return conditions[0]
	}
	return any(conditions)
}

// Not holds when c does not.
func Not(c Condition) Condition { return not{c} }

func (c all) holds(e *eval) bool {
	for _, c := range c {
		if !c.holds(e) {
			return false
		}
	}
	return true
}

func (c any) holds(e *eval) bool {
	for _, c := range c {
		if c.holds(e) {
			return true
		}
	}
	return false
}

func (c not) holds(e *eval) bool { return !c.Condition.holds(e) }

func (c all) String() string { return join(c, " and ") }
func (c any) String() string { return join(c, " or ") }
func (c not) String() string { return "not (" + c.Condition.String() + ")" }

func join(conditions []Condition, word string) string {
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		if texts[i] = c.String(); isGroup(c) {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, word)
}

func isGroup(c Condition) bool {
	switch c.(type) {
	case all, any:
		return true
	}
	return false
}

// facilities and severities are sets of numbers, a bit each: one AND, however many words the rule lists.
type (
	facilities uint32
	severities uint8
)

func (c facilities) holds(e *eval) bool { return c>>e.m.Facility&1 != 0 }
func (c severities) holds(e *eval) bool { return c>>(e.m.Severity&7)&1 != 0 }

func (c facilities) String() string { return "facility is " + bitWords(uint32(c), syslog.Facilities) }
func (c severities) String() string { return "severity is " + bitWords(uint32(c), syslog.Severities) }

func bitWords(set uint32, words []string) string {
	var in []string
	for i, w := range words {
		if set>>i&1 != 0 {
			in = append(in, w)
		}
	}
	return strings.Join(in, " or ")
}

// SeverityAtLeast holds for s and what is worse, SeverityAtMost for s and what is milder.
func SeverityAtLeast(s syslog.Severity) Condition {
	return severityRange{severities(1<<(s+1) - 1), "at least", s}
}

// SeverityAtMost holds for s and what is milder.
func SeverityAtMost(s syslog.Severity) Condition {
	return severityRange{^severities(1<<s - 1), "at most", s}
}

type severityRange struct {
	severities
	word  string
	bound syslog.Severity
}

func (c severityRange) String() string { return fmt.Sprintf("severity is %s %s", c.word, c.bound) }

// Exists holds when the field is not empty, or, if want is false, when it is.
func Exists(f syslog.Field, want bool) Condition { return exists{key: key{field: f}, want: want} }

type exists struct {
	key
	want bool
}

func (c exists) holds(e *eval) bool { return len(e.value(c.key)) > 0 == c.want }

func (c exists) String() string {
	if c.want {
		return c.field.Name() + " exists"
	}
	return c.field.Name() + " is empty"
}

// Within holds when the field is an IP address inside one of the networks.
func Within(f syslog.Field, networks []netip.Prefix) Condition {
	return within{key{field: f}, networks}
}

type within struct {
	key
	networks []netip.Prefix
}

func (c within) holds(e *eval) bool {
	v := e.value(c.key)
	if len(v) > maxAddress {
		return false
	}
	a, err := netip.ParseAddr(string(v)) // short enough for the stack
	if err != nil {
		return false
	}
	for _, n := range c.networks {
		if n.Contains(a.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// maxAddress is longer than any address with a zone that a sender may have.
const maxAddress = 64

func (c within) String() string {
	texts := make([]string, len(c.networks))
	for i, n := range c.networks {
		texts[i] = n.String()
	}
	return c.field.Name() + " is in " + strings.Join(texts, " or ")
}
