package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"sluice/syslog"
)

// Internal is sluice's own log as an input: what it has to say can be routed like any message. It never waits, neither for
// a target nor for its own reader.
type Internal struct {
	setting  Setting
	least    slog.Level
	counters syslog.Counters
	tag      string

	mu      sync.Mutex
	lines   []logLine // at most ringSize
	missed  uint64    // for want of room
	notify  chan struct{}
	origins map[string]*syslog.Origin
}

// ringSize is how many lines wait at most for the reader.
const ringSize = 1000

// A logLine is one line of the log.
type logLine struct {
	at    time.Time
	level slog.Level
	about string // the target it speaks of
	text  []byte
}

// NewInternal returns an input of log lines of the least level and above. It listens from now on; what it hears waits until
// it is opened and Run.
func NewInternal(least slog.Level) *Internal {
	return &Internal{
		least: least, tag: fmt.Sprintf("sluice[%d]: ", os.Getpid()), notify: make(chan struct{}, 1), origins: map[string]*syslog.Origin{},
	}
}

// Open says what it works with. Call it once, before Run.
func (in *Internal) Open(s Setting) { in.setting = s }

// Log returns a handler that gives next all that is logged, and in what of it is severe enough.
func (in *Internal) Log(next slog.Handler) slog.Handler {
	h := &internalLog{Handler: next, in: in, buf: new(bytes.Buffer), mu: new(sync.Mutex)}
	h.text = slog.NewTextHandler(h.buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: leaveOut})
	return h
}

// leaveOut drops what a message says in fields of its own.
func leaveOut(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// An internalLog is a slog.Handler. Those that WithAttrs makes share its buffer.
type internalLog struct {
	slog.Handler
	in    *Internal
	about string

	mu   *sync.Mutex // for buf
	buf  *bytes.Buffer
	text slog.Handler // writes to buf
}

func (h *internalLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.in.least || h.Handler.Enabled(ctx, level)
}

func (h *internalLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= h.in.least {
		h.keep(ctx, r)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// keep puts r into the ring.
func (h *internalLog) keep(ctx context.Context, r slog.Record) {
	l := logLine{at: r.Time, level: r.Level, about: h.about}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "target" {
			l.about = a.Value.String()
		}
		return true
	})
	h.mu.Lock()
	h.buf.Reset()
	_ = h.text.Handle(ctx, r) // a buffer takes everything
	l.text = append(append(l.text, r.Message...), ' ')
	l.text = bytes.TrimSpace(append(l.text, h.buf.Bytes()...))
	h.mu.Unlock()
	h.in.put(l)
}

func (h *internalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.Handler, with.text = h.Handler.WithAttrs(attrs), h.text.WithAttrs(attrs)
	for _, a := range attrs {
		if a.Key == "target" {
			with.about = a.Value.String()
		}
	}
	return &with
}

func (h *internalLog) WithGroup(name string) slog.Handler {
	with := *h
	with.Handler, with.text = h.Handler.WithGroup(name), h.text.WithGroup(name)
	return &with
}

func (in *Internal) put(l logLine) {
	in.mu.Lock()
	if len(in.lines) < ringSize {
		in.lines = append(in.lines, l)
	} else {
		in.missed++
	}
	in.mu.Unlock()
	select {
	case in.notify <- struct{}{}:
	default:
	}
}

func (in *Internal) takeAll() (lines []logLine, missed uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	lines, missed = in.lines, in.missed
	in.lines, in.missed = nil, 0
	return lines, missed
}

// Run hands over what is logged, until ctx ends.
func (in *Internal) Run(ctx context.Context) error {
	parse := syslog.DefaultParseOptions()
	parse.Grammar = syslog.RFC3164
	work, feed := newIntake(&in.setting, parse, Syslog, &in.counters), &syslog.Feed{Patience: syslog.Never}
	for ended := false; ; {
		lines, missed := in.takeAll()
		if missed > 0 {
			lines = append(lines, logLine{at: time.Now(), level: slog.LevelWarn, text: fmt.Appendf(nil, "%d lines of this log did not fit", missed)})
		}
		for _, l := range lines {
			work.begin(feed, l.at)
			raw := append(append(fmt.Appendf(nil, "<%d>", int(syslog.Syslog)<<3|int(severityOf(l.level))), in.tag...), l.text...)
			work.take(raw, nil, in.origin(l.about), 0)
			work.handOver() // each has a time of its own
		}
		if ended {
			return nil
		}
		select {
		case <-in.notify:
		case <-ctx.Done():
			ended = true
		}
	}
}

// origin is that of a line about a target.
func (in *Internal) origin(about string) *syslog.Origin {
	o := in.origins[about]
	if o == nil {
		o = &syslog.Origin{Input: in.setting.Name, Transport: syslog.Internal, Source: []byte("127.0.0.1"), Host: []byte(in.setting.Hostname), Local: true, About: about}
		in.origins[about] = o
	}
	return o
}

func severityOf(l slog.Level) syslog.Severity {
	switch {
	case l >= slog.LevelError:
		return syslog.Err
	case l >= slog.LevelWarn:
		return syslog.Warning
	case l >= slog.LevelInfo:
		return syslog.Info
	}
	return syslog.Debug
}

// Addr says that it is no socket.
func (in *Internal) Addr() net.Addr { return address{"internal", ""} }

// Counters are the input's.
func (in *Internal) Counters() *syslog.Counters { return &in.counters }

// Close does nothing: there is nothing to give back.
func (in *Internal) Close() {}
