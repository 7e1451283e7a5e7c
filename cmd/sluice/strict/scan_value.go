package strict

import (
	"regexp"
	"slices"
	"strings"
)

// keyEnd is where the colon of a key that begins at c stands; -1 if no key begins there. A wide colon
// and one that an odd space follows count: it is known what was meant.
func (s *scanner) keyEnd(l []rune, c int) int {
	if l[c] == '"' || l[c] == '\'' {
		for i := c + 1; i < len(l); i++ {
			switch {
			case l[i] == '\\' && l[c] == '"':
				i++
			case l[i] == l[c]:
				if i = skip(l, i+1); i < len(l) && l[i] == ':' && (i+1 == len(l) || blank(l[i+1])) {
					return i
				}
				return -1
			}
		}
		return -1
	}
	if l[c] == '{' || l[c] == '[' {
		return -1
	}
	for i := c; i < len(l); i++ {
		switch {
		case l[i] == '#' && i > c && blank(l[i-1]):
			return -1
		case l[i] == ':' && (i+1 == len(l) || blank(l[i+1]) || oddSpace(l[i+1]) != ""):
			return i
		case l[i] == '：' && i-c < 100 && wideKey.MatchString(string(l[c:i+1])):
			return i
		}
	}
	return -1
}

// key complains of the key l[c:end], and answers where what follows its colon begins.
func (s *scanner) key(l []rune, c, end int) int {
	text := l[c:end]
	switch {
	case l[c] == '"' || l[c] == '\'':
	case l[c] == '&' || l[c] == '!':
		if word := property(text); word == "" || l[c] == '!' && !knownTag[word] {
			s.quiet(c, needsQuotes(string(text)))
		}
	case strings.ContainsRune("%@`|>*,]}", l[c]) && !s.isAlias(string(text)):
		s.fatal(c, needsQuotes(strings.TrimSpace(string(text))))
	default:
		for _, m := range suspects(text, true) {
			s.quiet(c+m.offset, m.msg)
		}
	}
	if l[end] == '：' {
		s.fatal(end, wideColon)
	}
	if end++; end < len(l) && oddSpace(l[end]) != "" {
		s.fatal(end, suspects(l[end:end+1], false)[0].msg)
		end++
	}
	return end
}

// value reads what stands at c after a key or a dash, down to its last line.
func (s *scanner) value(c int, key string) {
	l := s.lines[s.row]
	for !ended(l, c) && (l[c] == '&' || l[c] == '!') {
		word := property(l[c:])
		if word == "" || l[c] == '!' && !knownTag[word] {
			s.add(finding{s.row, c, needsQuotes(string(l[c:plainEnd(l, c)])), word == ""})
			s.close()
			return
		}
		c = skip(l, c+len(word))
	}
	if ended(l, c) {
		return
	}
	row, parent, found := s.row, s.parent(), len(s.found)
	s.close()
	switch l[c] {
	case '"', '\'':
		if end, ok := s.quoted(c, parent); ok {
			s.after(row, c, end)
		}
	case '{', '[':
		if end, ok := s.flow(c, parent); ok && !s.explained(found) {
			s.after(row, c, end)
		}
	case '|', '>':
		if !blockHeader.MatchString(string(l[c:])) {
			s.fatal(c, needsQuotes(string(l[c:plainEnd(l, c)])))
			return
		}
		s.block(parent)
	default:
		s.plain(l, c, key)
	}
}

// explained tells whether a value has a fatal finding, the first it may have being number n.
func (s *scanner) explained(n int) bool {
	return slices.ContainsFunc(s.found[min(n, len(s.found)):], func(f finding) bool { return f.fatal })
}

var (
	properties  = regexp.MustCompile(`^(&[0-9A-Za-z_-]+|![^\s,\[\]{}]*)(?:$|[\s,\]}])`)
	blockHeader = regexp.MustCompile(`^[|>][-+0-9]*\s*($|\s#)`)
)

// property is the anchor or the tag that l begins with, "" if it is not a whole one.
func property(l []rune) string {
	if m := properties.FindStringSubmatch(string(l[:min(len(l), 200)])); m != nil {
		return m[1]
	}
	return ""
}

// close notes that the last key or dash has its value.
func (s *scanner) close() {
	if top := s.top(); top != nil {
		top.open = false
	}
}

// plain checks text without quotes in block context.
func (s *scanner) plain(l []rune, c int, key string) {
	text := string(l[c:plainEnd(l, c)])
	found := suspects([]rune(text), false)
	switch {
	case len(found) > 0 && found[0].offset == 0 && colonIn.MatchString(text):
		s.fatal(c, found[0].msg)
	case text[0] == '*' && s.isAlias(text):
	case text[0] == '*' && key == "<<":
		s.fatal(c, "there is no &"+text[1:]+" above")
	case strings.HasPrefix(text, "- "):
		s.fatal(c, "a list begins on a line of its own, under its key")
	case strings.ContainsRune("*%@`]},", rune(text[0])), text == "-", text == "?", strings.HasPrefix(text, "? "), key != "" && colonIn.MatchString(text):
		s.fatal(c, needsQuotes(text))
	default:
		for _, m := range found {
			s.quiet(c+m.offset, m.msg)
		}
	}
}

var colonIn = regexp.MustCompile(`:(\s|$)`)

func (s *scanner) isAlias(text string) bool {
	name, ok := strings.CutPrefix(strings.TrimSpace(text), "*")
	return ok && s.anchors[name]
}

// block passes over the lines of a | or > text, whatever they hold.
func (s *scanner) block(parent int) {
	for s.row+1 < len(s.lines) {
		l := s.lines[s.row+1]
		spaces := 0
		for spaces < len(l) && l[spaces] == ' ' {
			spaces++
		}
		if skip(l, 0) < len(l) && (spaces <= parent || parent < 0 && isMarker(l)) {
			return
		}
		s.row++
	}
}

// after checks that nothing follows a value that quotes or brackets have ended.
func (s *scanner) after(row, c, end int) {
	l := s.lines[s.row]
	next := skip(l, end)
	if next == len(l) || l[next] == ':' || l[next] == '#' && next > end {
		return
	}
	opener := s.lines[row][c]
	switch {
	case opener != '"' && opener != '\'' && row == s.row:
		s.fatal(c, needsQuotes(string(l[c:plainEnd(l, c)])))
	default:
		s.fatal(next, trailing(opener, next == end))
	}
}

// trailing says what is wrong with text behind a closing quote or bracket.
func trailing(opener rune, adjacent bool) string {
	switch {
	case opener == '\'' && adjacent:
		return "text after the closing quote: inside single quotes a ' is written ''"
	case opener == '"' && adjacent:
		return `text after the closing quote: inside double quotes a " is written \"`
	case opener == '"', opener == '\'':
		return "text after the closing quote: quotes hold the whole value"
	}
	return "text after the closing bracket"
}

func skip(l []rune, c int) int {
	for c < len(l) && blank(l[c]) {
		c++
	}
	return c
}

// ended tells whether nothing but a comment stands at c.
func ended(l []rune, c int) bool { return c >= len(l) || l[c] == '#' }

func isMarker(l []rune) bool {
	text := string(l)
	return text == "---" || text == "..." || strings.HasPrefix(text, "--- ") || strings.HasPrefix(text, "... ")
}
