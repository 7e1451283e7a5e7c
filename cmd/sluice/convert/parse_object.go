package convert

import (
	"errors"
	"fmt"
	"strings"
)

// A params is what an object has in its parentheses, names in lower case.
type params map[string][]string

// get is a value; empty where there is none.
func (p params) get(name string) string {
	if len(p[name]) > 0 {
		return p[name][0]
	}
	return ""
}

func (p params) has(name string) bool { return len(p[name]) > 0 }

// object reads name(key="value" ..) and the block that belongs to a template or ruleset.
func (p *parser) object(at place, from int, kind string) []statement {
	o := object{kind: kind, params: params{}}
	p.at++
	var err error
	for err == nil {
		p.blanks()
		if p.end() {
			err = errors.New("a ( that nothing closes")
			break
		}
		if p.take(')') {
			break
		}
		if p.take(',') {
			continue
		}
		name := strings.ToLower(p.word(".-"))
		p.blanks()
		if name == "" || !p.take('=') {
			err = errors.New("want name=\"value\"")
			break
		}
		p.blanks()
		var values []string
		if values, err = p.values(); err == nil && !o.params.has(name) {
			o.params[name] = values
		}
	}
	o.origin = p.since(at, from)
	if err != nil {
		p.skipLine()
		return []statement{unreadable{p.line(at, from), fmt.Sprintf("not understood: %v", err)}}
	}
	if kind == "template" || kind == "ruleset" {
		mark := p.at
		if p.blanks(); p.take('{') {
			o.body = p.statements(true)
		} else {
			p.at = mark
		}
	}
	if kind == "include" && o.params.has("file") {
		return p.include(o.origin, o.params.get("file"), p.dir, o.params.get("mode") == "optional")
	}
	return []statement{o}
}

// values reads "value", ["a", "b"], or a bare word, which rsyslog is lenient about in places.
func (p *parser) values() (list []string, err error) {
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		s, err := p.quoted()
		return []string{s}, err
	case c == '`':
		p.at++
		if _, ok := p.until('`'); !ok {
			return nil, errors.New("a ` that nothing ends")
		}
		return nil, errors.New("what is between ` ` is not known before rsyslog runs")
	case c == '[':
		p.at++
		for {
			p.blanks()
			switch {
			case p.take(']'):
				return list, nil
			case p.take(','):
			case p.peek() == '"' || p.peek() == '\'':
				s, err := p.quoted()
				if err != nil {
					return nil, err
				}
				list = append(list, s)
			default:
				return nil, errors.New("want a list of strings")
			}
		}
	}
	if w := p.word("-./:"); w != "" {
		return []string{w}, nil
	}
	return nil, errors.New("want a value in quotes")
}
