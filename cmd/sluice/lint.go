package main

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/rules"
	"sluice/syslog"
)

// What is legal and seldom meant becomes a warning, here and nowhere else.

// lintRule looks at one rule, and at those before it.
func (l *loader) lintRule(n *yaml.Node, r *rules.Rule, aimless bool) {
	if aimless && !r.Stop {
		l.warn(n, "has neither to nor stop, and so no effect")
	}
	if l.takesAll != nil {
		l.warn(n, "nothing can reach it: rule %q takes every message and stops", l.takesAll.Name)
	}
	if at := strict.Lookup(n, "match"); r.Match != nil {
		for _, text := range rules.Lint(r.Match) {
			l.warn(at, "%s", text)
		}
		l.lintForward(at, r)
	}
}

// lintFlow finds a file that receives nothing, or sends nothing anywhere.
func (l *loader) lintFlow(root *yaml.Node) {
	for _, part := range []struct {
		key, effect string
		n           int
	}{
		{"inputs", "nothing is received", len(l.cfg.Inputs)},
		{"rules", "every message is dropped", len(l.cfg.Rules)},
	} {
		if part.n > 0 {
			continue
		}
		at := strict.Lookup(root, part.key)
		if at == nil {
			at = root
		}
		l.warn(at, "there are no %s: %s", part.key, part.effect)
	}
}

// lintInput finds a rule for an input that there is not.
func (l *loader) lintInput(at *yaml.Node, name string) {
	if find(l.cfg.Inputs, func(in *Input) bool { return in.Name == name }) == nil {
		l.warn(at, "no input has the name %q (have %s)", name, strings.Join(l.cfg.inputNames(), ", "))
	}
}

// lintTargets finds targets that no rule uses.
func (l *loader) lintTargets() {
	used := make([]bool, len(l.cfg.Targets))
	for _, r := range l.cfg.Rules {
		for _, i := range r.Targets {
			used[i] = true
		}
	}
	for i, t := range l.cfg.Targets {
		if at, named := l.places[t]; named && !used[i] {
			l.warn(at, "target %q: no rule uses it", t.Name)
		}
	}
}

var doubledField = regexp.MustCompile(`(?:^|[^{])(\{\{\s*\.?([A-Za-z_.-]+)\s*\}\})(?:[^}]|$)`)

// lintFormat finds {{field}}, which Docker and Vector mean by {field}.
func (l *loader) lintFormat(at *yaml.Node, text string) {
	for _, m := range doubledField.FindAllStringSubmatch(text, -1) {
		if _, err := syslog.FieldNamed(m[2]); err == nil {
			l.warn(at, "%s writes {%s} and no field: here a field has single braces", m[1], m[2])
		}
	}
}
