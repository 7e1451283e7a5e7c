package convert

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A place is a line of a file of rsyslog's, named as seen from the folder of the first.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// An origin is where something was said, and how.
type origin struct {
	place
	text string
}

// A scanner goes through one file, a byte at a time.
type scanner struct {
	src  string
	at   int
	file string // its name in places
	dir  string // for what it includes by a relative path
	line int    // of at
	from int    // what line counts lines up to
}

func newScanner(src []byte, file, name string) *scanner {
	return &scanner{src: string(src), file: name, dir: path.Dir(file), line: 1}
}

func (s *scanner) end() bool { return s.at >= len(s.src) }

// peek is the byte at hand; 0 at the end.
func (s *scanner) peek() byte {
	if s.end() {
		return 0
	}
	return s.src[s.at]
}

func (s *scanner) rest() string { return s.src[s.at:] }

// place is where the scanner is.
func (s *scanner) place() place {
	s.line += strings.Count(s.src[s.from:s.at], "\n")
	s.from = s.at
	return place{s.file, s.line}
}

// since is what was read from there on, as an origin.
func (s *scanner) since(p place, from int) origin {
	text := strings.ReplaceAll(s.src[from:s.at], "\\\n", " ")
	if strings.Contains(text, "\n") {
		text = inlineComment.ReplaceAllString(text, "")
	}
	return origin{p, comment(text)}
}

var inlineComment = regexp.MustCompile(`(?m)[ \t]#[^"'\n]*$`)

// blanks skips white space and comments.
func (s *scanner) blanks() {
	for !s.end() {
		switch c := s.peek(); {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			s.at++
		case c == '#':
			s.skipLine()
		case strings.HasPrefix(s.rest(), "\\\n"): // what the script language once needed to go on in the next line
			s.at += 2
		case strings.HasPrefix(s.rest(), "/*"):
			if i := strings.Index(s.rest()[2:], "*/"); i >= 0 {
				s.at += i + 4
			} else {
				s.at = len(s.src)
			}
		default:
			return
		}
	}
}

// spaces skips white space within a line.
func (s *scanner) spaces() {
	for c := s.peek(); c == ' ' || c == '\t'; c = s.peek() {
		s.at++
	}
}

func (s *scanner) skipLine() {
	if i := strings.IndexByte(s.rest(), '\n'); i >= 0 {
		s.at += i
	} else {
		s.at = len(s.src)
	}
}

// whole reads to the end of the line, which a backslash puts off: the next one continues it, without what is white before it.
func (s *scanner) whole() string {
	var b strings.Builder
	for {
		from := s.at
		s.skipLine()
		part := strings.TrimSuffix(s.src[from:s.at], "\r")
		more, continued := strings.CutSuffix(part, `\`)
		if !continued || s.end() {
			b.WriteString(part)
			return strings.TrimSpace(b.String())
		}
		b.WriteString(more)
		s.at++
		s.spaces()
	}
}

// word reads letters, digits and the signs in more.
func (s *scanner) word(more string) string {
	from := s.at
	for !s.end() {
		if c := s.peek(); !letter(c) && !digit(c) && strings.IndexByte(more, c) < 0 {
			break
		}
		s.at++
	}
	return s.src[from:s.at]
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// keyword takes a word if it is at hand as a whole.
func (s *scanner) keyword(word string) bool {
	if len(s.rest()) < len(word) || !strings.EqualFold(s.rest()[:len(word)], word) {
		return false
	}
	if rest := s.rest()[len(word):]; rest != "" && (letter(rest[0]) || digit(rest[0]) || rest[0] == '-' || rest[0] == '.') {
		return false
	}
	s.at += len(word)
	return true
}

// take takes a sign if it is at hand.
func (s *scanner) take(sign byte) bool {
	if s.end() || s.peek() != sign {
		return false
	}
	s.at++
	return true
}

// quoted reads a string of the script language, whose quote is at hand. Unescaped it may be a template, which has
// escapes of its own.
func (s *scanner) quoted() (string, error) {
	quote := s.peek()
	s.at++
	var b strings.Builder
	for !s.end() {
		c := s.peek()
		s.at++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\' && !s.end():
			next := s.peek()
			s.at++
			unescape(&b, next, s)
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a string that nothing ends")
}

// unescape writes what a backslash and c mean.
func unescape(b *strings.Builder, c byte, s *scanner) {
	signs := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v'}
	switch {
	case signs[c] != 0:
		b.WriteByte(signs[c])
	case c == 'x' && len(s.rest()) >= 2:
		var n byte
		if _, err := fmt.Sscanf(s.rest()[:2], "%02x", &n); err == nil {
			b.WriteByte(n)
			s.at += 2
		}
	case c >= '0' && c <= '3' && len(s.rest()) >= 2 && digit(s.rest()[0]) && digit(s.rest()[1]):
		b.WriteByte((c-'0')<<6 | (s.rest()[0]-'0')<<3 | s.rest()[1] - '0')
		s.at += 2
	default:
		b.WriteByte(c)
	}
}
