package syslog

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"
)

// inputs are the messages of the files in testdata.
func inputs(f *testing.F) (raws []string) {
	for _, file := range []string{"parse.txt", "rsyslog.txt", "formats.txt"} {
		for _, c := range readCases(f, file) {
			for transport := range origins {
				if raw, ok := c.get(transport); ok {
					raws = append(raws, raw)
				}
			}
		}
	}
	return raws
}

// FuzzParse holds what must be true of any bytes, in any grammar, from anywhere.
func FuzzParse(f *testing.F) {
	for i, raw := range inputs(f) {
		f.Add(uint8(i), i%7 == 0, i%2 == 0, []byte(raw))
	}
	zone := newYork(f)
	now := time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, grammar uint8, strict, local bool, raw []byte) {
		opts := DefaultParseOptions()
		opts.Grammar, opts.Strict, opts.Location = Grammar(grammar%uint8(len(grammars))), strict, zone
		origin := origins["udp"]
		if local {
			origin = origins["local"]
		}
		given := bytes.Clone(raw)
		var m Message
		p := NewParser(opts, time.UTC)
		p.SetNow(now)
		ok := p.Parse(&m, raw, origin)
		if !bytes.Equal(given, raw) {
			t.Fatal("Parse wrote to the bytes it was lent")
		}
		if empty := len(trimEnd(raw)) == 0; empty && ok || !empty && !ok && !strict {
			t.Fatalf("Parse returned %v for %q", ok, raw)
		}
		if !ok {
			return
		}
		if !bytes.Equal(m.Hostname, origin.Host) && !within(m.Hostname, raw) {
			t.Errorf("hostname %q is no part of the message", m.Hostname)
		}
		if m.Guess&NoHostname != 0 && !bytes.Equal(m.Hostname, origin.Host) {
			t.Errorf("no hostname, but %q", m.Hostname)
		}
		for _, part := range [][]byte{m.Raw, m.Tag, m.AppName, m.ProcID, m.MsgID, m.StructuredData, m.Msg, m.Text()} {
			if !within(part, raw) {
				t.Errorf("%q is no part of the message", part)
			}
		}
		if !m.tagged && (m.Guess&BrokenPRI != 0 || len(m.Tag) > 0) {
			t.Errorf("a tag %q beside an RFC 5424 header", m.Tag)
		}
		if m.PRI() < 0 || m.PRI() > maxPRI {
			t.Errorf("PRI %d", m.PRI())
		}
		s := m.Timestamp
		if s.Month < 1 || s.Month > 12 || s.Day < 1 || s.Day > daysIn(s.Month, int(s.Year)) || !validClock(s.Hour, s.Minute, s.Second) || s.Digits > 9 || s.Nano < 0 || s.Nano >= 1e9 {
			t.Errorf("no moment: %+v", s)
		}
		// A message without a year is never from a far year: half of one away, but for February 29.
		if far := s.Time().Sub(now).Abs(); m.Guess&NoYear != 0 && far > 184*24*time.Hour && !(s.Month == 2 && s.Day == 29) {
			t.Errorf("%s is %s away", s.AppendRFC3339(nil), far)
		}
		// Nothing of the message is lost: what is no header is the message, up to the end.
		if len(m.Msg) > 0 && !bytes.HasSuffix(m.Raw, m.Msg) {
			t.Errorf("the message %q does not end with the raw text", m.Msg)
		}
	})
}

