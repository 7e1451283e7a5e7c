package convert

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// posix makes an RE2 expression of a POSIX one, basic or extended. rsyslog has newlines escaped before it looks, so that a
// dot takes them; it does here, too.
func posix(expr string, extended bool) (string, error) {
	var b strings.Builder
	begin := true // of an expression, where * stands for itself
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		atBegin := begin
		begin = false
		switch {
		case c == '[':
			n, err := bracket(&b, expr[i:])
			if err != nil {
				return "", err
			}
			i += n - 1
		case c == '\\' && i+1 < len(expr):
			i++
			next := expr[i]
			switch {
			case next >= '1' && next <= '9':
				return "", errors.New("a reference back to a group is not known to RE2")
			case !extended && strings.IndexByte("(){}|+?", next) >= 0:
				b.WriteByte(next)
				begin = next == '(' || next == '|'
			case next == '<' || next == '>':
				b.WriteString(`\b`)
			case strings.IndexByte("bBwWsS", next) >= 0:
				b.WriteString(expr[i-1 : i+1])
			case next == '`':
				b.WriteString(`\A`)
			case next == '\'':
				b.WriteString(`\z`)
			default:
				b.WriteString(regexp.QuoteMeta(string(rune(next))))
			}
		case !extended && strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '*' && atBegin:
			b.WriteString(`\*`)
		case !extended && c == '^' && !atBegin, !extended && c == '$' && i+1 < len(expr) && !strings.HasPrefix(expr[i+1:], `\)`) && !strings.HasPrefix(expr[i+1:], `\|`):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
			begin = c == '^' || extended && (c == '(' || c == '|')
		}
	}
	out := b.String()
	if greedyDot(expr) {
		out = "(?s)" + out
	}
	if _, err := regexp.Compile(out); err != nil {
		return "", fmt.Errorf("not a regular expression of RE2's: %s", comment(expr))
	}
	return out, nil
}

// greedyDot reports whether a dot may take more than one character. A single one seldom is a newline, and (?s) is hard to read.
func greedyDot(expr string) bool {
	for i := 0; i+1 < len(expr); i++ {
		switch {
		case expr[i] == '\\':
			i++
		case expr[i] == '.' && strings.IndexByte(`*+{\`, expr[i+1]) >= 0:
			return true
		}
	}
	return false
}

// bracket copies a bracket expression, in which POSIX knows no backslash, and returns its length.
func bracket(b *strings.Builder, expr string) (int, error) {
	i := 1
	b.WriteByte('[')
	if i < len(expr) && expr[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for first := true; i < len(expr); first = false {
		switch c := expr[i]; {
		case c == ']' && !first:
			b.WriteByte(']')
			return i + 1, nil
		case c == '[' && i+1 < len(expr) && strings.IndexByte(":.=", expr[i+1]) >= 0:
			end := strings.Index(expr[i+2:], expr[i+1:i+2]+"]")
			if end < 0 || expr[i+1] != ':' {
				return 0, errors.New("a collating element is not known to RE2")
			}
			b.WriteString(expr[i : i+2+end+2])
			i += 2 + end + 2
		case c == '\\' || c == '[' || c == ']':
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return 0, errors.New("a [ without ]")
}
