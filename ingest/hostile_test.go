package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"

	"sluice/syslog"
)

// Payloads that are made to cost: each must be a message in a time that grows with its length and no faster.
var hostile = map[string]func(n int) string{
	"arrays in arrays":    func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` },
	"objects in objects":  func(n int) string { return strings.Repeat(`{"a":`, n/6) + "1" + strings.Repeat("}", n/6) },
	"only opened":         func(n int) string { return strings.Repeat(`{"a":[`, n/6) },
	"a message of arrays": func(n int) string { return `{"name":"a","levelno":20,"msg":` + nested(n) + `}` },
	"arguments in arrays": func(n int) string { return `{"name":"a","levelno":20,"msg":"%s","args":[` + nested(n) + `]}` },
	"a number":            func(n int) string { return `{"name":"a","levelno":` + strings.Repeat("9", n) + `}` },
	"a fraction":          func(n int) string { return `{"name":"a","levelno":20,"created":0.` + strings.Repeat("9", n) + `}` },
	"an exponent":         func(n int) string { return `{"msg":"x","time":1e` + strings.Repeat("9", n) + `}` },
	"a pid":               func(n int) string { return `{"msg":"x","pid":` + strings.Repeat("9", n) + `}` },
	"a number for %x": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"%x","args":[` + strings.Repeat("9", n) + `]}`
	},
	"a number for %d": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"%d","args":[` + strings.Repeat("9", n) + `]}`
	},
	"a string":              func(n int) string { return `{"msg":"` + strings.Repeat("x", n) + `"}` },
	"an escaped string":     func(n int) string { return `{"msg":"` + strings.Repeat(`\n`, n/2) + `"}` },
	"backslashes":           func(n int) string { return `{"msg":"` + strings.Repeat(`\\`, n/2) + `"}` },
	"half pairs":            func(n int) string { return `{"msg":"` + strings.Repeat(`\ud83d`, n/6) + `"}` },
	"one key over and over": func(n int) string { return "{" + strings.Repeat(`"msg":"x",`, n/10) + `"msg":"y"}` },
	"escaped keys":          func(n int) string { return "{" + strings.Repeat(`"\u006dsg":"x",`, n/15) + `"msg":"y"}` },
	"a long escaped key":    func(n int) string { return `{"` + strings.Repeat(`\u0061`, n/6) + `":"x"}` },
	"NaNs":                  func(n int) string { return `{"a":[` + strings.Repeat("NaN,", n/4) + `-Infinity]}` },
	"a format of conversions": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%s", n/2) + `","args":[1]}`
	},
	"arguments for all": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%s", n/4) + `","args":[1` + strings.Repeat(",1", n/4-1) + `]}`
	},
	"a format of keys": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%(b)s", n/10) + `","args":{"a":"` + strings.Repeat("x", n/2) + `","b":1}}`
	},
	"a format of brackets": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%(", n/2) + `","args":{"a":1}}`
	},
	"a format of widths": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%9999s", n/12) + `","args":[1` + strings.Repeat(",1", n/12-1) + `]}`
	},
	"a dict printed repeatedly": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat("%(b)r", n/10) + `","args":{"b":["` + strings.Repeat("\x7f", n/2) + `"]}}`
	},
	"a topic of dots":     func(n int) string { return strings.Repeat(".", n) },
	"blanks":              func(n int) string { return strings.Repeat(" ", n) },
	"blanks in an object": func(n int) string { return "{" + strings.Repeat(" ", n) + "}" },
	"commas":              func(n int) string { return "{" + strings.Repeat(",", n) + "}" },
	"quotes":              func(n int) string { return "{" + strings.Repeat(`"`, n) + "}" },
	"a traceback of escapes": func(n int) string {
		return `{"name":"a","levelno":20,"msg":"` + strings.Repeat(`\n`, n/4) + `","exc_text":"` + strings.Repeat(`\n`, n/4) + `"}`
	},
}

func nested(n int) string {
	n = min(n/2, maxDepth-1)
	return strings.Repeat("[", n) + strings.Repeat("]", n)
}

