package main

import (
	"net/netip"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/rules"
	"sluice/syslog"
)

// A ruleSpec is a rule as YAML has it.
type ruleSpec struct {
	Name  string     `yaml:"name"`
	Match *yaml.Node `yaml:"match"`
	To    *yaml.Node `yaml:"to"`
	Stop  bool       `yaml:"stop"`
}

// rules reads the rules of a file.
func (l *loader) rules(f *fragment) {
	for _, n := range l.entries(f.Rules, "rules") {
		l.rule(f, n)
	}
}

func (l *loader) rule(f *fragment, n *yaml.Node) {
	spec := ruleSpec{Name: nameOf(n, strconv.Itoa(len(l.cfg.Rules)+1))}
	defer l.In("rule %q", spec.Name)()
	l.Decode(n, &spec)
	r := &rules.Rule{Name: spec.Name, Stop: spec.Stop}
	if l.ruleNames[r.Name] {
		l.Errorf(n, "another rule has this name")
	}
	l.ruleNames[r.Name] = true
	if at := strict.Lookup(n, "match"); at != nil {
		r.Match = l.match(at, "match")
	}
	if spec.To != nil {
		entries := []*yaml.Node{spec.To}
		if spec.To.Kind == yaml.SequenceNode {
			entries = spec.To.Content
		}
		if len(entries) == 0 {
			l.Errorf(strict.Lookup(n, "to"), "to: an empty list goes nowhere; a rule that only stops has no to")
		}
		for _, e := range entries {
			if i := l.destination(f, e); i >= 0 {
				r.Targets = append(r.Targets, i)
			}
		}
	}
	l.lintRule(n, r, spec.To == nil)
	if l.takesAll == nil && r.Stop && r.Match == nil {
		l.takesAll = r
	}
	l.cfg.Rules = append(l.cfg.Rules, r)
}

// match reads a mapping of conditions, all of which must hold. An empty one is a mistake: only a missing match means
// every message.
func (l *loader) match(n *yaml.Node, what string) rules.Condition {
	pairs, ok := l.Pairs(n)
	if !ok {
		return nil
	}
	var conditions []rules.Condition
	asked := false
	for _, p := range pairs {
		if strict.Extension(p.Key) {
			continue
		}
		asked = true
		if c := l.condition(p); c != nil {
			conditions = append(conditions, c)
		}
	}
	if !asked {
		l.Errorf(n, "%s: is empty; a rule without match is the one that takes every message", what)
	}
	if len(conditions) == 0 {
		return nil
	}
	return rules.All(conditions...)
}

func (l *loader) condition(p strict.Pair) rules.Condition {
	switch p.Key {
	case "all":
		if list := l.matches(p); len(list) > 0 {
			return rules.All(list...)
		}
		return nil
	case "any":
		if list := l.matches(p); len(list) > 0 {
			return rules.Any(list...)
		}
		return nil
	case "not":
		if c := l.match(p.Value, "not"); c != nil {
			return rules.Not(c)
		}
		return nil
	case "selector":
		return l.selectors(p.Value)
	}
	field, err := syslog.FieldNamed(p.Key)
	if err != nil {
		if words, ok := err.(syslog.WordError); ok {
			l.Unknown(p.At, "field", p.Key, append(words.Words, "all", "any", "not", "selector"))
		} else {
			l.Errorf(p.At, "%v", err)
		}
		return nil
	}
	defer l.In("%s", p.Key)()
	if p.Value.Kind == yaml.MappingNode {
		return l.operators(field, p.Value)
	}
	return l.compare(field, "", p.Value, false)
}

// selectors reads a selector, or a list of them, any of which may fit.
func (l *loader) selectors(n *yaml.Node) rules.Condition {
	var conditions []rules.Condition
	list := l.listed(n)
	for _, e := range list {
		text, ok := l.Text(e)
		if !ok {
			continue
		}
		c, err := rules.Selector(text)
		if err != nil {
			l.wrong(e, "selector", err)
			continue
		}
		conditions = append(conditions, c)
	}
	if len(list) == 0 {
		l.Errorf(n, "selector: an empty list matches nothing")
	}
	if len(conditions) == 0 {
		return nil
	}
	return rules.Any(conditions...)
}

