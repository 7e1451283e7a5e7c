package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// suspect is a character in plain (unquoted) text which a word processor, a web page or an input
// method put there, and which YAML takes for a letter like any other.
type suspect struct {
	r      rune
	offset int
	msg    string
}

const wideColon = `： is not a colon: write ": "`

// wideKey is a key as people write it, up to a colon that is none.
var wideKey = regexp.MustCompile(`^[a-z][a-z0-9_-]*：`)

// stuckKey is a key and the bracket or quote that sticks to its colon: to YAML all of it is text.
var stuckKey = regexp.MustCompile(`^[A-Za-z_][\w-]*:[{\["']`)

// suspects looks through the text of a plain scalar; inside text that is not a key, only what cannot
// be seen is suspect: “quoted” words and ： belong to many languages.
func suspects(text []rune, key bool) []suspect {
	var out []suspect
	add := func(i int, format string, args ...any) {
		out = append(out, suspect{text[i], i, fmt.Sprintf(format, args...)})
	}
	if len(text) > 0 {
		switch r := text[0]; {
		case strings.ContainsRune(`“”„‟‘’‚‛«»＂＇`, r):
			add(0, `%c is not a quote: write " or '`, r)
		case r == '：' && !key:
			add(0, wideColon)
		case strings.ContainsRune(`！％＆＊－＞？＠［｛｜｀＃`, r):
			add(0, "%c is not %c: it is twice as wide", r, r-0xFEE0)
		}
	}
	for i, r := range text {
		if name := oddSpace(r); name != "" {
			add(i, "%s (U+%04X): type a plain space; in quotes it may stay", name, r)
			break
		}
	}
	if key {
		if m := stuckKey.FindString(string(text)); m != "" {
			add(0, "%s needs a space after it", m[:len(m)-1])
		}
		for i, r := range text {
			if r == '：' {
				add(i, wideColon)
				break
			}
		}
	}
	return out
}

// oddSpace names what looks like a space or like nothing; "" for all else. The joiners U+200C and
// U+200D are part of how some scripts are written.
func oddSpace(r rune) string {
	switch {
	case r == 0xA0, r == 0x2007, r == 0x202F:
		return "a no-break space"
	case r == 0x200B, r == 0x2060:
		return "an invisible space"
	case r == 0x3000:
		return "an ideographic space"
	case r == 0x1680, r >= 0x2000 && r <= 0x200A, r == 0x205F:
		return "an odd space"
	}
	return ""
}

// needsQuotes is the remedy for text that YAML reads as something else.
func needsQuotes(text string) string {
	if utf8.RuneCountInString(text) > 60 || text == "" {
		return `this text needs quotes: "..."`
	}
	return text + " needs quotes: " + quoted(text)
}

// quoted is text as a YAML scalar that keeps every character of it.
func quoted(text string) string {
	if strings.ContainsAny(text, `"\`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

// plainEnd is where plain text that begins at c ends in block context: at a comment or the line's end.
func plainEnd(l []rune, c int) int {
	end := c
	for i := c; i < len(l); i++ {
		if l[i] == '#' && i > c && blank(l[i-1]) {
			break
		}
		if !blank(l[i]) {
			end = i + 1
		}
	}
	return end
}

// itemEnd is where an item of [ ] or { } that begins at c was meant to end, brackets in it included.
func itemEnd(l []rune, c int) int {
	depth, end := 0, c
	for i := c; i < len(l); i++ {
		switch r := l[i]; {
		case blank(r):
			continue
		case r == '#' && i > c && blank(l[i-1]), r == ',' && depth == 0:
			return end
		case r == '{' || r == '[':
			depth++
		case r == '}' || r == ']':
			if depth--; depth < 0 {
				return end
			}
		}
		end = i + 1
	}
	return end
}

func blank(r rune) bool { return r == ' ' || r == '\t' }