func TestHostilePayloads(t *testing.T) {
	d := NewDecoder(Auto, newParser(t, redisOptions()))
	for name, make := range hostile {
		t.Run(name, func(t *testing.T) {
			payload := []byte(make(1 << 20))
			start := time.Now()
			var m syslog.Message
			if !d.Decode(&m, payload, payload[:min(len(payload), 1000)], origins["zmq"]) {
				t.Fatal("no message")
			}
			spent := time.Since(start)
			t.Log(spent)
			if spent > 5*time.Second { // at most 40 ms; the race detector on a busy machine takes 10 times that, and more
				t.Errorf("took %v", spent)
			}
			if len(m.Msg) > 4*len(payload)+128<<10 {
				t.Errorf("a message of %d bytes", len(m.Msg))
			}
			if n := cap(d.arena); n > 24<<20 {
				t.Errorf("%d bytes in the arena", n)
			}
			d.Reset()
		})
	}
}

// Nested as deeply as encoding/json reads it in what format json writes is an object; deeper is text.
func TestDepth(t *testing.T) {
	for _, c := range []struct {
		depth int
		ok    bool
	}{{1, true}, {maxDepth, true}, {maxDepth + 1, false}, {1 << 20, false}} {
		d := NewDecoder(Auto, newParser(t, redisOptions()))
		var m syslog.Message
		payload := []byte(`{"message":"x","a":` + strings.Repeat("[", c.depth) + strings.Repeat("]", c.depth) + `}`)
		d.Decode(&m, payload, nil, origins["redis"])
		if ok := string(m.Msg) == "x"; ok != c.ok {
			t.Errorf("depth %d: an object %v", c.depth, ok)
		}
		format, err := syslog.FormatSpec{Text: "json", Zone: time.UTC}.Compile()
		fatal(t, err)
		if line := format.Append(nil, &m); !json.Valid(line) {
			t.Errorf("depth %d: no JSON: %.200s", c.depth, line)
		}
	}
}