// matches reads the list of an all or any.
func (l *loader) matches(p strict.Pair) []rules.Condition {
	if p.Value.Kind != yaml.SequenceNode || len(p.Value.Content) == 0 {
		l.Errorf(p.Value, "%s: want a list of conditions", p.Key)
		return nil
	}
	var conditions []rules.Condition
	for _, n := range p.Value.Content {
		if c := l.match(n, p.Key); c != nil {
			conditions = append(conditions, c)
		}
	}
	return conditions
}

// operators reads a mapping such as {prefix: app-, ignore_case: true}. All of its operators must hold.
func (l *loader) operators(field syslog.Field, n *yaml.Node) rules.Condition {
	var conditions []rules.Condition
	fold := false
	if c := strict.Lookup(n, "ignore_case"); c != nil {
		l.Decode(c, &fold)
	}
	pairs, _ := l.Pairs(n)
	asked := false
	for _, p := range pairs {
		var c rules.Condition
		op := strict.Fold(p.Key)
		if op == "ignore_case" || strict.Extension(p.Key) {
			continue
		}
		asked = true
		switch {
		case op == "exists":
			want := false
			if !l.Decode(p.Value, &want) {
				continue
			}
			c = rules.Exists(field, want)
		case (op == "at_least" || op == "at_most") && field.Name() == "severity":
			var s syslog.Severity
			if !l.Decode(p.Value, &s) {
				continue
			}
			if c = rules.SeverityAtLeast(s); op == "at_most" {
				c = rules.SeverityAtMost(s)
			}
		case rules.IsOperator(op):
			c = l.compare(field, op, p.Value, fold)
		default:
			words := append(rules.OperatorNames(), "exists", "ignore_case")
			if field.Name() == "severity" {
				words = append(words, "at_least", "at_most")
			}
			l.Unknown(p.At, "operator", p.Key, words)
		}
		if c != nil {
			conditions = append(conditions, c)
		}
	}
	if !asked {
		l.Errorf(n, "want an operator: %s", strings.Join(rules.OperatorNames(), ", "))
	}
	if len(conditions) == 0 {
		return nil
	}
	return rules.All(conditions...)
}

// compare reads a value or a list of values, any of which may fit.
func (l *loader) compare(field syslog.Field, op string, n *yaml.Node, fold bool) rules.Condition {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	if len(entries) == 0 {
		l.Errorf(n, "an empty list matches nothing")
		return nil
	}
	if op == "" && field.Name() == "source" {
		return l.networks(field, entries)
	}
	var values []string
	var last rules.Condition
	for _, e := range entries {
		text, ok := l.Text(e)
		if !ok {
			continue
		}
		c, err := rules.Compare(field, op, []string{text}, fold)
		if err != nil {
			l.wrongWord(e, err)
			continue
		}
		if field.Name() == "input" && !fold && (op == "equals" || op == "" && !rules.IsGlob(text)) {
			l.lintInput(e, text)
		}
		values, last = append(values, text), c
	}
	if len(values) < 2 {
		return last
	}
	c, err := rules.Compare(field, op, values, fold)
	if err != nil {
		l.wrongWord(n, err)
	}
	return c
}

// networks reads plain values of source: addresses and CIDRs, or globs.
func (l *loader) networks(field syslog.Field, entries []*yaml.Node) rules.Condition {
	var networks []netip.Prefix
	var conditions []rules.Condition
	for _, e := range entries {
		var network netip.Prefix
		if text, _ := l.Text(e); strings.ContainsAny(text, "*?") {
			c, _ := rules.Compare(field, "", []string{text}, false)
			conditions = append(conditions, c)
		} else if l.Decode(e, &network) {
			networks = append(networks, network)
		}
	}
	if len(networks) > 0 {
		conditions = append(conditions, rules.Within(field, networks))
	}
	return rules.Any(conditions...)
}
