package rules

import (
	"fmt"
)

// Lint says what is legal in a condition and seldom meant.
func Lint(c Condition) []string {
	switch c := c.(type) {
	case all:
		return lintEach(c)
	case any:
		return lintEach(c)
	case not:
		return Lint(c.Condition)
	case severities:
		if c.single() {
			return []string{fmt.Sprintf("%s, and nothing worse: severity: {at_least: ..} is usually meant", c)}
		}
	case selector:
		if c.mask == (selector{}).mask {
			return []string{fmt.Sprintf("%s: no message is left; what is taken away is behind what it is taken from, in one text: *.info;mail.none", c)}
		}
	case *compare:
		return c.lint()
	}
	return nil
}

func lintEach(conditions []Condition) []string {
	var out []string
	for _, c := range conditions {
		out = append(out, Lint(c)...)
	}
	return out
}

func (c severities) single() bool { return c != 0 && c&(c-1) == 0 }

func (c *compare) lint() []string {
	var out []string
	whole := map[string]bool{"message": true, "msg": true, "raw": true}
	if name := c.field.Name(); c.exact && whole[name] {
		out = append(out, fmt.Sprintf("%s: the whole %s is compared; {contains: ..} is usually meant", c, name))
	}
	for _, w := range c.want {
		if w == "" && !c.exact {
			out = append(out, fmt.Sprintf("%s: every message does", c))
		}
	}
	if want, found := c.never(); found {
		out = append(out, fmt.Sprintf("%s %s %q: no message can: it is %s", c.field.Name(), c.verb, want, describeDomain(c.field.Name())))
	}
	return out
}

// Fields are the names of the fields that c looks at.
func Fields(c Condition) []string {
	switch c := c.(type) {
	case nil:
		return nil
	case all:
		return fieldsOfEach(c)
	case any:
		return fieldsOfEach(c)
	case not:
		return Fields(c.Condition)
	}
	if f := fieldOf(c); f != "" {
		return []string{f}
	}
	return nil
}

func fieldsOfEach(conditions []Condition) []string {
	var out []string
	for _, c := range conditions {
		out = append(out, Fields(c)...)
	}
	return out
}
