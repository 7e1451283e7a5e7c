package rules

import (
	"strings"
	"testing"
	"time"
)

var globCases = []struct {
	pattern string
	plain   bool
	yes, no []string
}{
	{"req.*", true, []string{"req.", "req.web", "req.a.b/c"}, []string{"req", "xreq.web"}},
	{"*", true, []string{"", "x"}, nil},
	{"?", true, []string{"x", "\n"}, []string{"", "xy"}},
	{"a*b*c", true, []string{"abc", "aXbYc", "abbcc"}, []string{"ab", "acb"}},
	{"**a**", true, []string{"a", "xax"}, []string{"b"}},
	{"[a-c]", true, []string{"[a-c]"}, []string{"a"}},
	{"[a-c]?", false, []string{"ax", "c1"}, []string{"dx", "a"}},
	{"[^a-c]", false, []string{"d", "^"}, []string{"a"}},
	{"[c-a]", false, []string{"b"}, []string{"d"}},
	{`\*`, false, []string{"*"}, []string{"x", `\*`}},
	{`\*`, true, []string{`\`, `\x`}, []string{"*"}},
	{`[\]]`, false, []string{"]"}, []string{`\`}},
	{"[a-]", false, []string{"a", "-"}, []string{"b"}},
}

func TestGlob(t *testing.T) {
	for _, c := range globCases {
		g, err := compileGlob(c.pattern, c.plain)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, v := range c.yes {
			if !g.match([]byte(v)) {
				t.Errorf("%s does not match %q", c.pattern, v)
			}
		}
		for _, v := range c.no {
			if g.match([]byte(v)) {
				t.Errorf("%s matches %q", c.pattern, v)
			}
		}
	}
	for _, bad := range []string{"[", "[a", `a\`, `[\`} {
		if _, err := compileGlob(bad, false); err == nil {
			t.Errorf("%s compiles", bad)
		}
	}
}

// A pattern of many stars must not take exponential time.
func TestGlobIsNotExponential(t *testing.T) {
	g, err := compileGlob(strings.Repeat("*a", 40)+"b", true)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if g.match([]byte(strings.Repeat("a", 20000))) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// slowGlob says the same by trying everything.
func slowGlob(g glob, v []byte) bool {
	if len(g) == 0 {
		return len(v) == 0
	}
	if g[0].star {
		return slowGlob(g[1:], v) || len(v) > 0 && slowGlob(g, v[1:])
	}
	return len(v) > 0 && g[0].set[v[0]] && slowGlob(g[1:], v[1:])
}

func FuzzGlob(f *testing.F) {
	for _, c := range globCases {
		for _, v := range append(c.yes, c.no...) {
			f.Add(c.pattern, v, c.plain)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, value string, plain bool) {
		if len(pattern) > 12 || len(value) > 24 {
			return // the reference takes exponential time
		}
		g, err := compileGlob(pattern, plain)
		if err != nil {
			return
		}
		if got, want := g.match([]byte(value)), slowGlob(g, []byte(value)); got != want {
			t.Errorf("%q on %q: %v, and trying everything says %v", pattern, value, got, want)
		}
	})
}