// within reports whether part is empty or lies in the memory of whole.
func within(part, whole []byte) bool {
	if len(part) == 0 {
		return true
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return at <= uintptr(len(whole)) && at+uintptr(len(part)) <= uintptr(len(whole))
}

// FuzzTemplate compiles any text and lets it write any message.
func FuzzTemplate(f *testing.F) {
	raws := inputs(f)
	for i, c := range readCases(f, "formats.txt") {
		if text, _ := c.get("format"); text != "" {
			record, _ := c.get("record")
			f.Add(text, []byte(raws[i]), []byte("req.web"), record)
		}
	}
	zone := newYork(f)
	f.Fuzz(func(t *testing.T, text string, raw, channel []byte, record string) {
		opts := DefaultParseOptions()
		opts.Location = zone
		p := NewParser(opts, zone)
		p.SetNow(time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC))
		var m Message
		if !p.Parse(&m, raw, origins["udp"]) {
			return
		}
		m.Channel = channel
		if len(record) > 0 && record[0] == '{' && json.Valid([]byte(record)) {
			m.Record = []byte(record)
		}
		for escape := EscapeOctal; escape <= EscapePath; escape++ {
			tmpl, err := CompileTemplate(text, escape, zone)
			if err != nil {
				if s := err.Error(); s == "" || strings.Contains(s, "%!") && !strings.Contains(text, "%!") {
					t.Errorf("error %q", s)
				}
				continue
			}
			once := string(tmpl.Append(nil, &m))
			if again := string(tmpl.Append([]byte("x"), &m)); again != "x"+once {
				t.Errorf("twice the same message: %q and %q", once, again[1:])
			}
			if other := apart(m); string(tmpl.Append(nil, &other)) != once {
				t.Errorf("the same message in other places of memory is written as %q, not %q", tmpl.Append(nil, &other), once)
			}
			if escape == EscapeOctal && strings.Count(once, "\n") > newlinesIn(text) {
				t.Errorf("a message forged a line: %q", once)
			}
		}
		for _, name := range FormatNames() {
			tmpl, err := FormatSpec{Text: name, Zone: zone}.Compile()
			fatal(t, err)
			line := tmpl.Append(nil, &m)
			if other := apart(m); !bytes.Equal(tmpl.Append(nil, &other), line) {
				t.Errorf("%s: the same message in other places of memory is written as %q, not %q", name, tmpl.Append(nil, &other), line)
			}
			if escape := tmpl.escape; bytes.IndexByte(line, '\n') >= 0 && escape != EscapeIndent {
				t.Errorf("%s: a message forged a line: %q", name, line)
			}
			if name == "json" && (!json.Valid(line) || !utf8.Valid(line)) {
				t.Errorf("no JSON: %q", line)
			}
			if name == "python" && bytes.Contains(bytes.ReplaceAll(line, []byte("\n\t"), nil), []byte("\n")) {
				t.Errorf("%s: a message forged a line: %q", name, line)
			}
		}
		checkPathValue(t, m.AppName)
	})
}

// apart is m with each field in memory of its own: nothing stands beside anything else.
func apart(m Message) Message {
	for _, part := range []*[]byte{&m.Raw, &m.Hostname, &m.Tag, &m.AppName, &m.ProcID, &m.MsgID, &m.StructuredData, &m.Msg, &m.Channel, &m.Record} {
		*part = slices.Clip(bytes.Clone(*part))
	}
	return m
}

// newlinesIn is how many newlines a template writes itself: those of its text, and at most one for each %n of a layout.
func newlinesIn(text string) int {
	if n := strings.Count(text, "\n"); !strings.Contains(text, "|%") {
		return n
	}
	return len(text)
}

// What a field writes into a path stays one part of one component.
func checkPathValue(t *testing.T, v []byte) {
	t.Helper()
	tmpl, err := CompileTemplate("{app_name}", EscapePath, time.UTC)
	fatal(t, err)
	part := string(tmpl.Append(nil, &Message{AppName: v}))
	if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\x00\n") {
		t.Errorf("%q became %q in a path", v, part)
	}
}

// FuzzStamp reads any bytes as a stamp and writes what was read: reading that again must give the same.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2026-06-12T08:30:01.5+02:00", "2026-06-12 08:30:01-07", "Jun  2 8:30:01.25", "Jun 12 2026 08:30:01:", "2026-06-30t23:59:60z"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, n, zoned := parseRFC3339(text); n > 0 {
			again, k, _ := parseRFC3339(s.AppendRFC3339(nil))
			if k == 0 || again != s || n > len(text) || !zoned && s.Offset != 0 {
				t.Errorf("%q: %+v, then %+v", text, s, again)
			}
		}
		if s, n := parseBSD(text); n > 0 {
			again, k := parseBSD(s.AppendRFC3164(nil))
			if k == 0 || again.Month != s.Month || again.Day != s.Day || again.Hour != s.Hour || again.Minute != s.Minute || again.Second != s.Second || n > len(text) {
				t.Errorf("%q: %+v, then %+v", text, s, again)
			}
		}
	})
}

// FuzzIPv6 holds isIPv6 to netip, which says the same and allocates.
func FuzzIPv6(f *testing.F) {
	for _, s := range []string{"::", "::1", "1::", "2001:db8::c0de", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4::5:6:7:8", "::ffff:192.0.2.1", "fe80::7%eth0", "1::2::3", "12345::", "::%", "::1.2.3.04"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		addr, err := netip.ParseAddr(string(s))
		if want := err == nil && addr.Is6(); isIPv6(s) != want {
			t.Errorf("%q: %v, netip %v (%v)", s, !want, want, err)
		}
	})
}
