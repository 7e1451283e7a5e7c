package ingest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

// A testCase is one block of a file in testdata, as in package syslog: a name, and indented lines of a key and a value.
type testCase struct {
	name  string
	line  int
	pairs []pair
}

type pair struct{ key, value string }

func readCases(t testing.TB, file string) (cases []testCase) {
	t.Helper()
	path := filepath.Join("testdata", file)
	text, err := os.ReadFile(path)
	fatal(t, err)
	for i, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] != ' ':
			cases = append(cases, testCase{name: line, line: i + 1})
		default:
			key, value, _ := strings.Cut(trimmed, " ")
			if strings.HasPrefix(value, `"`) {
				if value, err = strconv.Unquote(value); err != nil {
					t.Fatalf("%s:%d: %s: %v", path, i+1, key, err)
				}
			}
			c := &cases[len(cases)-1]
			c.pairs = append(c.pairs, pair{key, value})
		}
	}
	return cases
}

// get returns the value of key, if the case has it.
func (c testCase) get(key, otherwise string) string {
	for _, p := range c.pairs {
		if p.key == key {
			return p.value
		}
	}
	return otherwise
}

func (c testCase) has(key string) bool { return c.get(key, "\x00") != "\x00" }

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var caseNow = time.Date(2026, 11, 20, 15, 18, 0, 250e6, time.UTC)

var origins = map[string]*syslog.Origin{
	"redis": {Input: "queue", Transport: syslog.Redis, Source: []byte("192.0.2.9"), Host: []byte("redis1")},
	"zmq":   {Input: "queue", Transport: syslog.ZMQ, Source: []byte("192.0.2.9"), Host: []byte("redis1")},
}

func newParser(t testing.TB, opts syslog.ParseOptions) *syslog.Parser {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	fatal(t, err)
	opts.Location = zone
	p := syslog.NewParser(opts, time.UTC)
	p.SetNow(caseNow)
	return p
}

func redisOptions() syslog.ParseOptions {
	return syslog.ParseOptions{DefaultFacility: syslog.User, DefaultSeverity: syslog.Info}
}

var notFields = map[string]bool{"payload": true, "over": true, "on": true, "decode": true, "defaults": true, "none": true, "peer": true}

func TestDecode(t *testing.T) {
	for _, c := range readCases(t, "decode.txt") {
		t.Run(c.name, func(t *testing.T) {
			opts := redisOptions()
			facility, severity, _ := strings.Cut(c.get("defaults", "user.info"), ".")
			fatal(t, opts.DefaultFacility.UnmarshalText([]byte(facility)))
			fatal(t, opts.DefaultSeverity.UnmarshalText([]byte(severity)))
			if c.has("peer") {
				opts.HostnameFrom = syslog.FromPeer
			}
			var mode Decoding
			fatal(t, mode.UnmarshalText([]byte(c.get("decode", "auto"))))
			d := NewDecoder(mode, newParser(t, opts))
			var m syslog.Message
			if ok := d.Decode(&m, []byte(c.get("payload", "")), []byte(c.get("on", "")), origins[c.get("over", "redis")]); ok == c.has("none") {
				t.Fatalf("line %d: Decode returned %v", c.line, ok)
			}
			for _, p := range c.pairs {
				if notFields[p.key] {
					continue
				}
				if got := show(t, &m, p.key); got != p.value {
					t.Errorf("line %d: %s is %q, want %q", c.line, p.key, got, p.value)
				}
			}
		})
	}
}

// show is a field's value as text; guess is what had to be guessed.
func show(t testing.TB, m *syslog.Message, key string) string {
	t.Helper()
	if key == "guess" {
		return strings.Join(m.Guess.Words(), ", ")
	}
	f, err := syslog.FieldNamed(key)
	fatal(t, err)
	return string(f.Value(m, nil))
}

// LogRecords that Python's logging made (testdata/records.py), and the message that its own Formatter made of each.
func TestLogRecordsOfPython(t *testing.T) {
	file, err := os.Open("testdata/records.jsonl")
	fatal(t, err)
	defer file.Close()
	d := NewDecoder(Auto, newParser(t, redisOptions()))
	lines := bufio.NewScanner(file)
	n := 0
	for ; lines.Scan(); n++ {
		var want struct {
			How, Sent, Message, Name, Created, Process string
			Level                                      int
		}
		fatal(t, json.Unmarshal(lines.Bytes(), &want))
		var m syslog.Message
		if !d.Decode(&m, []byte(want.Sent), nil, origins["zmq"]) {
			t.Fatalf("no message: %s", want.Sent)
		}
		severity := map[int]string{5: "debug", 10: "debug", 20: "info", 30: "warning", 35: "warning", 40: "err", 50: "crit"}[want.Level]
		got := map[string]string{}
		for _, f := range []string{"message", "app_name", "channel", "severity", "procid", "record.name"} {
			got[f] = show(t, &m, f)
		}
		if diff := cmp.Diff(map[string]string{"message": want.Message, "app_name": want.Name, "channel": want.Name, "severity": severity,
			"procid": want.Process, "record.name": want.Name}, got); diff != "" {
			t.Errorf("record %d (%s) %.200s\n%s", n+1, want.How, want.Sent, diff)
		}
		if got := show(t, &m, "timestamp"); !strings.HasPrefix(got, want.Created+".") || !strings.HasSuffix(got, "+00:00") || len(got) != 32 {
			t.Errorf("record %d: timestamp %s, want %s", n+1, got, want.Created)
		}
	}
	fatal(t, lines.Err())
	if n < 60 {
		t.Errorf("only %d records", n)
	}
}

