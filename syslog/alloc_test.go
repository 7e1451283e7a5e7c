package syslog

import (
	"strings"
	"testing"
	"time"
)

// Nothing may be allocated for a message between the socket and the block: at a million messages a second the collector
// would be the busiest part of the daemon.

func TestParseAllocatesNothing(t *testing.T) {
	text := strings.Repeat("x", 150)
	for _, c := range []struct{ name, origin, raw string }{
		{"RFC 3164", "udp", "<134>Nov 20 15:17:52 gate3 billing[31]: " + text},
		{"RFC 3164 with another second each time", "udp", "<134>Nov 20 15:17:52 gate3 billing[31]: " + text},
		{"RFC 5424", "udp", `<134>1 2026-11-20T15:17:52.003Z gate3 billing 31 PAID [a@7 x="1"] ` + text},
		{"RFC 5424 without a zone", "udp", `<134>1 2026-11-20T15:17:52 gate3 billing 31 PAID - ` + text},
		{"RFC 3339", "udp", "<134>2026-11-20T15:17:52.003+01:00 gate3 billing[31]: " + text},
		{"Python", "udp", "<134>ServerLog:2026-11-20 15:17:52,003 - " + text},
		{"Docker", "udp", "<30>Nov 20 15:17:52 web[10356]: " + text},
		{"glibc", "local", "<30>Nov 20 15:17:52 web[10356]: " + text},
		{"logger", "local", "<30>Nov 20 15:17:52 root: " + text},
		{"an IPv6 host", "udp", "<30>Nov 20 15:17:52 2001:db8:7::c0de web[10356]: " + text},
		{"an IPv6 host with a zone", "udp", "<30>Nov 20 15:17:52 fe80::7%eth0 web[10356]: " + text},
		{"almost an IPv6 host", "udp", "<30>Nov 20 15:17:52 2001:db8:7::c0de::1 web[10356]: " + text},
		{"Cisco", "udp", "<189>88: *Nov 20 15:17:52.044 UTC: %LINK-3-UPDOWN: " + text},
		{"words", "udp", text},
		{"a broken PRI", "udp", "<700>" + text},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := DefaultParseOptions()
			opts.Location = newYork(t)
			p := NewParser(opts, time.UTC)
			raw, origin := []byte(c.raw), origins[c.origin]
			var m Message
			now := time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC)
			if n := testing.AllocsPerRun(100, func() {
				now = now.Add(17 * time.Minute)
				p.SetNow(now)
				p.Parse(&m, raw, origin)
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func newYork(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	fatal(t, err)
	return zone
}

// python is not among them: it reads keys of the record.
func TestFormatsAllocateNothing(t *testing.T) {
	texts := append(FormatNames(), "{hostname} {tag} {app_name|default:none} {date} {message|max:100}",
		"{received|%Y-%m-%d %H:%M:%S} {channel|until:.} {app_name|upper}", "{source}/{hostname}/{app_name}-{date}.log")
	for _, text := range texts {
		if text == "python" {
			continue
		}
		for _, raw := range []string{
			"<134>Nov 20 15:17:52 gate3 billing[31]: paid\ttwice\n in 中文 \"quoted\" \xff",
			`<134>1 2026-11-20T15:17:52.003Z gate3 billing 31 PAID [a@7 x="1"] ` + strings.Repeat("x", 300),
		} {
			tmpl, err := FormatSpec{Text: text, Zone: newYork(t)}.Compile()
			fatal(t, err)
			p := NewParser(DefaultParseOptions(), time.UTC)
			p.SetNow(benchNow)
			var m Message
			p.Parse(&m, []byte(raw), origins["udp"])
			dst := tmpl.Append(nil, &m) // grows what the template keeps
			if n := testing.AllocsPerRun(100, func() { dst = tmpl.Append(dst[:0], &m) }); n != 0 {
				t.Errorf("%s of %.20q: %v allocations", text, raw, n)
			}
		}
	}
}

func TestFramerAllocatesNothing(t *testing.T) {
	stream := []byte("<13>a\n5 <13>b<13>c\x00<13>Traceback:\n  d\n<13>e\r\n\n<13>f")
	for i := range framings {
		f := &Framer{Framing: Framing(i), Max: 100}
		if n := testing.AllocsPerRun(100, func() {
			for buf := stream; ; {
				frame, n, _ := f.Next(buf, MayFollow)
				if buf = buf[n:]; frame == nil {
					break
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", framings[i], n)
		}
	}
}
