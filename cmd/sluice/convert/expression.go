package convert

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/syslog"
)

// expression reads a condition of the script language. To rsyslogd, and only to it, `and` and `or` bind alike, from left to right.
func (p *parser) expression(depth int) (filter, error) {
	left, err := p.negation(depth)
	for err == nil {
		join := both
		if p.blanks(); p.keyword("or") {
			join = either
		} else if !p.keyword("and") {
			return left, nil
		}
		a, b := left, filter(nil)
		b, err = p.negation(depth)
		left = func() (condition, error) { return joined(a, b, join) }
	}
	return nil, err
}

func joined(a, b filter, join func(a, b condition) condition) (condition, error) {
	left, err := a()
	if err != nil {
		return nil, err
	}
	right, err := b()
	if err != nil {
		return nil, err
	}
	return join(left, right), nil
}

func (p *parser) negation(depth int) (filter, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("more than %d conditions within each other", maxNesting)
	}
	p.blanks()
	if p.keyword("not") || p.take('!') {
		p.blanks()
		bare := p.peek() == '$' || p.peek() == '"' || p.peek() == '\''
		inner, err := p.negation(depth + 1)
		if err == nil && bare {
			err = errors.New("rsyslog reads (not $x) == .. here, which never holds; not ($x == ..) is meant")
		}
		return func() (condition, error) {
			c, err := inner()
			if err == nil {
				c = negate(c)
			}
			return c, err
		}, err
	}
	if p.take('(') {
		inner, err := p.expression(depth + 1)
		if err == nil {
			if p.blanks(); !p.take(')') {
				err = errors.New("want ) behind the condition")
			}
		}
		return inner, err
	}
	return p.comparison()
}

// An operand is a side of a comparison: a property, or values.
type operand struct {
	property string
	values   []string
	lower    bool // tolower() of it
}

// comparisons are the operators, the longer ones first.
var comparisons = []string{"==", "!=", "<>", "<=", ">=", "<", ">", "contains_i", "contains", "startswith_i", "startswith", "endswith_i", "endswith"}

