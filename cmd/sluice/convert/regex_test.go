package convert

import "testing"

func TestPosix(t *testing.T) {
	for _, c := range []struct {
		expr     string
		extended bool
		want     string // RE2's; empty: there is none
	}{
		{`a\(b\|c\)\+d`, false, `a(b|c)+d`},
		{`a(b|c)+d?{1}`, false, `a\(b\|c\)\+d\?\{1\}`},
		{`a(b|c)+d?e{2,3}`, true, `a(b|c)+d?e{2,3}`},
		{`a\{2\}`, false, `a{2}`},
		{`*a`, false, `\*a`},
		{`^*a`, false, `^\*a`},
		{`a^b$c$`, false, `a\^b\$c$`},
		{`[]a\]`, false, `[\]a\\]`},
		{`[^[:digit:]-]`, true, `[^[:digit:]-]`},
		{`[a`, true, ``},
		{`[[.a.]]`, true, ``},
		{`(a)\1`, true, ``},
		{`a{5000}`, true, ``},
		{`\.\/\-`, true, `\./-`},
		{`\<word\>`, false, `\bword\b`},
		{`one.two`, true, `one.two`},
		{`one.*two`, true, `(?s)one.*two`}, // rsyslog looks at #012, where sluice has a newline
		{`a\`, true, ``},
	} {
		got, err := posix(c.expr, c.extended)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s (extended: %v) becomes %s, want %s: %v", c.expr, c.extended, got, c.want, err)
		}
	}
}
