package listen

import (
	"bytes"
	"time"

	"sluice/syslog"
)

// An intake makes messages of raw ones and hands them over in batches. One goroutine uses it.
type intake struct {
	parser   *syslog.Parser
	batch    *syslog.Batch
	handler  syslog.Handler
	counters *syslog.Counters
	strict   bool
	decoder  Decoder // nil: a text is a text
	tally    syslog.Tally

	limiter *limiter // nil: no limit
	limited *syslog.Origin
	window  *window // of limited
	now     time.Time
}

func newIntake(cfg *Config, counters *syslog.Counters) intake {
	in := intake{
		parser:   syslog.NewParser(cfg.ParseOptions, cfg.Zone),
		batch:    syslog.NewBatch(),
		handler:  cfg.Handler,
		counters: counters,
		strict:   cfg.Strict,
		limiter:  cfg.limiter,
	}
	if cfg.Decoder != nil {
		in.decoder = cfg.Decoder(in.parser)
	}
	return in
}

// begin says whose messages follow and when they were received.
func (in *intake) begin(feed *syslog.Feed, now time.Time) {
	in.batch.Feed = feed
	in.parser.SetNow(now)
	in.now = now
}

// take parses raw into the batch, which refers to it until the next handOver. guess is added to what Parse guesses.
func (in *intake) take(raw []byte, o *syslog.Origin, guess syslog.Guess) {
	if in.limiter != nil && !in.within(o) {
		in.tally.RateLimited++
		return
	}
	if in.batch.Full() {
		in.handOver()
	}
	m := in.batch.Next()
	if !in.parser.Parse(m, raw, o) {
		in.batch.Undo()
		if in.strict && len(bytes.Trim(raw, "\r\n\x00")) > 0 { // what is only that is no message at all
			in.tally.Strict++
		}
		return
	}
	m.Guess |= guess
	if in.decoder != nil {
		in.decoder.Decode(m)
	}
	in.tally.Count(m)
}

// within reports whether one more message of o's is within the rate limit.
func (in *intake) within(o *syslog.Origin) bool {
	if in.limited != o {
		in.limited, in.window = o, in.limiter.of(o.Source, in.now)
	}
	return in.limiter.allows(in.window, in.now.UnixNano())
}

// handOver passes on what was taken and counts it. Afterwards nothing refers to the raw messages any more.
func (in *intake) handOver() {
	in.tally.Tell(in.counters)
	if len(in.batch.Messages) > 0 {
		in.handler.Handle(in.batch)
		in.batch.Reset()
		if in.decoder != nil {
			in.decoder.Reset()
		}
	}
}
