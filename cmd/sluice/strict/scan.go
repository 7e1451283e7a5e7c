package strict

import (
	"regexp"
	"strings"
)

// scanner reads a file that yaml.v3 has refused, the way its author laid it out, line by line. It
// goes on after a mistake and says what was meant. It need not know all of YAML: where it loses the
// thread it keeps quiet until the next line without indentation.
type scanner struct {
	lines   [][]rune
	row     int
	before  int // the row of the line with text before it
	anchors map[string]bool
	levels  []level
	lost    bool
	found   []finding
}

// finding is a mistake; row and col count from 0. Without fatal, YAML reads it, as something else.
type finding struct {
	row, col int
	msg      string
	fatal    bool
}

var anchor = regexp.MustCompile(`&([0-9A-Za-z_-]+)`)

func newScanner(lines [][]rune) *scanner {
	s := &scanner{lines: lines, anchors: map[string]bool{}}
	for _, l := range lines {
		for _, m := range anchor.FindAllStringSubmatch(string(l), -1) {
			s.anchors[m[1]] = true
		}
	}
	return s
}

func (s *scanner) run() {
	for s.row = 0; s.row < len(s.lines) && len(s.found) < maxFindings; s.row++ {
		row := s.row
		if s.line(); !ended(s.lines[row], skip(s.lines[row], 0)) {
			s.before = row
		}
	}
}

func (s *scanner) fatal(col int, msg string) { s.add(finding{s.row, col, msg, true}) }
func (s *scanner) quiet(col int, msg string) { s.add(finding{s.row, col, msg, false}) }

// add lets a fatal finding take the place of a guess at the same spot.
func (s *scanner) add(f finding) {
	if last := len(s.found) - 1; f.fatal && last >= 0 && s.found[last].row == f.row && s.found[last].col == f.col {
		s.found = s.found[:last]
	}
	s.found = append(s.found, f)
}

// line reads the line s.row, and those after it that belong to its last value.
func (s *scanner) line() {
	l := s.lines[s.row]
	c := s.indentation(l)
	if c == len(l) || l[c] == '#' {
		return
	}
	if c == 0 {
		s.lost = false
		if isMarker(l) {
			s.levels = nil
			return
		}
		if l[0] == '%' && s.keyEnd(l, 0) < 0 {
			return // a directive, or what yaml.v3 has a word for
		}
	}
	for l[c] == '-' && (c+1 == len(l) || blank(l[c+1])) {
		if !s.enter(c, true) {
			return
		}
		next := skip(l, c+1)
		if ended(l, next) {
			return
		}
		for i := c + 1; i < next; i++ {
			if l[i] == '\t' && s.keyEnd(l, next) >= 0 {
				s.fatal(i, "a tab in the indentation: use spaces")
				s.lost = true
				break
			}
		}
		c = next
	}
	if (l[c] == '?' || l[c] == ':') && (c+1 == len(l) || blank(l[c+1])) {
		s.lost = true // a key of several lines, and its value
		return
	}
	s.content(c)
}

// indentation answers where the line's text begins, and complains of what indents but must not.
func (s *scanner) indentation(l []rune) int {
	c := 0
	for c < len(l) && l[c] == ' ' {
		c++
	}
	end := c
	for end < len(l) && (blank(l[end]) || oddSpace(l[end]) != "") {
		end++
	}
	switch {
	case end == c, end == len(l) && skip(l, c) == end, end < len(l) && l[end] == '#' && skip(l, c) == end:
		return end
	case l[c] == '\t':
		s.fatal(c, "a tab in the indentation: use spaces")
	default:
		s.fatal(c, suspects(l[c:c+1], false)[0].msg)
	}
	s.lost = true
	return end
}

// content reads a key with its value, or a value alone, at column c.
func (s *scanner) content(c int) {
	l := s.lines[s.row]
	if s.continues(c) && s.keyEnd(l, c) < 0 {
		return
	}
	end := s.keyEnd(l, c)
	if end < 0 {
		s.alone(c)
		return
	}
	if !s.enter(c, false) {
		return
	}
	next := skip(l, s.key(l, c, end))
	if stuckKey.MatchString(string(l[c:end])) {
		s.close()
		return
	}
	s.value(next, string(l[c:end]))
}

// continues tells a further line of plain text from the beginning of something.
func (s *scanner) continues(c int) bool {
	top := s.top()
	return !s.lost && top != nil && !top.open && c > top.col
}

// alone reads a line, or the rest of one after its dashes, that holds no key. Where a key must stand,
// because of the lines around it, its colon was forgotten or sticks to its value.
func (s *scanner) alone(c int) {
	top := s.leave(c)
	l := s.lines[s.row]
	row, next := s.nextLine(s.row + 1)
	nextIsKey := next >= 0 && keyLine.MatchString(string(s.lines[row]))
	text := string(l[c:plainEnd(l, c)])
	colon := unspaced.FindStringSubmatch(text)
	among := !s.lost && top != nil && top.col == c && !top.list || next == c && nextIsKey && s.keyEnd(s.lines[row], next) > 0
	switch {
	case strings.ContainsRune(`"'{[&!*`, l[c]):
		s.value(c, "")
	case among && colon != nil:
		s.fatal(c, colon[1]+" needs a space after it: "+colon[1]+" "+text[len(colon[1]):])
		s.enter(c, false)
		s.close()
	case next > c && nextIsKey && bareWord.MatchString(text):
		s.fatal(c, "a colon is missing: "+text+":")
		s.enter(c, false)
	case among:
		s.fatal(c, `want "key: value"`)
		s.enter(c, false)
		s.close()
	default:
		s.value(c, "")
	}
}

// unspaced is a key whose colon sticks to its value; after a URL's colon come two slashes.
var unspaced = regexp.MustCompile(`^([A-Za-z_][\w-]*:)([^/\s]|/[^/])`)

var bareWord = regexp.MustCompile(`^[\w.-]+$`)

// nextLine is the next line from row on that has text, and its indentation; -1 if there is none.
func (s *scanner) nextLine(row int) (int, int) {
	for ; row < len(s.lines); row++ {
		if c := skip(s.lines[row], 0); !ended(s.lines[row], c) {
			return row, c
		}
	}
	return row, -1
}
