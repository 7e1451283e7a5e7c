package syslog

import (
	"strings"
	"testing"
	"time"
)

// What is appended must be read again as the same Stamp.
func TestStampRoundTrip(t *testing.T) {
	for _, text := range []string{
		"2026-06-12T08:30:01Z",
		"2026-06-12T08:30:01+00:00",
		"2026-06-12T08:30:01.0Z",
		"2026-06-12T08:30:01.000450-03:30",
		"2026-06-12T08:30:01.123456789+14:00",
		"2026-12-31T23:59:60.999Z",
		"2028-02-29T00:00:00-23:59",
		"0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999999Z",
	} {
		s, n, zoned := parseRFC3339([]byte(text))
		if n != len(text) || !zoned {
			t.Errorf("%s: read %d bytes, zone %v", text, n, zoned)
		}
		if got := string(s.AppendRFC3339(nil)); got != text {
			t.Errorf("%s comes back as %s", text, got)
		}
		if s.Second == 60 {
			continue // time.Parse knows none
		}
		want, err := time.Parse(time.RFC3339Nano, text)
		fatal(t, err)
		if !s.Time().Equal(want) {
			t.Errorf("%s is %s", text, s.Time())
		}
		if s.UTC { // StampOf cannot know how UTC was written
			s.UTC = false
		}
		if got := StampOf(want, s.Digits); got != s {
			t.Errorf("%s: StampOf makes %+v, want %+v", text, got, s)
		}
	}
}

func TestStampRFC3164(t *testing.T) {
	zone := time.FixedZone("", -3*3600)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "Jan  2 03:04:05"},
		{time.Date(2026, 2, 10, 23, 59, 59, 0, zone), "Feb 10 23:59:59"},
		{time.Date(2026, 12, 31, 0, 0, 0, 0, zone), "Dec 31 00:00:00"},
	} {
		got := string(StampOf(c.t, 0).AppendRFC3164(nil))
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		st, n := parseBSD([]byte(got))
		if n != len(got) || string(st.AppendRFC3164(nil)) != got {
			t.Errorf("%q comes back as %q", got, st.AppendRFC3164(nil))
		}
	}
}

func TestMonths(t *testing.T) {
	for want := 1; want <= 12; want++ {
		name := time.Month(want).String()[:3]
		for _, text := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
			if st, n := parseBSD([]byte(text + "  1 00:00:00")); n == 0 || int(st.Month) != want {
				t.Errorf("%s is month %d", text, st.Month)
			}
		}
	}
}

func TestStampDigits(t *testing.T) {
	moment := time.Date(2026, 6, 12, 8, 30, 1, 123456789, time.UTC)
	for digits, want := range []string{
		"01+", "01.1+", "01.12+", "01.123+", "01.1234+", "01.12345+", "01.123456+", "01.1234567+", "01.12345678+", "01.123456789+",
	} {
		if got := string(StampOf(moment, uint8(digits)).AppendRFC3339(nil)); got != "2026-06-12T08:30:"+want+"00:00" {
			t.Errorf("%d digits: %s", digits, got)
		}
	}
}

// Stamps of one parser must not disturb each other: it remembers year and offset of the last one.
func TestAnchorForgets(t *testing.T) {
	opts := DefaultParseOptions()
	opts.Location = newYork(t)
	p := NewParser(opts, time.UTC)
	for _, c := range []struct{ now, stamp, want string }{
		{"2026-11-20T15:18:00Z", "Nov 20 10:17:52", "2026-11-20T10:17:52-05:00"},
		{"2026-11-20T15:18:00Z", "Nov 20 2019 10:17:52", "2019-11-20T10:17:52-05:00"},
		{"2026-11-20T15:18:00Z", "Nov 20 10:17:52", "2026-11-20T10:17:52-05:00"},
		{"2026-11-20T15:18:00Z", "1 0000-11-20T10:17:52", "0000-11-20T10:17:52-04:56"},
		{"2026-11-20T15:18:00Z", "Nov 20 10:17:52", "2026-11-20T10:17:52-05:00"},
		{"2026-11-20T15:18:00Z", "Nov 20 10:17:53.5", "2026-11-20T10:17:53.5-05:00"},
		{"2026-11-20T15:18:00Z", "Jul 20 10:17:53", "2026-07-20T10:17:53-04:00"},
		{"2031-11-20T15:18:00Z", "Jul 20 10:17:53", "2031-07-20T10:17:53-04:00"},
		{"2026-11-20T15:18:00Z", "Jul 20 10:17:53", "2026-07-20T10:17:53-04:00"},
		{"2026-03-08T06:59:59Z", "Mar  8 01:59:59", "2026-03-08T01:59:59-05:00"},
		{"2026-03-08T07:00:01Z", "Mar  8 03:00:00", "2026-03-08T03:00:00-04:00"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		fatal(t, err)
		p.SetNow(now)
		var m Message
		p.Parse(&m, []byte("<13>"+c.stamp+" gate3 a: b"), origins["udp"])
		if got := string(m.Timestamp.AppendRFC3339(nil)); got != c.want {
			t.Errorf("%s at %s is %s, want %s", c.stamp, c.now, got, c.want)
		}
	}
}
