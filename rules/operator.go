package rules

import (
	"bytes"
	"strings"
)

// An operator makes a test of one wanted value. Where case is ignored the value tested is in lower case already, and so
// is want, but for a regex.
type operator struct {
	names []string // ours first, then rsyslog's
	verb  string   // between field and value, to people
	build func(want string, fold bool) (test, error)
}

// A test is one comparison with a field's value.
type test struct {
	match func(value []byte) bool
	need  string // every value that fits contains this
}

var operators = []operator{
	{[]string{"equals", "isequal"}, "is", func(want string, _ bool) (test, error) {
		return test{func(v []byte) bool { return string(v) == want }, want}, nil
	}},
	{[]string{"contains"}, "contains", func(want string, _ bool) (test, error) {
		w := []byte(want)
		return test{func(v []byte) bool { return bytes.Contains(v, w) }, want}, nil
	}},
	{[]string{"prefix", "startswith"}, "begins with", func(want string, _ bool) (test, error) {
		return test{func(v []byte) bool { return len(v) >= len(want) && string(v[:len(want)]) == want }, want}, nil
	}},
	{[]string{"suffix", "endswith"}, "ends with", func(want string, _ bool) (test, error) {
		return test{func(v []byte) bool { return len(v) >= len(want) && string(v[len(v)-len(want):]) == want }, want}, nil
	}},
	{[]string{"glob"}, "is like", func(want string, _ bool) (test, error) {
		g, err := compileGlob(want, false)
		return test{g.match, g.need()}, err
	}},
	{[]string{"regex", "re_match"}, "matches", buildRegex},
}

// plainGlob is what a plain value with * or ? in it means. It has no name to be written by.
var plainGlob = operator{nil, "is like", func(want string, _ bool) (test, error) {
	g, err := compileGlob(want, true)
	return test{g.match, g.need()}, err
}}

// OperatorNames are the operators' own names.
func OperatorNames() []string {
	var names []string
	for _, o := range operators {
		names = append(names, o.names[0])
	}
	return names
}

func operatorNamed(name string) (operator, bool) {
	for _, o := range operators {
		for _, n := range o.names {
			if n == name {
				return o, true
			}
		}
	}
	return operator{}, false
}

// IsOperator reports whether name is an operator, rsyslog's names included.
func IsOperator(name string) bool { _, ok := operatorNamed(name); return ok }

// IsGlob reports whether a plain value is a glob.
func IsGlob(value string) bool { return strings.ContainsAny(value, "*?") }
