package spool

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lacks skips the test because the machine lacks what it needs, or fails it where CI says that nothing may be lacking.
func lacks(t testing.TB, what any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// memory is a folder on a file system without a disk, where there is one: some tests open a spool thousands of times.
func memory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var lazy = Options{Size: 64 << 20, Fsync: time.Hour}

var quiet = slog.New(slog.DiscardHandler)

// said is a log that can be asked whether something was said.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *said) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *said) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *said) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func open(t testing.TB, dir string, o Options, log *slog.Logger) *Spool {
	t.Helper()
	s, err := Open(dir, o, log)
	fatal(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// record is a record of these messages.
func record(messages ...string) *Record {
	r := &Record{Paths: []byte("to " + strings.TrimRight(messages[0], "x"))}
	for _, m := range messages {
		r.Text = append(r.Text, m...)
		r.Ends = append(r.Ends, uint32(len(r.Text)))
		r.Text = append(r.Text, '\n')
	}
	return r
}

// numbered is a record of n messages of about size bytes, all of which say its number.
func numbered(number, n, size int) *Record {
	messages := make([]string, n)
	for i := range messages {
		messages[i] = fmt.Sprintf("%d.%d ", number, i)
		messages[i] += strings.Repeat("x", max(0, size-len(messages[i])))
	}
	return record(messages...)
}

func same(a, b *Record) bool {
	return bytes.Equal(a.Text, b.Text) && bytes.Equal(a.Paths, b.Paths) && fmt.Sprint(a.Ends) == fmt.Sprint(b.Ends)
}

// clone is a record that the next read leaves alone.
func clone(r *Record) *Record {
	return &Record{Text: bytes.Clone(r.Text), Ends: append([]uint32(nil), r.Ends...), Paths: bytes.Clone(r.Paths)}
}

// first is the first message of r.
func first(r *Record) string { return strings.TrimRight(string(r.Text[:r.Ends[0]]), "x") }

// firsts is the first message of each record.
func firsts(records []*Record) string {
	var all []string
	for _, r := range records {
		all = append(all, first(r))
	}
	return strings.Join(all, "|")
}

// rest reads what there is to read.
func rest(t testing.TB, s *Spool) (all []*Record) {
	t.Helper()
	for {
		var r Record
		ok, err := s.Next(&r)
		fatal(t, err)
		if !ok {
			return all
		}
		all = append(all, &r)
	}
}

// wants checks what there is to read.
func wants(t testing.TB, s *Spool, want ...*Record) {
	t.Helper()
	sameAs(t, rest(t, s), want)
}

func sameAs(t testing.TB, got, want []*Record) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = same(got[i], want[i])
	}
	if !ok {
		t.Fatalf("%d records: %s\nwant %d: %s", len(got), firsts(got), len(want), firsts(want))
	}
}

func put(t testing.TB, s *Spool, records ...*Record) {
	t.Helper()
	for _, r := range records {
		fatal(t, s.Append(r))
	}
}

// crash is the folder of a spool as kill -9 would leave it now.
func crash(t testing.TB, s *Spool) string {
	t.Helper()
	s.mu.Lock() // no flush in the middle of it
	defer s.mu.Unlock()
	return copied(t, s.dir)
}

func copied(t testing.TB, dir string) string {
	t.Helper()
	to := memory(t)
	files, err := os.ReadDir(dir)
	fatal(t, err)
	for _, f := range files {
		in, err := os.Open(filepath.Join(dir, f.Name()))
		fatal(t, err)
		out, err := os.OpenFile(filepath.Join(to, f.Name()), os.O_CREATE|os.O_WRONLY, 0o600)
		fatal(t, err)
		_, err = io.Copy(out, in)
		fatal(t, err)
		in.Close()
		out.Close()
	}
	return to
}

// segments are the paths of the segments in dir.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	fatal(t, err)
	return all
}