func (p *parser) comparison() (filter, error) {
	if c := p.peek(); letter(c) {
		mark := p.at
		name := strings.ToLower(p.word(""))
		if p.blanks(); p.peek() == '(' && name != "tolower" && name != "cnum" {
			return p.function(name)
		}
		p.at = mark
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.blanks()
	op := ""
	for _, known := range comparisons {
		if letter(known[0]) && p.keyword(known) || !letter(known[0]) && strings.HasPrefix(p.rest(), known) {
			if op = known; !letter(known[0]) {
				p.at += len(known)
			}
			break
		}
	}
	if op == "" {
		return func() (condition, error) { return truth(left) }, nil
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return func() (condition, error) { return compared(left, op, right) }, nil
}

func (p *parser) operand() (o operand, err error) {
	p.blanks()
	switch c := p.peek(); {
	case c == '$':
		p.at++
		o.property = p.word("$!./-")
		o.property = strings.TrimRight(o.property, ".")
	case c == '"' || c == '\'' || c == '[':
		o.values, err = p.values()
	case digit(c) || c == '-':
		p.at++
		o.values = []string{string(c) + p.word("")}
	case p.keyword("tolower"), p.keyword("cnum"):
		o.lower = strings.EqualFold(p.src[p.at-1:p.at], "r")
		if p.blanks(); !p.take('(') {
			return o, errors.New("want ( behind a function")
		}
		lower := o.lower
		if c := p.peek(); c != '$' && c != ' ' {
			return o, errors.New("only a property in a function can be converted")
		}
		o, err = p.operand()
		o.lower = lower
		if p.blanks(); err == nil && !p.take(')') {
			err = errors.New("want ) behind a function's value")
		}
	default:
		err = errors.New("only properties, strings and numbers can be compared")
	}
	if p.blanks(); err == nil && !p.end() && strings.IndexByte("&+*%", p.peek()) >= 0 {
		err = errors.New("sluice does not calculate in conditions")
	}
	return o, err
}

// function reads a function that is a condition by itself.
func (p *parser) function(name string) (filter, error) {
	p.at++
	var args []operand
	for {
		if p.blanks(); p.take(')') {
			break
		}
		if p.take(',') {
			continue
		}
		o, err := p.operand()
		if err != nil {
			return nil, fmt.Errorf("%s(): %w", comment(name), err)
		}
		args = append(args, o)
	}
	switch name {
	case "prifilt":
		if len(args) == 1 && len(args[0].values) == 1 {
			return func() (condition, error) { return selected(args[0].values[0]) }, nil
		}
	case "re_match", "re_match_i":
		if len(args) == 2 && args[0].property != "" && len(args[1].values) == 1 {
			return func() (condition, error) { return compare(args[0].name(), name, args[1].values) }, nil
		}
	}
	return nil, fmt.Errorf("sluice has no function %s() in conditions", comment(name))
}

// name is the property's name in the table of properties, where those of the system have a $.
func (o operand) name() string {
	name := strings.ToLower(o.property)
	if _, err := property(name); err != nil && !strings.HasPrefix(name, "$") {
		if _, err := property("$" + name); err == nil {
			return "$" + name
		}
		if strings.HasPrefix(name, "!") || strings.HasPrefix(name, ".") {
			return "$" + name
		}
	}
	return name
}

// truth is a property or a number by itself.
func truth(o operand) (condition, error) {
	if o.property == "" && len(o.values) == 1 {
		n, err := strconv.Atoi(o.values[0])
		return always(err == nil && n != 0), nil
	}
	return nil, errors.New("a property without a comparison")
}

// mirrored is what a comparison says with its sides exchanged.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

func compared(left operand, op string, right operand) (condition, error) {
	if left.property == "" && right.property != "" && mirrored[op] != "" {
		left, right, op = right, left, mirrored[op]
	}
	if left.property == "" || right.property != "" {
		return nil, errors.New("only a property can be compared, and only with strings and numbers")
	}
	name := left.name()
	switch op {
	case "<", "<=", ">", ">=":
		if left.lower || len(right.values) != 1 {
			return nil, errors.New("only one number is more or less")
		}
		return ordered(name, op, right.values[0])
	case "==", "!=", "<>":
		c, err := equal(name, right.values, left.lower)
		if err == nil && op != "==" {
			c = negate(c)
		}
		return c, err
	}
	if left.lower {
		op = strings.TrimSuffix(op, "_i") + "_i"
	}
	return compare(name, op, right.values)
}

// equal compares codes and their words as rsyslogd optimizes it: words in any case, with aliases. Other codes are compared
// as numbers, and the rest as texts.
func equal(name string, values []string, lower bool) (condition, error) {
	f, err := property(name)
	if err == nil && (f.Name() == "severity_code" || f.Name() == "facility_code") {
		list, field := syslog.Severities, "severity"
		if f.Name() == "facility_code" {
			list, field = syslog.Facilities, "facility"
		}
		var words []string
		for _, v := range values {
			n, err := strconv.Atoi(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number", comment(name), comment(v))
			}
			if n >= 0 && n < len(list) {
				words = append(words, list[n])
			}
		}
		if len(words) == 0 {
			return always(false), nil
		}
		return oneOf(field, words), nil
	}
	if err == nil && (f.Name() == "severity" || f.Name() == "facility") {
		var words []string
		for _, v := range values {
			var facility syslog.Facility
			var severity syslog.Severity
			if f.Name() == "facility" && facility.UnmarshalText([]byte(v)) == nil {
				words = append(words, facility.String())
			} else if f.Name() == "severity" && severity.UnmarshalText([]byte(v)) == nil {
				words = append(words, severity.String())
			} else {
				return nil, fmt.Errorf("%s is never %q", f.Name(), comment(v))
			}
		}
		return oneOf(f.Name(), words), nil
	}
	op := "isequal"
	if lower {
		op = "isequal_i"
	}
	return compare(name, op, values)
}

// ordered compares a code with a number.
func ordered(name, op, number string) (condition, error) {
	f, err := property(name)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(number)
	if err != nil || f.Name() != "severity_code" && f.Name() != "facility_code" {
		return nil, errors.New("only the numbers of severity and facility can be more or less")
	}
	from, to := 0, n // inclusive
	switch op {
	case "<":
		to--
	case ">":
		from, to = n+1, len(syslog.Facilities)
	case ">=":
		from, to = n, len(syslog.Facilities)
	}
	list := syslog.Facilities
	if f.Name() == "severity_code" {
		list = syslog.Severities
	}
	from, to = max(from, 0), min(to, len(list)-1)
	switch {
	case from > to:
		return always(false), nil
	case from == 0 && to == len(list)-1:
		return always(true), nil
	case f.Name() == "facility_code":
		return comparison{field: "facility", want: slices.Clone(list[from : to+1])}, nil
	case from == 0:
		return literal{"severity", mapping(pair{"at_least", text(list[to])})}, nil
	}
	return literal{"severity", mapping(pair{"at_most", text(list[from])})}, nil
}

// afterSeverity is a comma that separates as a semicolon does.
var afterSeverity = regexp.MustCompile(`(\.[^.,;]*)[,;]+`)

// selected is the condition of a selector, as rsyslog wrote it.
func selected(selector string) (condition, error) {
	selector = afterSeverity.ReplaceAllString(strings.Trim(selector, ",;"), "$1;")
	if strings.ToValidUTF8(selector, "") != selector {
		return nil, errors.New("bytes that are no UTF-8")
	}
	if _, err := rules.Selector(selector); err != nil {
		return nil, err
	}
	if strings.Trim(selector, "*.") == "" && !strings.Contains(selector, ";") {
		return always(true), nil
	}
	if selector == "*.debug" || selector == "*.7" {
		return always(true), nil
	}
	return literal{"selector", text(selector)}, nil
}