// The everyday path allocates nothing for a message.
func TestDecodeAllocatesNothing(t *testing.T) {
	for _, c := range benchPayloads {
		if c.allocates {
			continue
		}
		d := NewDecoder(Auto, newParser(t, redisOptions()))
		var m syslog.Message
		payload, channel := []byte(c.payload), []byte("app.ERROR")
		if n := testing.AllocsPerRun(200, func() {
			d.Decode(&m, payload, channel, origins["zmq"])
			d.Reset()
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// FuzzDecode holds what must be true of any payload, in any mode, over any channel.
func FuzzDecode(f *testing.F) {
	for i, c := range readCases(f, "decode.txt") {
		f.Add(uint8(i), i%3 == 0, []byte(c.get("payload", "")), []byte(c.get("on", "")))
	}
	for _, make := range hostile {
		f.Add(uint8(0), false, []byte(make(200)), []byte("x"))
	}
	formats := make(map[string]*syslog.Template)
	for _, name := range []string{"json", "standard", "rfc5424"} {
		var err error
		formats[name], err = syslog.FormatSpec{Text: name, Zone: time.UTC}.Compile()
		fatal(f, err)
	}
	p := newParser(f, redisOptions())
	arena := make([]byte, 0, 1<<20) // so that it need not move, and all parts can be found in it
	f.Fuzz(func(t *testing.T, mode uint8, topic bool, payload, channel []byte) {
		d := NewDecoder(Decoding(mode%4), p)
		d.arena = arena
		origin := origins["redis"]
		if topic {
			origin = origins["zmq"]
		}
		given, over := bytes.Clone(payload), bytes.Clone(channel)
		var m syslog.Message
		ok := d.Decode(&m, payload, channel, origin)
		if !bytes.Equal(given, payload) || !bytes.Equal(over, channel) {
			t.Fatal("Decode wrote to the bytes it was lent")
		}
		if empty := len(bytes.Trim(payload, "\r\n\x00")) == 0; !ok && !empty {
			t.Fatalf("%q is no message", payload)
		}
		if !ok {
			return
		}
		for _, part := range [][]byte{m.Raw, m.Tag, m.AppName, m.ProcID, m.Msg, m.Text(), m.Channel, m.Record, m.Hostname} {
			if !within(part, payload) && !within(part, channel) && !within(part, d.arena) && !bytes.Equal(part, origin.Host) {
				t.Errorf("%q is nowhere", part)
			}
		}
		if s := m.Timestamp; s.Month < 1 || s.Month > 12 || s.Day < 1 || s.Day > 31 || s.Hour > 23 || s.Nano < 0 || s.Nano >= 1e9 || s.Year < 0 || s.Year > 9999 {
			t.Errorf("no moment: %+v", s)
		}
		if m.Severity > 7 {
			t.Errorf("severity %d", m.Severity)
		}
		if len(m.Record) > 0 {
			checkRecord(t, &d.object, m.Record)
		} else if len(bytes.TrimSpace(payload)) > 0 && Decoding(mode%4) == JSON && json.Valid(payload) && bytes.TrimSpace(payload)[0] == '{' {
			t.Errorf("%q is an object", payload)
		}
		for name, format := range formats {
			line := format.Append(nil, &m)
			if bytes.IndexByte(line, '\n') >= 0 {
				t.Errorf("%s: a message forged a line: %q", name, line)
			}
			if name == "json" && (!json.Valid(line) || !utf8.Valid(line)) {
				t.Errorf("no JSON: %q", line)
			}
		}
		d.Cee(&m)
		if len(m.Record) > 0 && !json.Valid(m.Record) {
			t.Errorf("a record that is no JSON: %q", m.Record)
		}
	})
}

// checkRecord compares what our reader found with what encoding/json and gjson find: record.KEY is read with the latter.
func checkRecord(t *testing.T, o *object, record []byte) {
	t.Helper()
	if !json.Valid(record) {
		t.Fatalf("a record that is no JSON: %q", record)
	}
	if bytes.Contains(record, []byte(`\`)) || bytes.Contains(record, []byte("NaN")) || bytes.Contains(record, []byte("Infinity")) {
		return // ours and gjson's escapes are compared where they are read
	}
	for name, k := range map[string]key{"message": keyMessage, "msg": keyMsg, "name": keyName, "level": keyLevel, "args": keyArgs, "time": keyTime} {
		v := gjson.GetBytes(record, name)
		if v.Exists() != o.has(k) || v.Raw != "" && o.has(k) && v.Raw != string(o.values[k].raw) {
			t.Errorf("%s is %q, gjson says %q", name, o.values[k].raw, v.Raw)
		}
	}
}

// within reports whether part is empty or lies in the memory of whole.
func within(part, whole []byte) bool {
	if len(part) == 0 {
		return true
	}
	whole = whole[:cap(whole)]
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return at <= uintptr(len(whole)) && at+uintptr(len(part)) <= uintptr(len(whole))
}

// FuzzUnquote holds our strings to those of encoding/json.
func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`"a\n\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d\u0041"`, "\"\xff\"", `"\/\b\f\"\\"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r reader
		r.start(text)
		v, ok := r.value()
		if !ok || v.kind != str || r.i < len(text) {
			if json.Valid(text) && text[0] == '"' && text[len(text)-1] == '"' {
				t.Fatalf("%q is a string", text)
			}
			return
		}
		var want string
		fatal(t, json.Unmarshal(text, &want))
		got := appendUnquoted(nil, v.text())
		if !utf8.Valid(text) {
			got = bytes.ToValidUTF8(got, nil)
			want = strings.ReplaceAll(want, "\ufffd", "")
			got = bytes.ReplaceAll(got, []byte("\ufffd"), nil)
		}
		if string(got) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	})
}

// FuzzPercent formats anything with anything.
func FuzzPercent(f *testing.F) {
	for _, c := range percentCases {
		f.Add([]byte(c.format), []byte(c.args))
	}
	f.Fuzz(func(t *testing.T, format, args []byte) {
		var r reader
		r.start(args)
		v, ok := r.value()
		if !ok {
			return
		}
		const limit = 1 << 16
		got, ok := appendPercent([]byte("head"), format, v, limit)
		if ok && (!bytes.HasPrefix(got, []byte("head")) || len(got) > limit+len(format)) {
			t.Errorf("%q %% %q: %d bytes", format, args, len(got))
		}
		if !utf8.Valid(format) || !utf8.Valid(args) {
			return
		}
		if !utf8.Valid(got) {
			t.Errorf("%q %% %q is no UTF-8: %q", format, args, got)
		}
	})
}
