package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// A flow is everything between socket and file, without both: a stream is framed, parsed, routed and formatted into blocks,
// which go nowhere.
type flow struct {
	framer syslog.Framer
	parser *syslog.Parser
	batch  *syslog.Batch
	origin *syslog.Origin
	to     syslog.Handler
}

type nowhere struct{}

func (nowhere) Write(*writer.Block) error { return nil }
func (nowhere) Close() error              { return nil }

func newFlow(tb testing.TB, format string, set ...*rules.Rule) *flow {
	tb.Helper()
	return newFlows(tb, format, []string{""}, set...)
}

// newFlows is newFlow with a target for each path.
func newFlows(tb testing.TB, format string, paths []string, set ...*rules.Rule) *flow {
	tb.Helper()
	opts := syslog.DefaultParseOptions()
	opts.Location = time.UTC
	ctx, cancel := context.WithCancel(tb.Context())
	tb.Cleanup(cancel)
	var targets []*writer.Target
	for _, p := range paths {
		template, err := syslog.FormatSpec{Text: format, Zone: time.UTC}.Compile()
		fatal(tb, err)
		path, err := writer.CompilePath(p, time.UTC)
		fatal(tb, err)
		target := writer.NewTarget("nowhere", writer.NewQueue(writer.DefaultFileOptions().Queue, template, path), nowhere{}, slog.New(slog.DiscardHandler))
		targets = append(targets, target)
		done := make(chan error)
		go func() { done <- target.Run(ctx) }()
		tb.Cleanup(func() { cancel(); <-done })
	}
	f := &flow{
		framer: syslog.Framer{Max: 64 << 10},
		parser: syslog.NewParser(opts, time.UTC),
		batch:  syslog.NewBatch(),
		origin: &syslog.Origin{Input: "bench", Transport: syslog.TCP, Source: []byte("10.0.0.7"), Host: []byte("10.0.0.7")},
		to:     newPipeline(ctx, rules.NewSet(set, len(targets)), targets),
	}
	f.batch.Feed = &syslog.Feed{Patience: syslog.Patiently}
	f.parser.SetNow(time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC))
	return f
}

// feed takes a stream through, as a connection does with each read.
func (f *flow) feed(stream []byte) {
	for len(stream) > 0 {
		frame, n, guess := f.framer.Next(stream, syslog.MayFollow)
		stream = stream[n:]
		if frame == nil {
			break
		}
		m := f.batch.Next()
		if !f.parser.Parse(m, frame, f.origin) {
			f.batch.Undo()
			continue
		}
		m.Guess |= guess
		if f.batch.Full() {
			f.to.Handle(f.batch)
			f.batch.Reset()
		}
	}
	if len(f.batch.Messages) > 0 {
		f.to.Handle(f.batch)
		f.batch.Reset()
	}
}

const perRead = 600 // messages of 200 bytes in a read of 120 KB

func benchStream() []byte {
	line := "<134>Nov 20 15:17:52 host7 ServerLog[1234]: "
	line += strings.Repeat("x", 199-len(line)) + "\n"
	return bytes.Repeat([]byte(line), perRead)
}

// BenchmarkFlow is what sluice itself adds to a message of 200 bytes on its way from a TCP socket to a file: all but
// the two copies that the kernel makes. ns/op is per message.
func BenchmarkFlow(b *testing.B) {
	for _, format := range []string{"standard", "message", "json"} {
		b.Run(format, func(b *testing.B) {
			f := newFlow(b, format, &rules.Rule{Name: "everything", Targets: []int{0}})
			stream := benchStream()
			b.SetBytes(int64(len(stream) / perRead))
			b.ReportAllocs()
			for n := 0; n < b.N; n += perRead {
				f.feed(stream)
			}
		})
	}
	b.Run("30 rules and files by host", func(b *testing.B) {
		tag, err := syslog.FieldNamed("tag")
		fatal(b, err)
		var paths []string
		var set []*rules.Rule
		for i, name := range strings.Fields(forTags("%s", " ")) {
			match, err := rules.Compare(tag, "contains", []string{name}, false)
			fatal(b, err)
			set = append(set, &rules.Rule{Name: name, Match: match, Targets: []int{i}, Stop: true})
			paths = append(paths, "")
		}
		set = append(set, &rules.Rule{Name: "others", Targets: []int{len(paths)}})
		f := newFlows(b, "standard", append(paths, "/var/log/hosts/{hostname}"), set...)
		stream := []byte(strings.Join(mixture(), ""))
		b.SetBytes(200)
		b.ReportAllocs()
		for n := 0; n < b.N; {
			for at := 0; at < len(stream) && n < b.N; at += perRead * 200 {
				f.feed(stream[at : at+perRead*200])
				n += perRead
			}
		}
	})
}
