package convert

import (
	"errors"
	"strings"
)

// selector reads facility.severity;.. and what is done with such messages.
func (p *parser) selector(at place, from int) []statement {
	var text strings.Builder
	for !p.end() {
		c := p.peek()
		if c == '\\' && strings.HasPrefix(p.rest(), "\\\n") {
			p.at += 2
			p.spaces()
			continue
		}
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			break
		}
		p.at++
		text.WriteByte(c)
	}
	then := p.actions()
	selector := text.String()
	return []statement{filtered{p.line(at, from), func() (condition, error) { return selected(selector) }, then, nil}}
}

// line is what was read since then, but no more than a line of it.
func (p *parser) line(at place, from int) origin {
	o := p.since(at, from)
	if first, _, more := strings.Cut(p.src[from:p.at], "\n"); more && !strings.HasSuffix(first, `\`) {
		o.text = comment(first)
	}
	return o
}

// property reads :property, [!]comparison, "value" and what is done with such messages.
func (p *parser) property(at place, from int) []statement {
	p.at++
	name, ok := p.until(',')
	p.spaces()
	negated := p.take('!')
	p.spaces()
	op := strings.ToLower(p.word(""))
	p.spaces()
	want := []string{""}
	if p.take(',') {
		p.spaces()
		text, found := p.propertyValue()
		want, ok = []string{text}, ok && found
	} else if op != "isempty" {
		ok = false
	}
	if !ok || op == "" {
		p.whole()
		return []statement{unreadable{p.line(at, from), `not understood: want :property, comparison, "value"`}}
	}
	then := p.actions()
	return []statement{filtered{p.line(at, from), func() (condition, error) {
		c, err := compare(name, op, want)
		if err == nil && negated {
			c = negate(c)
		}
		return c, err
	}, then, nil}}
}

// until reads up to a sign in this line, and that sign.
func (p *parser) until(sign byte) (string, bool) {
	from := p.at
	for !p.end() && p.peek() != '\n' {
		if p.take(sign) {
			return strings.TrimSpace(p.src[from : p.at-1]), true
		}
		p.at++
	}
	return "", false
}

// propertyValue reads a value in double quotes, in which a backslash only makes the next byte stand for itself.
func (p *parser) propertyValue() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var b strings.Builder
	for !p.end() && p.peek() != '\n' {
		switch {
		case p.take('"'):
			return b.String(), true
		case p.peek() == '\\' && p.at+1 < len(p.src):
			p.at++
		}
		b.WriteByte(p.peek())
		p.at++
	}
	return "", false
}

// condition reads what follows if.
func (p *parser) condition(at place, from int) []statement {
	e, err := p.expression(0)
	if err == nil {
		if p.blanks(); !p.keyword("then") {
			err = errors.New("want then behind the condition")
		}
	}
	if err != nil {
		// Go on behind the whole statement, as well as it can be told.
		p.skipCondition()
		e = func() (condition, error) { return nil, err }
	}
	head := p.since(at, from)
	f := filtered{origin: head, filter: e}
	f.then = p.actions()
	mark := p.at
	p.blanks()
	if p.keyword("else") {
		f.els = p.actions()
	} else {
		p.at = mark
	}
	if strings.Count(p.src[from:p.at], "\n") == 0 {
		f.origin = p.since(at, from)
	}
	return []statement{f}
}

// skipCondition goes behind the next then, outside of strings.
func (p *parser) skipCondition() {
	for !p.end() {
		switch c := p.peek(); {
		case c == '\'' || c == '"':
			if _, err := p.quoted(); err != nil {
				return
			}
		case letter(c):
			if p.keyword("then") {
				return
			}
			p.word("")
		default:
			p.at++
		}
	}
}
