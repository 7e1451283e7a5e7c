package syslog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

// template compiles the case's format, with the options it has: escape, layouts (a timezone).
func (c testCase) template(t *testing.T) (*Template, error) {
	t.Helper()
	spec := FormatSpec{Named: map[string]string{"short": "{app_name}: {message}"}}
	spec.Text, _ = c.get("format")
	if word, ok := c.get("escape"); ok {
		spec.Escape = new(Escape)
		fatal(t, spec.Escape.UnmarshalText([]byte(word)))
	}
	name, _ := c.get("layouts")
	var err error
	spec.Zone, err = time.LoadLocation(cmp.Or(name, "UTC"))
	fatal(t, err)
	return spec.Compile()
}

func TestFormats(t *testing.T) {
	for _, c := range readCases(t, "formats.txt") {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := c.template(t)
			if want, ok := c.get("error"); ok {
				c.checkError(t, err, want)
				return
			}
			fatal(t, err)
			m := c.parse(t)
			for _, p := range c.pairs {
				switch p.key {
				case "channel":
					m.Channel = []byte(p.value)
				case "record":
					m.Record = []byte(p.value)
				}
			}
			want, _ := c.get("line")
			for range 2 { // what a template keeps must not change what it makes
				got := tmpl.Append([]byte("before "), &m.Message)
				if string(got) != "before "+want {
					t.Errorf("line %d:\n got %q\nwant %q", c.line, got[len("before "):], want)
				}
			}
		})
	}
}

// checkError compares the error's text, and says which word the error would have the reader choose from.
func (c testCase) checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("line %d: compiled, want error %q", c.line, want)
	}
	if err.Error() != want {
		t.Errorf("line %d:\n got %s\nwant %s", c.line, err, want)
	}
	valid, ok := c.get("valid")
	var word WordError
	if errors.As(err, &word) != ok {
		t.Errorf("line %d: a WordError: %v, want %v", c.line, !ok, ok)
	}
	if ok && !slices.Contains(word.Valid(), valid) {
		t.Errorf("line %d: %q is not among the valid words %q", c.line, valid, word.Valid())
	}
}

// Every byte there is must come back out of JSON, but for those that are no UTF-8.
func TestJSONOfEveryByte(t *testing.T) {
	tmpl, err := FormatSpec{Text: "json"}.Compile()
	fatal(t, err)
	modifier, err := CompileTemplate("{message|json}", EscapeOctal, time.UTC)
	fatal(t, err)
	for c := range 256 {
		text := []byte{'a', byte(c), 'z'}
		m := Message{Origin: origins["udp"], Msg: text, AppName: text, Channel: text, StructuredData: text}
		var got struct{ Message, App_name, Channel, Structured_data string }
		line := tmpl.Append(nil, &m)
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("byte %#x: %v in %q", c, err, line)
		}
		want := string(text)
		if c >= utf8.RuneSelf {
			want = "a\ufffdz"
		}
		for _, v := range []string{got.Message, got.App_name, got.Channel, got.Structured_data} {
			if v != want {
				t.Errorf("byte %#x came back as %q", c, v)
			}
		}
		if !utf8.Valid(line) || bytes.ContainsAny(line, "\n\r\x00") {
			t.Errorf("byte %#x: no line of UTF-8: %q", c, line)
		}
		var text2 string
		if err := json.Unmarshal(modifier.Append(nil, &m), &text2); err != nil || text2 != want {
			t.Errorf("byte %#x: {message|json} came back as %q, %v", c, text2, err)
		}
	}
}

// CONFIG.md, section 4: which keys are always there, and of which type.
func TestJSONKeys(t *testing.T) {
	tmpl, err := FormatSpec{Text: "json"}.Compile()
	fatal(t, err)
	m := testCase{pairs: []pair{{"udp", "<13>"}}}.parse(t)
	m.Record = []byte("{\n \"user\": {\"id\": 7},\r\n \"bad\": \"\xff\"}")
	var got map[string]any
	line := tmpl.Append(nil, &m.Message)
	fatal(t, json.Unmarshal(line, &got))
	if bytes.ContainsAny(line, "\r\n") || !utf8.Valid(line) {
		t.Errorf("no line of UTF-8: %q", line)
	}
	for _, key := range []string{"pri", "facility_code", "severity_code"} {
		if _, ok := got[key].(float64); !ok {
			t.Errorf("%s is %T, want a number", key, got[key])
		}
	}
	for _, key := range []string{"facility", "severity", "timestamp", "received", "hostname", "message", "input"} {
		if _, ok := got[key].(string); !ok {
			t.Errorf("%s is %T, want a text", key, got[key])
		}
	}
	for _, key := range []string{"msg", "raw", "date", "year", "hour", "app_name", "tag", "procid", "msgid", "structured_data", "channel"} {
		if v, ok := got[key]; ok {
			t.Errorf("%s is there: %v", key, v)
		}
	}
	record, _ := got["record"].(map[string]any)
	if user, _ := record["user"].(map[string]any); user["id"] != 7.0 || record["bad"] != "\ufffd" {
		t.Errorf("record came back as %v", record)
	}
}

func TestFormatNames(t *testing.T) {
	for _, name := range FormatNames() {
		tmpl, err := FormatSpec{Text: name, Zone: time.UTC}.Compile()
		fatal(t, err)
		if len(tmpl.Fields()) == 0 && name != "json" {
			t.Errorf("%s shows no field", name)
		}
	}
	for _, d := range DescribeFormats() {
		if d[0] == "" || d[1] == "" {
			t.Errorf("a format without a description: %q", d)
		}
	}
}

func TestTemplateLiteral(t *testing.T) {
	for _, c := range []struct {
		text, want string
		literal    bool
	}{
		{"/var/log/messages", "/var/log/messages", true},
		{"", "", true},
		{"a{{b}}c", "a{b}c", true},
		{"/var/log/{hostname}", "", false},
		{"{hostname}", "", false},
	} {
		tmpl, err := CompileTemplate(c.text, EscapePath, time.UTC)
		fatal(t, err)
		if text, ok := tmpl.Literal(); text != c.want || ok != c.literal {
			t.Errorf("%s: literal %q, %v", c.text, text, ok)
		}
	}
	tmpl, err := CompileTemplate("{hostname}/{app_name|lower}-{date}", EscapePath, time.UTC)
	fatal(t, err)
	var names []string
	for _, f := range tmpl.Fields() {
		names = append(names, f.Name())
	}
	if !slices.Equal(names, []string{"hostname", "app_name", "date"}) {
		t.Errorf("fields %q", names)
	}
}

// CONFIG.md, section 4: in a path a field's value can never leave its place.
func TestPathValues(t *testing.T) {
	tmpl, err := CompileTemplate("/log/{hostname}/{app_name|lower}-{date}.log", EscapePath, time.UTC)
	fatal(t, err)
	for _, c := range []struct{ host, app, want string }{
		{"gate3", "Billing", "/log/gate3/billing-2026-11-20.log"},
		{"", "", "/log/-/--2026-11-20.log"},
		{"..", ".", "/log/_/_-2026-11-20.log"},
		{"../../etc", "a/b", "/log/.._.._etc/a_b-2026-11-20.log"},
		{"a\x00b\nc\x7f", "größe", "/log/a_b_c_/größe-2026-11-20.log"},
	} {
		m := Message{Hostname: []byte(c.host), AppName: []byte(c.app), Received: StampOf(benchNow, 6)}
		if got := string(tmpl.Append(nil, &m)); got != c.want {
			t.Errorf("%q and %q make %q, want %q", c.host, c.app, got, c.want)
		}
	}
}
