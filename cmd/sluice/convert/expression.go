package convert

import (
	"errors"
	"fmt"
	"strings"
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
