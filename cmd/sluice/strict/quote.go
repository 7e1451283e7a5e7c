package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Quote writes s so that YAML, also inside [ ] and { }, and the replacement of ${NAME} leave it as it is: bare where that is
// safe, else in quotes. A byte that is no UTF-8 becomes U+FFFD, since YAML has no place for it.
func Quote(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "${", "$${")
	var back any
	if plainText.MatchString(s) && yaml.Unmarshal([]byte(s), &back) == nil && back == any(s) {
		return s
	}
	single := strings.ContainsAny(s, `\"`) && !strings.Contains(s, "'") // a regex is easier to read there
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
			single = false
		case r == '\t':
			b.WriteString(`\t`)
			single = false
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
			single = false
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
			single = false
		}
	}
	if single {
		return "'" + s + "'"
	}
	return `"` + b.String() + `"`
}

var plainText = regexp.MustCompile(`^[A-Za-z0-9./]([A-Za-z0-9_./:@-]*[A-Za-z0-9_./-])?$`)
