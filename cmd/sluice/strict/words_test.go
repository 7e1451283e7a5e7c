package strict

import (
	"io/fs"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "65536": 65536, "64k": 65536, "64K": 65536, "64KiB": 65536, "64kb": 65536, "64 KiB": 65536, "12b": 12,
		"1m": 1 << 20, "1MiB": 1 << 20, "5GiB": 5 << 30, "1g": 1 << 30, "2TiB": 2 << 40, "8388607t": 8388607 << 40,
		"8388608t": -1, "9223372036854775808": -1, "-1": -1, "-1k": -1, "1.5k": -1, "": -1, "k": -1, "64kk": -1, "1e3": -1, "64 ": -1, "1p": -1, "64i": -1,
	} {
		got, err := ParseSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "10s": 10 * time.Second, "30d": 30 * day, "1d12h": 36 * time.Hour, "1.5d": 36 * time.Hour, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
		"10": -1, "1.5": -1, "-1s": -1, "-1d": -1, "1d-1h": -1, "1d+1h": -1, "": -1, "d": -1, "10 s": -1, "1day": -1, "200000d": -1, "106751d24h": -1, "1e9d": -1, "99999999999999999999d": -1,
	} {
		got, err := ParseDuration(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

func TestParseMode(t *testing.T) {
	const bad = fs.ModeIrregular
	for in, want := range map[string]fs.FileMode{
		"0640": 0o640, "640": 0o640, "0o640": 0o640, "0": 0, "7777": 0o777 | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky, "2750": 0o750 | fs.ModeSetgid,
		"0680": bad, "9": bad, "10000": bad, "rw": bad, "": bad, "-1": bad, "0x1": bad, "0o": bad,
	} {
		got, err := ParseMode(in)
		if err != nil {
			got = bad
		}
		if got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	d := NewDecoder()
	fields := []string{"severity", "facility", "app_name", "hostname", "message", "tag", "channel", "procid", "source", "input"}
	for _, c := range []struct {
		got  string
		have []string
		want string
	}{
		{"owener", []string{"owner", "group"}, " (did you mean owner?)"},
		{"ownre", []string{"owner", "group"}, " (did you mean owner?)"},
		{"Max-Size", []string{"max_size", "keep"}, " (did you mean max_size?)"},
		{"siem2", []string{"siem", "archive"}, " (have archive, siem)"},
		{"web1", []string{"web2", "web3"}, " (have web2, web3)"},
		{"zzz", []string{"b", "a"}, " (have a, b)"},
		{"level", fields, " (did you mean severity?)"},
		{"program", fields, " (did you mean app_name?)"},
		{"Host", fields, " (did you mean hostname?)"},
		{"logger", fields, " (did you mean channel?)"},
		{"level", []string{"format", "log"}, " (have format, log)"},
		{"xyzzy", fields, " (nearest is "},
		{"spool_size", []string{"size", "keep"}, " (did you mean size?)"},
		{"x", nil, ""},
	} {
		if got := d.suggest(c.got, c.have); got != c.want && (c.want != " (nearest is " || got[:len(c.want)] != c.want) {
			t.Errorf("%s of %v: %q, want %q", c.got, c.have, got, c.want)
		}
	}
}

func TestMaskURL(t *testing.T) {
	for in, want := range map[string]string{
		"redis://:pw@host":                    "redis://:***@host",
		"redis://user:pw@host/0":              "redis://user:***@host/0",
		"redis://pw@host":                     "redis://***@host",
		"pw@host:6379/0":                      "***@host:6379/0",
		"p@w:x@127.0.0.1:6379/0":              "***@127.0.0.1:6379/0",
		"redis://:p@w@host:1/0":               "redis://:***@host:1/0",
		"redis://:p/w@host:1/0":               "redis://:***@host:1/0",
		"redis://u:p?w#@host:1/0":             "redis://u:***@host:1/0",
		"redis://:${PW}@host":                 "redis://:${PW}@host",
		"redis://:${file:/a/b}@host":          "redis://:${file:/a/b}@host",
		"redis://:${PW:-abc}@host":            "redis://:***@host",
		"redis://:a${PW}@host":                "redis://:***@host",
		"https://h/?token=abc&x=1&password=d": "https://h/?token=***&x=1&password=***",
		"tcp://host:514":                      "tcp://host:514",
		"tcp://[::1]:514/a@b":                 "tcp://[::1]:514/a@b",
		"tcp://host:514/path@x":               "tcp://host:514/path@x",
		"file:///var/a@b":                     "file:///var/a@b",
		"ops@example.net":                     "ops@example.net",
		"{hostname}@{app}":                    "{hostname}@{app}",
		"":                                    "",
		"/var/log/x":                          "/var/log/x",
		"unix:///run/a.sock":                  "unix:///run/a.sock",
	} {
		if got := MaskURL(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	d := decoder()
	for in, want := range map[string]string{
		"a${PORT}b${PORT}":             "a514b514",
		"${EMPTY}":                     "",
		"${EMPTY:-x}":                  "x",
		"${NONE:-}":                    "",
		"${NONE:-a:-b}":                "a:-b",
		"$${PORT}":                     "${PORT}",
		"$$${PORT}":                    "$${PORT}",
		"a $${ b":                      "a ${ b",
		"$PORT $$ {a}":                 "$PORT $$ {a}",
		"${file:zmq}":                  "s3cret",
		"${file:/run/cred/zmq}${PORT}": "s3cret514",
		"${NONE}":                      "error: ${NONE} is not set and has no default",
		"${PORT":                       "error: ${ without } (to write ${ itself: $${)",
		"${}":                          "error: ${} is no variable: want ${NAME}, ${NAME:-default} or ${file:PATH} (to write ${ itself: $${)",
		"${a-b}":                       "error: ${a-b} is no variable: want ${NAME}, ${NAME:-default} or ${file:PATH} (to write ${ itself: $${)",
		"${file:}":                     "error: ${file:} needs a path, and ~ is not one",
		"${file:~/x}":                  "error: ${file:~/x} needs a path, and ~ is not one",
		"${file:/none}":                "error: ${file:/none} cannot be read: open /none: file does not exist",
		"${file:/big}":                 "error: ${file:/big} has more than 64 KiB",
	} {
		got := d.expand(in)
		if got.err != nil {
			got.value = "error: " + got.err.Error()
		}
		if got.value != want {
			t.Errorf("%s: %q, want %q", in, got.value, want)
		}
	}
	d.Getenv = func(string) (string, bool) { return "", false }
	if got := d.expand("${file:zmq}"); got.err == nil {
		t.Error("a relative file without $CREDENTIALS_DIRECTORY")
	}
}

func TestShow(t *testing.T) {
	doc, errs := Parse("f", []byte(`
# password: old
x-a: &a {url: "redis://:pw@h:1", n: 1}
list: [*a, pw@h:6379/0]
merged: {<<: *a, n: 2}
basic_auth: {user: u, password: hunter2}
pass: ${PW}
token: ${A:-b}
client-secret: x${PW}
secret: [a, "", 3]
port: ${PORT:-514}
text: |
  {message}
`))
	if errs != nil {
		t.Fatal(errs)
	}
	want := `x-a: {url: 'redis://:***@h:1', n: 1}
list: [{url: 'redis://:***@h:1', n: 1}, '***@h:6379/0']
merged: {n: 2, url: 'redis://:***@h:1'}
basic_auth: {user: u, password: '***'}
pass: ${PW}
token: '***'
client-secret: '***'
secret: ['***', "", '***']
port: ${PORT:-514}
text: |
  {message}
`
	if got := Show(doc.Root); got != want {
		t.Errorf("have\n%s", got)
	}
}
