package convert

import (
	"regexp"
	"strings"
	"unicode"

	"sluice/cmd/sluice/strict"
)

// A value is a piece of YAML: a scalar, a list or a mapping in the order of its keys.
type value struct {
	scalar string // as it is written
	list   []value
	pairs  []pair
}

type pair struct {
	key string
	value
}

// text is a string, bare the scalar of a number or word of ours.
func text(s string) value { return value{scalar: strict.Quote(s)} }
func bare(s string) value { return value{scalar: s} }

// texts is one string, or a list of several.
func texts(all []string) value {
	if len(all) == 1 {
		return text(all[0])
	}
	return list(all)
}

// list is a list, also of one string.
func list(all []string) value {
	v := value{list: []value{}}
	for _, s := range all {
		v.list = append(v.list, text(s))
	}
	return v
}

func mapping(pairs ...pair) value { return value{pairs: pairs} }

// lookup returns the value of a key.
func (v value) lookup(key string) (value, bool) {
	for _, p := range v.pairs {
		if p.key == key {
			return p.value, true
		}
	}
	return value{}, false
}

// flow writes v in one line.
func (v value) flow() string {
	var parts []string
	switch {
	case v.list != nil:
		for _, e := range v.list {
			parts = append(parts, e.flow())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case v.pairs != nil:
		for _, p := range v.pairs {
			parts = append(parts, strict.Quote(p.key)+": "+p.flow())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return v.scalar
}

// width is how long a line may be before a list or mapping is spread over several.
const width = 110

// field writes `key: value`, each line behind indent.
func field(key string, v value, indent string) []string {
	line := indent + strict.Quote(key) + ": " + v.flow()
	if v.list == nil && v.pairs == nil || len(line) <= width {
		return []string{line}
	}
	return append([]string{indent + strict.Quote(key) + ":"}, v.block(indent+"  ")...)
}

// block writes a list or a mapping with a line for each entry.
func (v value) block(indent string) []string {
	var lines []string
	for _, p := range v.pairs {
		lines = append(lines, field(p.key, p.value, indent)...)
	}
	for _, e := range v.list {
		line := indent + "- " + e.flow()
		if e.pairs == nil || len(line) <= width {
			lines = append(lines, line)
			continue
		}
		inner := e.block(indent + "  ")
		inner[0] = indent + "- " + strings.TrimPrefix(inner[0], indent+"  ")
		lines = append(lines, inner...)
	}
	return lines
}

// secrets are the passwords of databases and their like, in both languages.
var secrets = regexp.MustCompile(`(?i)((?:pwd|pass|password|serverpassword|secret|token)\s*=\s*)"[^"]*"|((?:>|:om[a-z]+:)[^,\s]*,[^,\s]*,[^,\s]*,)[^;\s]+`)

// comment makes of s, which may be any bytes, what can stand behind a # in one line, without its passwords.
func comment(s string) string {
	s = secrets.ReplaceAllString(strings.Join(strings.Fields(s), " "), "$1$2***")
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "?") {
		if !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	const longest = 160
	if runes := []rune(b.String()); len(runes) > longest {
		return string(runes[:longest]) + " .."
	}
	return b.String()
}
