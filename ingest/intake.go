package ingest

import (
	"bytes"
	"log/slog"
	"time"

	"sluice/syslog"
)

// An intake makes messages of payloads and hands them over in batches. One goroutine uses it.
type intake struct {
	parser   *syslog.Parser
	decoder  *Decoder
	batch    *syslog.Batch
	handler  syslog.Handler
	counters *syslog.Counters
	log      *slog.Logger
	strict   bool
	tally    syslog.Tally
}

func newIntake(s *Setting, opts syslog.ParseOptions, mode Decoding, counters *syslog.Counters) *intake {
	parser := syslog.NewParser(opts, s.zone())
	return &intake{
		parser:   parser,
		decoder:  NewDecoder(mode, parser),
		batch:    syslog.NewBatch(),
		handler:  s.Handler,
		counters: counters,
		log:      s.log(),
		strict:   opts.Strict,
	}
}

// begin says whose messages follow and when they were received.
func (in *intake) begin(feed *syslog.Feed, now time.Time) {
	in.batch.Feed = feed
	in.parser.SetNow(now)
}

// end lets go of the feed that begin was told.
func (in *intake) end() { in.batch.Feed = nil }

// take decodes a payload into the batch, which refers to it until the next handOver. guess is added to what Decode
// guesses.
func (in *intake) take(payload, channel []byte, o *syslog.Origin, guess syslog.Guess) {
	if in.batch.Full() {
		in.handOver()
	}
	m := in.batch.Next()
	if !in.decoder.Decode(m, payload, channel, o) {
		in.batch.Undo()
		if in.strict && len(bytes.Trim(payload, "\r\n\x00")) > 0 { // what is only that is no message at all
			in.tally.Strict++
		}
		return
	}
	m.Guess |= guess
	in.tally.Count(m)
}

// handOver passes on what was taken and counts it. Afterwards nothing refers to the payloads any more.
func (in *intake) handOver() {
	in.tally.Tell(in.counters)
	if len(in.batch.Messages) > 0 {
		in.handler.Handle(in.batch)
		in.batch.Reset()
		in.decoder.Reset()
	}
}
