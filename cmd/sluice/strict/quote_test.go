package strict_test

import (
	"testing"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		"/var/log/auth.log": "/var/log/auth.log", "local0": "local0", "*.emerg": `"*.emerg"`, "": `""`, "true": `"true"`, "017": `"017"`, "1.5": `"1.5"`, "null": `"null"`,
		"a: b": `"a: b"`, "a #b": `"a #b"`, "{tag}": `"{tag}"`, "-": `"-"`, "udp://:514": "udp://:514",
		`\d+ "x"`: `'\d+ "x"'`, `it's \d`: `"it's \\d"`, "tab\there": `"tab\there"`, "line\nline": `"line\nline"`, "\x1b\x7f\u2028": `"\u001b\u007f\u2028"`, "čtyři 😀": `"čtyři 😀"`,
		"${HOME}": `"$${HOME}"`,
	} {
		got := strict.Quote(s)
		if got != want {
			t.Errorf("%q becomes %s, want %s", s, got, want)
		}
		var back []string
		if err := yaml.Unmarshal([]byte("["+got+"]"), &back); err != nil || len(back) != 1 || back[0] != s && s != "${HOME}" {
			t.Errorf("%q comes back as %q: %v", s, back, err)
		}
	}
	if got := strict.Quote("a\xffb"); got != "\"a\ufffdb\"" {
		t.Errorf("no UTF-8 becomes %s", got)
	}
}
