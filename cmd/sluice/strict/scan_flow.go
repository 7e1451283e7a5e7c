package strict

import (
	"regexp"
	"strings"
)

// flow reads what stands between [ ] or { }, over several lines perhaps.
type flow struct {
	*scanner
	i      int // the column in line s.row
	parent int
	found  int // findings before it
	open   []bracket
}

type bracket struct {
	r        rune
	row, col int
	items    int
	colon    bool // the item has its colon
	last     piece
}

// piece is what stands last in an item: nothing (r is 0), plain text ('a'), or a value that has ended,
// in a quote or a bracket, and can have nothing more.
type piece struct {
	r        rune
	row, col int
	end      int
}

// flow reads from the bracket at c to its partner, and answers the column behind that.
func (s *scanner) flow(c, parent int) (end int, ok bool) {
	f := flow{scanner: s, i: c, parent: parent, found: len(s.found)}
	for {
		l := s.lines[s.row]
		switch {
		case ended(l, f.i):
			if !f.newline() {
				return 0, false
			}
		case blank(l[f.i]):
			f.i++
		default:
			if !f.token(l, l[f.i]) {
				return 0, false
			}
			if len(f.open) == 0 {
				return f.i, true
			}
		}
	}
}

// newline goes on with the next line, unless that one is clearly outside: then, or at the file's end,
// a bracket was left open.
func (f *flow) newline() bool {
	if f.row+1 < len(f.lines) && !f.resumes(f.lines[f.row+1], f.parent) {
		f.row++
		f.i = 0
		return true
	}
	top := f.open[len(f.open)-1]
	all := &f.scanner.found
	for len(*all) > f.found && (*all)[len(*all)-1].row > top.row {
		*all = (*all)[:len(*all)-1] // the lines below were no part of this
	}
	if len(*all) == f.found {
		f.add(finding{top.row, top.col, "the " + string(top.r) + " is never closed", true})
	}
	return false
}

func (f *flow) token(l []rune, r rune) bool {
	if len(f.open) == 0 {
		f.push(r)
		return true
	}
	top := &f.open[len(f.open)-1]
	switch {
	case r == ']' || r == '}':
		f.pop(r)
	case r == ',':
		f.item()
		f.i++
	case r == ':' && top.last.r != 0 && (f.i+1 == len(l) || strings.ContainsRune(" \t,]}", l[f.i+1]) || top.last.r != 'a'):
		if top.colon && top.last.r == 'a' {
			f.quote(l, top.last)
			return true
		}
		top.colon, top.last = true, piece{}
		f.i++
	case top.last.r != 0 && top.last.r != 'a':
		f.junk(l, top.last)
	case r == '"' || r == '\'':
		start := piece{r: r, row: f.row, col: f.i}
		end, ok := f.quoted(f.i, f.parent)
		if !ok {
			return false
		}
		f.i, start.end = end, end
		top.last = start
	case r == '{' || r == '[':
		f.push(r)
	default:
		f.text(l, r)
	}
	return true
}

func (f *flow) push(r rune) {
	f.open = append(f.open, bracket{r: r, row: f.row, col: f.i})
	f.i++
}

func (f *flow) pop(r rune) {
	f.item()
	top := f.open[len(f.open)-1]
	f.open = f.open[:len(f.open)-1]
	if want := map[rune]rune{'[': ']', '{': '}'}[top.r]; r != want {
		f.fatal(f.i, "want "+string(want)+" here, have "+string(r))
	}
	f.i++
	if len(f.open) > 0 {
		f.open[len(f.open)-1].last = piece{top.r, top.row, top.col, f.i}
	}
}

// item ends an item. In { } one without a colon is a key without a value, hardly ever meant.
func (f *flow) item() {
	top := &f.open[len(f.open)-1]
	if last := top.last; top.r == '{' && last.r == 'a' && !top.colon && last.row == f.row && top.row == f.row {
		text := string(f.lines[f.row][last.col:last.end])
		switch {
		case unspaced.MatchString(text):
			f.quiet(last.col, text+" needs a space after the colon")
		case top.items == 0 && f.lines[f.row][f.i] == '}' && bareField.MatchString(text):
			f.quiet(top.col, needsQuotes("{"+text+"}"))
		}
	}
	top.items++
	top.colon, top.last = false, piece{}
}

// bareField is a word, with modifiers perhaps, as text formats have it in braces.
var bareField = regexp.MustCompile(`^[\w.]+(\|.*)?$`)

// quote says that the value from p on needs quotes, and passes over it.
func (f *flow) quote(l []rune, p piece) {
	if p.row != f.row {
		p.col = f.i
	}
	end := max(itemEnd(l, p.col), f.i+1)
	f.fatal(p.col, needsQuotes(strings.TrimSpace(string(l[p.col:end]))))
	f.i = end
	f.open[len(f.open)-1].last = piece{'q', f.row, p.col, end}
}

// junk follows a quote or bracket that has ended the item. `{a}.log` and `{a} {b}` were meant as text;
// anything else behind a space lacks its comma.
func (f *flow) junk(l []rune, p piece) {
	adjacent := p.row == f.row && p.end == f.i
	if (p.r == '{' || p.r == '[') && p.row == f.row && (adjacent || l[f.i] == '{') {
		f.quote(l, p)
		return
	}
	if adjacent {
		f.fatal(f.i, trailing(p.r, true))
	} else {
		f.fatal(f.i, "a comma is missing before this")
	}
	top := &f.open[len(f.open)-1]
	top.items++
	top.colon, top.last = false, piece{}
	if adjacent {
		f.i = max(itemEnd(l, f.i), f.i+1)
	}
}

// text reads plain text, which in here ends at a comma or any bracket.
func (f *flow) text(l []rune, r rune) {
	here := piece{r: 'a', row: f.row, col: f.i}
	top := &f.open[len(f.open)-1]
	word := ""
	if r == '&' || r == '!' {
		word = property(l[f.i:])
	}
	switch {
	case r == '*' && f.isAlias(string(l[f.i:itemEnd(l, f.i)])):
	case word != "" && (r == '&' || knownTag[word]):
		f.i += len(word)
		return
	case top.last.r == 0 && strings.ContainsRune("*&!%@`|>?", r):
		f.quote(l, here)
		return
	}
	for ; f.i < len(l); f.i++ {
		switch c := l[f.i]; {
		case (c == '{' || c == '[') && f.i-here.col < 100 && stuckKey.MatchString(string(l[here.col:f.i+1])):
			f.fatal(here.col, string(l[here.col:f.i])+" needs a space after it")
			top.colon, top.last = true, piece{}
			return
		case c == '{' || c == '[' || c == '?':
			f.quote(l, here)
			return
		case c == ',' || c == ']' || c == '}',
			c == ':' && (f.i+1 == len(l) || blank(l[f.i+1])),
			c == '#' && blank(l[f.i-1]):
			f.suspect(l, here)
			return
		case !blank(c):
			here.end = f.i + 1
		}
	}
	f.suspect(l, here)
}

func (f *flow) suspect(l []rune, p piece) {
	p.end = max(p.end, p.col)
	f.open[len(f.open)-1].last = p
	isKey := f.i < len(l) && l[f.i] == ':'
	for _, m := range suspects(l[p.col:p.end], isKey) {
		f.quiet(p.col+m.offset, m.msg)
	}
}
