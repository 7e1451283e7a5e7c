package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// toJournal reports whether f leads to systemd's journal, which says in $JOURNAL_STREAM which file that is (systemd.exec(5)).
// A shell that runs below a service inherits the variable, but not the file.
func toJournal(f *os.File) bool {
	var st unix.Stat_t
	stream := os.Getenv("JOURNAL_STREAM")
	return stream != "" && unix.Fstat(int(f.Fd()), &st) == nil && stream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// A journalLog writes lines that begin with their priority (sd-daemon(3)): the journal takes it off, and knows it.
type journalLog struct {
	slog.Handler
	to *journalWriter
}

// A journalWriter puts a priority before what is written. Those who use it take turns.
type journalWriter struct {
	mu       sync.Mutex
	out      io.Writer
	priority byte
	line     []byte
}

// newJournalLog returns a handler whose lines make returns, with their priorities.
func newJournalLog(out io.Writer, make func(io.Writer) slog.Handler) slog.Handler {
	w := &journalWriter{out: out}
	return journalLog{make(w), w}
}

// Write gets a whole line.
func (w *journalWriter) Write(line []byte) (int, error) {
	w.line = append(append(w.line[:0], '<', w.priority, '>'), line...)
	_, err := w.out.Write(w.line)
	return len(line), err
}

func (l journalLog) Handle(ctx context.Context, r slog.Record) error {
	l.to.mu.Lock()
	defer l.to.mu.Unlock()
	switch {
	case r.Level >= slog.LevelError:
		l.to.priority = '3'
	case r.Level >= slog.LevelWarn:
		l.to.priority = '4'
	case r.Level >= slog.LevelInfo:
		l.to.priority = '6'
	default:
		l.to.priority = '7'
	}
	return l.Handler.Handle(ctx, r)
}

func (l journalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return journalLog{l.Handler.WithAttrs(attrs), l.to}
}

func (l journalLog) WithGroup(name string) slog.Handler {
	return journalLog{l.Handler.WithGroup(name), l.to}
}
