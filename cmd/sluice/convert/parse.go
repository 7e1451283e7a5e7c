package convert

import (
	"fmt"
	"strings"
)

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
