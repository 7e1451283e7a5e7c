package strict

import (
	"regexp"
	"strings"
)

// quoted reads from the quote at c to the one that ends it, on a later line perhaps, and answers the
// column behind it. Text that runs into the next key never had its closing quote.
func (s *scanner) quoted(c, parent int) (end int, ok bool) {
	first, quote := s.row, s.lines[s.row][c]
	var escapes []finding
	for i := c + 1; ; i++ {
		l := s.lines[s.row]
		switch {
		case i >= len(l):
			if s.row+1 == len(s.lines) || s.resumes(s.lines[s.row+1], parent) {
				if s.row+1 < len(s.lines) {
					s.row = first
				}
				s.found = append(s.found, finding{first, c, "the quote " + string(quote) + " is never closed", true})
				return 0, false
			}
			s.row++
			i = -1
		case quote == '"' && l[i] == '\\':
			if i+1 < len(l) && !isEscape(l[i+1:]) {
				escapes = append(escapes, finding{s.row, i, badEscape(l, c, i, first == s.row), true})
			}
			i++
		case l[i] == quote && quote == '\'' && i+1 < len(l) && l[i+1] == '\'':
			i++
		case l[i] == quote:
			if len(escapes) > 0 {
				s.add(escapes[0])
			}
			return i + 1, true
		}
	}
}

// resumes tells a line that goes on with the file from one that is still inside a value: it begins a
// key or a list item, and is not deeper than the key that the value belongs to.
func (s *scanner) resumes(l []rune, parent int) bool {
	return isMarker(l) || indent(l) <= parent && keyLine.MatchString(string(l))
}

var keyLine = regexp.MustCompile(`^\s*(- |(- +)*["']?[\w<.-]+["']?\s*:(\s|$))`)

// isEscape knows what may follow a backslash in double quotes; yaml.v3 lacks \/ of YAML 1.2.
func isEscape(l []rune) bool {
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[l[0]]
	if digits == 0 {
		return strings.ContainsRune("0abt\tnvfre \"'\\N_LP", l[0])
	}
	return len(l) > digits && hex.MatchString(string(l[1:1+digits]))
}

var hex = regexp.MustCompile(`^[0-9A-Fa-f]+$`)

// badEscape names the escape at i, and shows the whole text as it works if it ends on its line.
func badEscape(l []rune, c, i int, whole bool) string {
	msg := `\` + string(l[i+1]) + " in double quotes: use single quotes"
	for end := i; whole && end < len(l); end++ {
		switch l[end] {
		case '\\':
			end++
		case '"':
			if end-c <= 60 {
				text := strings.ReplaceAll(string(l[c+1:end]), "'", "''")
				return msg + ": '" + text + "'"
			}
			return msg
		}
	}
	return msg
}
