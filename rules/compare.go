package rules

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/syslog"
)

// Compare holds when the field's value passes the operator's test with one of the wanted values. An empty operator
// is a plain value: exact, or a glob where it holds * or ?. The error says which value is wrong and why.
func Compare(f syslog.Field, op string, want []string, ignoreCase bool) (Condition, error) {
	if len(want) == 0 {
		return nil, fmt.Errorf("an empty list matches nothing")
	}
	named, ok := operators[0], op == ""
	if !ok {
		if named, ok = operatorNamed(op); !ok {
			return nil, syslog.WordError{What: "operator", Word: op, Words: OperatorNames()}
		}
	}
	if named.names[0] == "equals" {
		if set, err := codes(f.Name(), want, op == ""); set != nil || err != nil {
			return set, err
		}
	}
	c := &compare{key: key{field: f, fold: ignoreCase}, want: want, verb: named.verb, exact: named.names[0] == "equals"}
	for _, w := range want {
		o := named
		if op == "" && IsGlob(w) {
			o, c.verb, c.exact = plainGlob, plainGlob.verb, false
		} else if named.names[0] == "equals" {
			if err := checkDomain(f.Name(), w, ignoreCase); err != nil {
				return nil, err
			}
		}
		if ignoreCase && named.names[0] != "regex" {
			w = string(appendLower(nil, []byte(w)))
		}
		t, err := o.build(w, ignoreCase)
		if err != nil {
			return nil, err
		}
		c.tests = append(c.tests, boundTest{t, bigramsOf([]byte(t.need))})
	}
	return c, nil
}

// codes makes a set of plain facility or severity words. It returns nil if that is not what they are.
func codes(field string, want []string, globs bool) (Condition, error) {
	if field != "facility" && field != "severity" {
		return nil, nil
	}
	var fs facilities
	var ss severities
	for _, w := range want {
		if globs && IsGlob(w) {
			return nil, nil
		}
		var f syslog.Facility
		var s syslog.Severity
		var err error
		if field == "facility" {
			err = f.UnmarshalText([]byte(w))
		} else {
			err = s.UnmarshalText([]byte(w))
		}
		if err != nil {
			return nil, err
		}
		fs, ss = fs|1<<f, ss|1<<s
	}
	if field == "facility" {
		return fs, nil
	}
	return ss, nil
}

// compare holds when any of its tests does.
type compare struct {
	key
	want   []string // as the rule has them
	verb   string
	exact  bool // want are the values themselves
	sieved bool // many conditions share the key: look at the bigrams first
	tests  []boundTest
}

type boundTest struct {
	test
	bigrams uint64 // of need
}

func (c *compare) holds(e *eval) bool {
	s := e.slot(c.key)
	have := ^uint64(0)
	if c.sieved {
		have = s.set()
	}
	for i := range c.tests {
		if t := &c.tests[i]; t.bigrams&^have == 0 && t.match(s.value) {
			return true
		}
	}
	return false
}

func (c *compare) String() string {
	quoted := make([]string, len(c.want))
	for i, w := range c.want {
		quoted[i] = strconv.Quote(w)
	}
	text := c.field.Name() + " " + c.verb + " " + strings.Join(quoted, " or ")
	if c.fold {
		text += " (in any case)"
	}
	return text
}
