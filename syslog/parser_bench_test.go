package syslog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var benchLines = []struct{ name, line string }{
	{"RFC3164", "<134>Nov 20 15:17:52 host7 ServerLog[1234]: " + strings.Repeat("x", 150)},
	{"RFC3164 of many hosts", "<134>Nov 20 15:17:52 HOST ServerLog[1234]: " + strings.Repeat("x", 150)},
	{"RFC5424", `<134>1 2026-11-20T15:17:52.003Z host7 ServerLog 1234 ID47 [a@32473 iut="3" src="app"] ` + strings.Repeat("x", 150)},
	{"RFC3339", "<134>2026-11-20T15:17:52.003+01:00 host7 ServerLog[1234]: " + strings.Repeat("x", 150)},
	{"Python", "<134>ServerLog:" + strings.Repeat("x", 150)},
}

var benchNow = time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC)

// The goals: RFC3164 at most 150 ns (100 with the last issue), RFC5424 at most 250 ns (150), 0 allocations.
func BenchmarkParse(b *testing.B) {
	for _, c := range benchLines {
		b.Run(c.name, func(b *testing.B) {
			opts := DefaultParseOptions()
			opts.Location = time.UTC
			p := NewParser(opts, time.UTC)
			p.SetNow(benchNow)
			o := &Origin{Input: "bench", Transport: TCP, Source: []byte("10.0.0.7"), Host: []byte("10.0.0.7")}
			raws := make([][]byte, 100)
			for i := range raws {
				raws[i] = []byte(strings.ReplaceAll(c.line, "HOST", fmt.Sprintf("host%02d", i)))
			}
			batch, n := NewBatch(), 0
			b.ReportAllocs()
			for b.Loop() {
				if batch.Full() {
					batch.Reset()
				}
				if n++; n == len(raws) {
					n = 0
				}
				p.Parse(batch.Next(), raws[n], o)
			}
		})
	}
}
