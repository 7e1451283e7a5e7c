package rules

import (
	"regexp"
	"regexp/syntax"
	"testing"
)

func TestRequiredText(t *testing.T) {
	for re, want := range map[string]string{
		"healthz":                 "healthz",
		"^GET /(a|b) HTTP":        "GET /",
		"(?i)get":                 "",
		"a|b":                     "",
		"x*disk full[0-9]+":       "disk full",
		"(error)+: .*":            "error",
		"(error)*: .*":            ": ",
		"(?:ab){2,}":              "ab",
		"[0-9]{3}":                "",
		"time(?i:out)":            "time",
		"":                        "",
		`\d+ms$`:                  "ms",
		"användare [a-z]+ saknas": "användare ",
	} {
		parsed, err := syntax.Parse(re, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if got := requiredText(parsed.Simplify()); got != want {
			t.Errorf("%s needs %q, want %q", re, got, want)
		}
	}
}

// FuzzRegex holds that looking for the required text first changes no answer.
func FuzzRegex(f *testing.F) {
	f.Add("^GET /(a|b) [0-9]{3}$", "GET /a 200")
	f.Add("x*disk full", "the disk full")
	f.Add("(?i)KABOOM|a", "kaboom")
	f.Add("^abc$", "xabcx")
	f.Add("\ufffd", "\x80")
	f.Fuzz(func(t *testing.T, re, value string) {
		built, err := buildRegex(re, false)
		if err != nil {
			return
		}
		if got, want := built.match([]byte(value)), plainRegex(re, value); got != want {
			t.Errorf("%q on %q: %v, regexp says %v", re, value, got, want)
		}
	})
}
func plainRegex(re, value string) bool { return regexp.MustCompile(re).MatchString(value) }
