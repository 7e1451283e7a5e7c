package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/rules"
	"sluice/syslog"
)

// A Test is one entry of `tests:`: a message and what must become of it.
type Test struct {
	Name   string
	Place  string // file:line:column
	Trial  trial
	Expect expectation
}

// An expectation holds what is expected; what is nil is not looked at.
type expectation struct {
	Targets *[]string         `yaml:"targets"` // exactly these, in any order
	Rules   *[]string         `yaml:"rules"`   // likewise: those that matched
	Dropped *bool             `yaml:"dropped"`
	Fields  map[string]string `yaml:"fields"`
	Written map[string]string `yaml:"written"` // by target
}

// A testSpec is a test as YAML has it.
type testSpec struct {
	Name    string      `yaml:"name"`
	Message *string     `yaml:"message"`
	Channel string      `yaml:"channel"`
	Text    *string     `yaml:"text"`
	Record  any         `yaml:"record"`
	Input   string      `yaml:"input"`
	Source  netip.Addr  `yaml:"source"`
	Now     time.Time   `yaml:"now"`
	Expect  expectation `yaml:"expect"`
}

// tests reads the tests of a file. What they name must exist.
func (l *loader) tests(f *fragment) {
	for _, n := range l.entries(f.Tests, "tests") {
		l.test(f, n)
	}
}

func (l *loader) test(f *fragment, n *yaml.Node) {
	spec := testSpec{Name: nameOf(n, fmt.Sprintf("test %d", len(l.cfg.Tests)+1))}
	defer l.In("test %q", spec.Name)()
	if !l.Decode(n, &spec) {
		return
	}
	t := &Test{Name: spec.Name, Place: l.At(n, "").Place(), Expect: spec.Expect}
	t.Trial = trial{Channel: spec.Channel, Input: spec.Input, Source: spec.Source, Now: spec.Now}
	given := 0
	if spec.Message != nil {
		given++
		t.Trial.Message = []byte(*spec.Message)
	}
	if spec.Text != nil {
		given++
		t.Trial.Message, t.Trial.Headless = []byte(*spec.Text), true
	}
	if spec.Record != nil {
		given++
		record, err := json.Marshal(spec.Record)
		if err != nil {
			l.Errorf(n, "record: %v", err)
		}
		t.Trial.Message, t.Trial.Headless = record, true
	}
	if given != 1 {
		l.Errorf(n, "want one of message, text (with channel) and record")
	}
	if spec.Input != "" && !slices.Contains(l.cfg.inputNames(), spec.Input) {
		l.Unknown(strict.Lookup(n, "input"), "input", spec.Input, l.cfg.inputNames())
	}
	l.checkExpectation(f, strict.Lookup(n, "expect"), n, &t.Expect)
	l.cfg.Tests = append(l.cfg.Tests, t)
}

// checkExpectation finds names that mean nothing, and takes paths of in-place targets from the file's folder.
func (l *loader) checkExpectation(f *fragment, n, test *yaml.Node, e *expectation) {
	if n == nil || e.Targets == nil && e.Rules == nil && e.Dropped == nil && e.Fields == nil && e.Written == nil {
		l.Errorf(test, "expects nothing: want expect: with targets, rules, dropped, fields or written")
		return
	}
	if e.Targets != nil {
		for i, name := range *e.Targets {
			(*e.Targets)[i] = l.expectedTarget(f, strict.Lookup(n, "targets"), name)
		}
		slices.Sort(*e.Targets)
	}
	if e.Rules != nil {
		var have []string
		for _, r := range l.cfg.Rules {
			have = append(have, r.Name)
		}
		for _, name := range *e.Rules {
			if find(l.cfg.Rules, func(r *rules.Rule) bool { return r.Name == name }) == nil {
				l.Unknown(strict.Lookup(n, "rules"), "rule", name, have)
			}
		}
	}
	for name := range e.Fields {
		if _, err := syslog.FieldNamed(name); err != nil {
			l.wrongWord(strict.Lookup(n, "fields"), err)
		}
	}
	written := map[string]string{}
	for name, text := range e.Written {
		written[l.expectedTarget(f, strict.Lookup(n, "written"), name)] = text
	}
	e.Written = written
}

func (l *loader) expectedTarget(f *fragment, n *yaml.Node, name string) string {
	if scheme, path, _ := strings.Cut(name, "://"); strings.HasPrefix(scheme, "unix") && !filepath.IsAbs(path) {
		l.countsFrom(f.dir, n, name)
	}
	if l.named(name) != nil {
		return name
	}
	if strings.Contains(name, "/") && !strings.Contains(name, "://") && !filepath.IsAbs(name) {
		if t := l.at(filepath.Join(f.dir, name)); t != nil {
			l.countsFrom(f.dir, n, name)
			return t.Name
		}
	}
	if t := l.at(name); t != nil {
		return t.Name
	}
	var have []string
	for _, t := range l.cfg.Targets {
		have = append(have, t.Name)
	}
	l.Unknown(n, "target", name, have)
	return name
}

// countsFrom notes that the name which n is, or lists, is a path from dir.
func (l *loader) countsFrom(dir string, n *yaml.Node, name string) {
	for _, c := range append([]*yaml.Node{n}, n.Content...) {
		if c = strict.Resolve(c); c.Kind == yaml.ScalarNode && c.Value == name {
			l.relative[c] = dir
		}
	}
}

// A failure is one expectation that was not met.
type failure struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// run plays the test and returns what is not as expected.
func (t *Test) run(c *Config) []failure {
	o, err := c.try(t.Trial)
	if err != nil {
		return []failure{{"message", "one", err.Error()}}
	}
	var failures []failure
	check := func(what, want, got string) {
		if want != got {
			failures = append(failures, failure{what, want, got})
		}
	}
	list := func(names []string) string {
		sorted := slices.Sorted(slices.Values(names))
		return "[" + strings.Join(sorted, ", ") + "]"
	}
	e := t.Expect
	if e.Targets != nil {
		check("targets", list(*e.Targets), list(o.targets()))
	}
	if e.Rules != nil {
		check("rules", list(*e.Rules), list(o.matched()))
	}
	if e.Dropped != nil {
		check("dropped", fmt.Sprint(*e.Dropped), fmt.Sprint(o.dropped()))
	}
	for _, name := range sortedKeys(e.Fields) {
		f, _ := syslog.FieldNamed(name)
		check(name, e.Fields[name], string(f.Value(&o.Message, nil)))
	}
	for _, name := range sortedKeys(e.Written) {
		got := "nothing"
		if line := find(o.pointers(), func(l *previewLine) bool { return l.Target == name }); line != nil {
			got = line.Text
		}
		check("written to "+name, e.Written[name], got)
	}
	return failures
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