// What decode: json does to the messages of a syslog input.
func TestCee(t *testing.T) {
	for _, c := range []struct {
		name, raw                         string
		ok                                bool
		severity, stamp, message, service string
	}{
		{"after the cookie", `<14>Nov 20 16:17:52 web1 app[7]: @cee: {"level":"error","service":"a"}`, true, "err", "2026-11-20T16:17:52+01:00", `@cee: {"level":"error","service":"a"}`, "a"},
		{"the cookie without a blank", `<14>Nov 20 16:17:52 web1 app[7]: @cee:{"service":"a"}`, true, "info", "2026-11-20T16:17:52+01:00", `@cee:{"service":"a"}`, "a"},
		{"without the cookie", `<14>Nov 20 16:17:52 web1 app[7]: {"time":"2026-11-20T15:17:51.5Z","service":"a","message":"x"}`, true, "info", "2026-11-20T15:17:51.5Z", `{"time":"2026-11-20T15:17:51.5Z","service":"a","message":"x"}`, "a"},
		{"alone", `<14>{"service":"a","level":20}`, true, "debug", "2026-11-20T15:18:00.250000+00:00", `{"service":"a","level":20}`, "a"},
		{"a LogRecord", `<14>app: {"name":"b","levelno":40,"created":1795188272.5,"msg":"x"}`, true, "err", "2026-11-20T15:24:32.500000+00:00", `{"name":"b","levelno":40,"created":1795188272.5,"msg":"x"}`, ""},
		{"words", `<14>app: @cee: words`, false, "info", "2026-11-20T15:18:00.250000+00:00", `@cee: words`, ""},
		{"broken", `<14>app: {"service":"a"`, false, "info", "2026-11-20T15:18:00.250000+00:00", `{"service":"a"`, ""},
		{"no text", `<14>app:`, false, "info", "2026-11-20T15:18:00.250000+00:00", ``, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newParser(t, redisOptions())
			d := NewDecoder(JSON, p)
			var m syslog.Message
			p.Parse(&m, []byte(c.raw), origins["redis"])
			before := m
			if ok := d.Cee(&m); ok != c.ok {
				t.Fatalf("Cee returned %v", ok)
			}
			for f, want := range map[string]string{"severity": c.severity, "timestamp": c.stamp, "message": c.message, "record.service": c.service} {
				if got := show(t, &m, f); got != want {
					t.Errorf("%s is %q, want %q", f, got, want)
				}
			}
			m.Record, m.Severity, m.Timestamp = before.Record, before.Severity, before.Timestamp
			if fmt.Sprint(m) != fmt.Sprint(before) {
				t.Errorf("something else changed: %+v, was %+v", m, before)
			}
		})
	}
}

func TestDecodingWords(t *testing.T) {
	for _, word := range []string{"auto", "text", "json", "syslog", "JSON"} {
		var d Decoding
		if err := d.UnmarshalText([]byte(word)); err != nil || d.String() != strings.ToLower(word) {
			t.Errorf("%s: %v, %v", word, d, err)
		}
	}
	var d Decoding
	err := d.UnmarshalText([]byte("yaml"))
	if word, ok := err.(syslog.WordError); !ok || word.What != "decode" || len(word.Valid()) != 4 {
		t.Errorf("error %v", err)
	}
}

// Messages of one batch keep what they hold while the arena grows, and Reset gives memory back that one huge batch took.
func TestArena(t *testing.T) {
	d := NewDecoder(Auto, newParser(t, redisOptions()))
	batch := syslog.NewBatch()
	for i := 0; !batch.Full(); i++ {
		payload := fmt.Sprintf(`{"name":"n\u00e4me%d","levelno":20,"process":%d,"msg":"%s\n%%d","args":[%d]}`, i, i, strings.Repeat("x", 20000), i)
		d.Decode(batch.Next(), []byte(payload), nil, origins["zmq"])
	}
	for i := range batch.Messages {
		m := &batch.Messages[i]
		if got, want := string(m.Tag), fmt.Sprintf("näme%d[%d]:", i, i); got != want {
			t.Errorf("tag %q, want %q", got, want)
		}
		if got := string(m.Msg); !strings.HasSuffix(got, fmt.Sprintf("x\n%d", i)) {
			t.Errorf("message %d ends in %q", i, got[20000:])
		}
	}
	if d.Reset(); cap(d.arena) > keepArena {
		t.Errorf("%d bytes kept", cap(d.arena))
	}
}
