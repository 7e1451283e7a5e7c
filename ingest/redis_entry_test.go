package ingest

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"sluice/syslog"
)

func TestEntryPayload(t *testing.T) {
	for _, c := range []struct{ fields, mode, want string }{
		{"msg|uWSGI's text", "auto", "uWSGI's text"},
		{"anything|<134>app: x", "text", "<134>app: x"},
		{`msg|paid|level|ERROR|user|"a\"`, "auto", `{"msg":"paid","level":"ERROR","user":"\"a\\\""}`},
		{"level|info|message|paid", "json", `{"level":"info","message":"paid"}`},
		{"level|info|message|paid", "text", "paid"},
		{"log|no|msg|yes", "syslog", "yes"},
		{"id|7|data|paid", "auto", `{"message":"paid","id":"7","data":"paid"}`},
		{"a|1|b|2", "text", `{"a":"1","b":"2"}`},
		{"a\n|\x00\x1f\xff|b|é", "auto", `{"a\u000a":"\u0000\u001f` + "\xff" + `","b":"é"}`},
		{"", "auto", "{}"},
	} {
		var e entryFields
		if err := e.mode.UnmarshalText([]byte(c.mode)); err != nil {
			t.Fatal(err)
		}
		if got := e.payload(strings.Split(c.fields, "|")); c.fields != "" && got != c.want {
			t.Errorf("%q as %s: have %q, want %q", c.fields, c.mode, got, c.want)
		}
	}
}

// Whatever an entry holds, its payload is one JSON object that gives back each field, and a message comes of it.
func FuzzEntryPayload(f *testing.F) {
	f.Add("msg", "text", "level", "ERROR")
	f.Add("a.b", "\x00\"\\", "data", "{")
	f.Fuzz(func(t *testing.T, a, x, b, y string) {
		var e entryFields
		payload := e.payload([]string{a, x, b, y})
		if !gjson.Valid(payload) {
			t.Fatalf("%q is no JSON", payload)
		}
		var got []string
		gjson.Parse(payload).ForEach(func(k, v gjson.Result) bool {
			got = append(got, k.String(), v.String())
			return true
		})
		if n := len(got); n < 4 || got[n-4] != a || got[n-3] != x || got[n-2] != b || got[n-1] != y {
			t.Errorf("%q gives %q", payload, got)
		}
		var m syslog.Message
		if !NewDecoder(Auto, newParser(t, redisOptions())).Decode(&m, []byte(payload), nil, origins["redis"]) || m.Record == nil {
			t.Errorf("%q is no record", payload)
		}
	})
}

// The library's answer is walked with care: a server that is none may say anything.
func TestAppendEntries(t *testing.T) {
	got := appendEntries(nil, []any{
		nil, "x", []any{}, []any{1, 2}, []any{int64(1), []any{}},
		[]any{"1-0", nil}, []any{"2-0", []any{"msg", "text", nil}},
	})
	if len(got) != 2 || got[0].fields != nil || len(got[1].fields) != 3 || got[1].fields[1] != "text" {
		t.Errorf("%q", got)
	}
}
