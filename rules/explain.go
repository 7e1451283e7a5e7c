package rules

import (
	"fmt"
	"slices"

	"sluice/syslog"
)

// A Verdict is what one rule made of a message, and why.
type Verdict struct {
	Rule    *Rule
	Reached bool     // false: a rule before it said stop
	Matched bool     // it was reached and its condition holds
	Held    []Reason // the conditions that held, up to the first that did not; none for a rule without match
	Failed  *Reason  // the first condition that did not hold
}

// A Reason is one condition, and what it looked at.
type Reason struct {
	Condition string
	Field     string // empty for groups
	Value     string
}

// Explain says what each rule makes of m. It asks the rules one by one, without the index that Route uses, and counts nothing.
func (s *Set) Explain(m *syslog.Message) []Verdict {
	e := &eval{m: m}
	stopped := false
	verdicts := make([]Verdict, len(s.Rules))
	for i, r := range s.Rules {
		v := Verdict{Rule: r, Reached: !stopped}
		if v.Reached {
			v.ask(e)
			stopped = v.Matched && r.Stop
		}
		verdicts[i] = v
	}
	return verdicts
}

func (v *Verdict) ask(e *eval) {
	v.Matched = true
	if v.Rule.Match == nil {
		return
	}
	for _, c := range conjuncts(v.Rule.Match) {
		reason := Reason{Condition: c.String()}
		if f := fieldOf(c); f != "" {
			reason.Field, reason.Value = f, shown(f, e.m)
		}
		if !c.holds(e) {
			v.Matched, v.Failed = false, &reason
			return
		}
		v.Held = append(v.Held, reason)
	}
}

// fieldOf is the field that a condition looks at, if it is one.
func fieldOf(c Condition) string {
	switch c := c.(type) {
	case facilities:
		return "facility"
	case severities, severityRange:
		return "severity"
	case selector:
		return selectorField
	case *compare:
		return c.field.Name()
	case exists:
		return c.field.Name()
	case within:
		return c.field.Name()
	case not:
		return fieldOf(c.Condition)
	}
	return ""
}

// selectorField is what a selector looks at.
const selectorField = "facility.severity"

func shown(field string, m *syslog.Message) string {
	if field == selectorField {
		if m.Guess&syslog.BrokenPRI != 0 {
			return "invld.debug"
		}
		return fmt.Sprintf("%s.%s", m.Facility, m.Severity)
	}
	f, err := syslog.FieldNamed(field)
	if err != nil {
		return ""
	}
	return string(f.Value(m, nil))
}

// Destinations are the targets that the verdicts send a message to, each once, in the order in which the rules name them.
func Destinations(verdicts []Verdict) []int {
	var to []int
	for _, v := range verdicts {
		if !v.Matched {
			continue
		}
		for _, t := range v.Rule.Targets {
			if !slices.Contains(to, t) {
				to = append(to, t)
			}
		}
	}
	return to
}
