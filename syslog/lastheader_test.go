package syslog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// allOf is everything that was read in a message.
func allOf(m *Message) string {
	return fmt.Sprintf("%d.%d %v lead %d, tagged %t, at %v and %v: host %q tag %q app %q pid %q msgid %q sd %q msg %q", m.Facility, m.Severity, m.Guess.Words(),
		m.lead, m.tagged, m.Timestamp, m.Received, m.Hostname, m.Tag, m.AppName, m.ProcID, m.MsgID, m.StructuredData, m.Msg)
}

// agreesAfter compares how a message is read by a parser that has just read others with how one reads it that has not.
func agreesAfter(t *testing.T, local bool, raw []byte, others ...[]byte) {
	t.Helper()
	opts := DefaultParseOptions()
	opts.Location = time.UTC
	used, fresh := NewParser(opts, time.UTC), NewParser(opts, time.UTC)
	used.SetNow(benchNow)
	fresh.SetNow(benchNow)
	origin := origins["udp"]
	if local {
		origin = origins["local"]
	}
	for _, other := range others {
		used.Parse(new(Message), other, origin)
	}
	var got, want Message
	known, read := used.Parse(&got, raw, origin), fresh.Parse(&want, raw, origin)
	if known != read || known && allOf(&got) != allOf(&want) {
		t.Errorf("%q, behind %q\nis %s\nnot %s", raw, others, allOf(&got), allOf(&want))
	}
}

// What two messages that begin alike are must not depend on which came first.
func TestLastHeader(t *testing.T) {
	for _, alike := range [][]string{
		{"<13>Nov 20 15:17:52 web app[7]: one", "<13>Nov 20 15:17:52 web app[7]: two", "<13>Nov 20 15:17:52 web app[7]: ", "<13>Nov 20 15:17:52 web app[7]:", "<13>Nov 20 15:17:52 web app[7]:three"},
		{"Nov 20 15:17:52 app: one", "Nov 20 15:17:52 app: two: three", "Nov 20 15:17:52 app: %SYS-5-X: four"},
		{"<13>Nov 20 15:17:52 UTC: one", "<13>Nov 20 15:17:52 UTC: %SYS-5-CONFIG_I: two"},
		{"<13>Nov 20 15:17:52 fe80: one", "<13>Nov 20 15:17:52 fe80::1 app: two", "<13>Nov 20 15:17:52 fe80:x: three", "<13>Nov 20 15:17:52 fe80:1::2 app: four"},
		{"<13>Nov 20 15:17:52 web app one", "<13>Nov 20 15:17:52 web app: two", "<13>Nov 20 15:17:52 web: app: three"},
		{"<13>Nov 20 15:17:52 2026: one", "<13>Nov 20 15:17:52 2026 app: two", "<13>Nov 20 15:17:52 20: three"},
		{"<13>Nov 20 15:17:52 Message: one", "<13>Nov 20 15:17:52 Message forwarded from web: app: two", "<13>Nov 20 15:17:52 Message forwarded: three"},
		{"<13>Nov 20 15:17:52  app: one", "<13>Nov 20 15:17:52  web app: two"},
		{"<13>Nov 20 15:17:52 web postfix/smtpd[7]: one", "<13>Nov 20 15:17:52 web postfix/smtpd[-]: two", "<13>Nov 20 15:17:52 web postfix/smtpd[]: three"},
		{"<13>Nov 20 15:17:52 web " + strings.Repeat("a", maxLastHeader) + ": one", "<13>Nov 20 15:17:52 web " + strings.Repeat("a", maxLastHeader) + ": two"},
	} {
		for _, raw := range alike {
			for _, other := range alike {
				for _, local := range []bool{false, true} {
					agreesAfter(t, local, []byte(raw), []byte(other))
					agreesAfter(t, local, []byte(raw), []byte(other), []byte(raw), []byte(other))
				}
			}
		}
	}
}

// The header is known of all but the first of one sender's, and of most where two take turns for long.
func TestLastHeaderIsKnown(t *testing.T) {
	p := NewParser(DefaultParseOptions(), time.UTC)
	p.SetNow(benchNow)
	known := func(hosts ...string) (n int) {
		for i := range 1000 {
			before := p.header.hits
			var m Message
			p.Parse(&m, fmt.Appendf(nil, "<13>Nov 20 15:17:52 %s app[7]: number %d", hosts[i*len(hosts)/1000], i), origins["udp"])
			if p.header.hits > before {
				n++
			}
		}
		return n
	}
	if n := known("a"); n != 999 {
		t.Errorf("%d of one sender's are known", n)
	}
	if n := known("b", "a", "b", "a"); n != 996 {
		t.Errorf("%d of two senders' are known", n)
	}
	p.SetNow(benchNow.Add(time.Hour)) // what year a stamp without one is of depends on it
	if p.header.n > 0 {
		t.Error("a header is known for longer than its stamp is")
	}
}

// FuzzParseAfter has messages begin alike.
func FuzzParseAfter(f *testing.F) {
	raws := inputs(f)
	for i, raw := range raws {
		for cut := range len(raw) {
			if cut%7 == i%7 && cut < 80 {
				f.Add(i%2 == 0, uint8(cut), []byte(raw), []byte(raws[(i+cut)%len(raws)]))
			}
		}
	}
	f.Fuzz(func(t *testing.T, local bool, cut uint8, one, other []byte) {
		begin := one[:min(int(cut), len(one))]
		mixed := slices.Concat(begin, other)
		agreesAfter(t, local, mixed, one)
		agreesAfter(t, local, one, mixed)
		agreesAfter(t, local, other, one, mixed)
	})
}
