package convert

import (
	"errors"
	"fmt"
	"strings"
)

// What rsyslog.conf is made of, in its order.
type (
	statement interface {
		where() origin
		from(o origin) statement // the same, as if it stood there
	}

	directive struct { // $Name arguments
		origin
		name, args string
	}
	object struct { // name(key="value" ..), and what a template or ruleset holds in braces
		origin
		kind   string
		params params
		body   []statement
	}
	filtered struct { // what is done with messages that pass, and with those that do not
		origin
		filter    filter
		then, els []statement
	}
	again struct { // & action: the filter before
		origin
		then []statement
	}
	action struct { // in the old language
		origin
		what string
	}
	halt struct{ origin } // stop, ~
	call struct {
		origin
		name string
	}
	unreadable struct {
		origin
		why string
	}
)

func (o origin) where() origin { return o }

func (s directive) from(o origin) statement  { s.origin = o; return s }
func (s object) from(o origin) statement     { s.origin = o; return s }
func (s filtered) from(o origin) statement   { s.origin = o; return s }
func (s again) from(o origin) statement      { s.origin = o; return s }
func (s action) from(o origin) statement     { s.origin = o; return s }
func (s halt) from(o origin) statement       { s.origin = o; return s }
func (s call) from(o origin) statement       { s.origin = o; return s }
func (s unreadable) from(o origin) statement { s.origin = o; return s }

// A filter makes its condition. The error says why sluice has none.
type filter func() (condition, error)

// maxNesting bounds blocks within blocks, and parentheses within parentheses.
const maxNesting = 50

// A parser reads the statements of a file.
type parser struct {
	*scanner
	*reader
	depth int
}

// statements reads up to the end, or, in a block, behind the brace that closes it.
func (p *parser) statements(inBlock bool) (list []statement) {
	for {
		p.blanks()
		if p.end() {
			return list
		}
		if p.take('}') {
			if inBlock {
				return list
			}
			continue
		}
		list = append(list, p.statement()...)
	}
}

// statement reads one statement. It always moves on.
func (p *parser) statement() []statement {
	at, from := p.place(), p.at
	if p.depth++; p.depth > maxNesting {
		p.at = len(p.src)
		p.depth--
		return []statement{unreadable{origin{at, "{"}, fmt.Sprintf("more than %d blocks within each other", maxNesting)}}
	}
	defer func() { p.depth-- }()
	switch c := p.peek(); {
	case c == '$':
		line := p.whole()
		name, args, _ := strings.Cut(strings.ReplaceAll(line[1:], "\t", " "), " ")
		if i := strings.IndexByte(name, '#'); i >= 0 {
			name, args = name[:i], ""
		}
		d := directive{origin{at, comment(line)}, strings.ToLower(name), strings.TrimSpace(args)}
		if d.name == "includeconfig" {
			return p.include(d.origin, argument(d.args), p.dir, true)
		}
		return []statement{d}
	case c == '-' && p.depth > 1, c == ':' && strings.HasPrefix(p.rest(), ":om"):
		return p.actions()
	case c == ':':
		return p.property(at, from)
	case c == '!' || c == '+' || c == '-':
		line := p.whole()
		return []statement{unreadable{origin{at, comment(line)}, "rsyslog itself takes BSD's blocks no longer; the rules behind it hold for all programs and hosts"}}
	case c == '&':
		p.at++
		then := p.actions()
		o := p.since(at, from)
		if len(then) == 1 && then[0].where().line == at.line {
			then[0] = then[0].from(o)
		}
		return []statement{again{o, then}}
	case c == '*' || digit(c):
		return p.selector(at, from)
	case letter(c):
		return p.script(at, from)
	case p.depth > 1 && strings.IndexByte("/|@?~^", c) >= 0: // in a block
		return p.actions()
	}
	return p.unknown(at)
}

func (p *parser) unknown(at place) []statement {
	line := p.whole()
	if line == "" && !p.end() {
		p.at++
	}
	return []statement{unreadable{origin{at, comment(line)}, "not understood"}}
}

// script reads a statement that begins with a word, which may be a selector as well.
func (p *parser) script(at place, from int) []statement {
	switch {
	case p.keyword("if"):
		return p.condition(at, from)
	case p.keyword("stop"):
		return []statement{halt{p.since(at, from)}}
	case p.keyword("call"):
		p.spaces()
		name := p.word("-.")
		return []statement{call{p.since(at, from), name}}
	case p.keyword("continue"):
		return nil
	case p.keyword("set"), p.keyword("unset"), p.keyword("reset"), p.keyword("call_indirect"), p.keyword("foreach"):
		for !p.end() && p.peek() != ';' && p.peek() != '{' { // a string may hold both, seldom
			p.at++
		}
		o := p.since(at, from)
		if p.take('{') {
			p.statements(true)
		} else {
			p.take(';')
		}
		return []statement{unreadable{o, "sluice has no variables"}}
	}
	name := p.word("")
	p.blanks()
	if p.peek() == '(' {
		return p.object(at, from, strings.ToLower(name))
	}
	p.at = from
	if i := strings.IndexAny(p.rest(), " \t\n"); i > 0 && strings.Contains(p.rest()[:i], ".") {
		return p.selector(at, from)
	}
	return p.unknown(at)
}

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

// actions reads what is done: a block, a statement of the script language, or an action of the old one.
func (p *parser) actions() []statement {
	p.spaces()
	for strings.HasPrefix(p.rest(), "\\\n") || strings.HasPrefix(p.rest(), "\\\r\n") {
		p.skipLine()
		p.at++
		p.spaces()
	}
	p.blanks()
	at, from := p.place(), p.at
	switch {
	case p.take('{'):
		return p.statements(true)
	case p.end():
		return []statement{unreadable{origin{at, ""}, "nothing is done with these messages"}}
	case p.take('~'):
		return []statement{halt{p.since(at, from)}}
	case letter(p.peek()):
		if word := p.word(""); p.scriptWord(strings.ToLower(word)) {
			p.at = from
			return p.script(at, from)
		}
		p.at = from
	}
	what := p.whole()
	if block, ok := strings.CutSuffix(what, "}"); ok && !strings.HasPrefix(what, "}") && strings.HasSuffix(block, " ") { // { /var/log/x }
		what = strings.TrimSpace(block)
		p.at = from + strings.LastIndexByte(p.src[from:p.at], '}')
	}
	return []statement{action{origin{at, comment(what)}, what}}
}

// scriptWord reports whether a word that was just read begins a statement of the script language.
func (p *parser) scriptWord(word string) bool {
	switch word {
	case "if", "stop", "call", "set", "unset", "reset", "foreach", "continue", "call_indirect":
		return true
	}
	p.blanks()
	return p.peek() == '('
}

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
