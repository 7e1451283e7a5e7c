package rules

import (
	"fmt"
	"testing"
	"time"

	"sluice/syslog"
)

// batchOf parses lines into one batch, as an input does.
func batchOf(tb testing.TB, lines ...string) *syslog.Batch {
	tb.Helper()
	opts := syslog.DefaultParseOptions()
	opts.Location = time.UTC
	p := syslog.NewParser(opts, time.UTC)
	p.SetNow(time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC))
	o := &syslog.Origin{Input: "lan", Transport: syslog.TCP, Source: []byte("10.0.0.7"), Host: []byte("10.0.0.7")}
	b := &syslog.Batch{Messages: make([]syslog.Message, 0, max(len(lines), syslog.BatchSize)), Feed: &syslog.Feed{}}
	for _, line := range lines {
		p.Parse(b.Next(), []byte(line), o)
	}
	return b
}

func field(tb testing.TB, name string) syslog.Field {
	tb.Helper()
	f, err := syslog.FieldNamed(name)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func cond(tb testing.TB, name, op string, want ...string) Condition {
	tb.Helper()
	c, err := Compare(field(tb, name), op, want, false)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

const (
	line3164 = "<134>Nov 20 15:17:52 host7 ServerLog[1234]: GET /orders/4711 200 12ms"
	line5424 = "<134>1 2026-11-20T15:17:52Z host7 ServerLog 1234 ID47 - GET /orders/4711 200 12ms"
)

// benchSets are the rule sets with a promise about their cost per message.
var benchSets = []struct {
	name string
	rule func(tb testing.TB, i int) Condition
	n    int
	goal int // ns
}{
	{"100 of facility and tag contains", func(tb testing.TB, i int) Condition {
		return All(cond(tb, "facility", "", fmt.Sprintf("local%d", i%8)), cond(tb, "tag", "contains", fmt.Sprintf("Service%dLog", i)))
	}, 100, 400},
	{"100 of one facility and tag contains", func(tb testing.TB, i int) Condition {
		return All(cond(tb, "facility", "", "local0"), cond(tb, "tag", "contains", fmt.Sprintf("Service%dLog", i)))
	}, 100, 400},
	{"1000 of an exact name", func(tb testing.TB, i int) Condition { return cond(tb, "app_name", "", fmt.Sprintf("app%d", i)) }, 1000, 300},
	{"1000 of an exact name and severity", func(tb testing.TB, i int) Condition {
		return All(SeverityAtLeast(syslog.Info), cond(tb, "app_name", "", fmt.Sprintf("app%d", i)))
	}, 1000, 300},
	{"30 of tag contains", func(tb testing.TB, i int) Condition {
		return cond(tb, "tag", "contains", fmt.Sprintf("Service%dLog", i))
	}, 30, 150},
	{"30 of tag prefix", func(tb testing.TB, i int) Condition { return cond(tb, "tag", "prefix", fmt.Sprintf("Service%dLog", i)) }, 30, 150},
	{"100 of message contains", func(tb testing.TB, i int) Condition {
		return cond(tb, "message", "contains", fmt.Sprintf("error %d", i))
	}, 100, 0},
	{"100 of message regex", func(tb testing.TB, i int) Condition {
		return cond(tb, "message", "regex", fmt.Sprintf(`(GET|PUT) /path%d/[0-9]+`, i))
	}, 100, 0},
}

func BenchmarkRoute(b *testing.B) {
	for _, c := range benchSets {
		for _, form := range []struct{ name, line string }{{"RFC3164", line3164}, {"RFC5424", line5424}} {
			b.Run(c.name+"/"+form.name, func(b *testing.B) {
				var set []*Rule
				for i := range c.n {
					set = append(set, &Rule{Name: fmt.Sprint(i), Match: c.rule(b, i), Targets: []int{0}})
				}
				lines := make([]string, syslog.BatchSize)
				for i := range lines {
					lines[i] = form.line
				}
				batch, s, r := batchOf(b, lines...), NewSet(set, 1), new(Routes)
				b.ReportAllocs()
				for n := 0; n < b.N; n += len(lines) {
					s.Route(batch, r)
				}
			})
		}
	}
}
