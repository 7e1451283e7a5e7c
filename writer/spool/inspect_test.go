package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// What looks into a spool without owning it changes nothing, stops when told to, and says what is not there.
func TestInspect(t *testing.T) {
	s := open(t, t.TempDir(), lazy, quiet)
	put(t, s, some()...)
	before := listing(t, s.dir)
	n := 0
	fatal(t, Read(s.dir, func(r *Record) bool { n++; return n < 2 }))
	sum, err := Inspect(s.dir)
	fatal(t, err)
	if n != 2 || sum.Messages != 10 || sum.Segments != 1 || sum.Bytes != s.Bytes() || sum.Oldest.IsZero() {
		t.Fatal(n, sum)
	}
	for name, was := range before {
		if is := listing(t, s.dir)[name]; is != was {
			t.Errorf("%s was %s, is %s", name, was, is)
		}
	}
	gone := filepath.Join(s.dir, "gone")
	_, inspected := Inspect(gone)
	_, purged := Purge(gone)
	for _, err := range []error{inspected, purged, Read(gone, nil)} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("it was made")
	}
}

// Purge takes what waits and nothing else.
func TestPurge(t *testing.T) {
	dir, records := many(t)
	fatal(t, os.WriteFile(filepath.Join(dir, name(1)+".bad"), []byte("bad"), 0o600))
	messages, err := Purge(dir)
	if err != nil || messages != 10 || len(segments(t, dir)) != 0 {
		t.Fatal(messages, err)
	}
	if sum, err := Inspect(dir); err != nil || sum != (Summary{Bad: 3}) {
		t.Fatal(sum, err)
	}
	s := open(t, dir, lazy, quiet)
	put(t, s, records[2])
	wants(t, s, records[2])
	if s.out.number <= 5 {
		t.Fatal("number", s.out.number, "is used again")
	}
}

// Looking into a spool while it is written to, read, and emptied never fails, and shows records whole and in order.
func TestInspectRunning(t *testing.T) {
	s := open(t, memory(t), Options{Size: 64 << 10, Fsync: lazy.Fsync}, quiet)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		var r Record
		for i := 0; !stop.Load(); i++ {
			if err := s.Append(numbered(i, 3, 200)); err != nil && err != ErrFull {
				t.Error(err)
			}
			if i%3 > 0 {
				if _, err := s.Next(&r); err != nil {
					t.Error(err)
				}
				s.Release(1)
			}
			if i%100 == 0 {
				s.DropOldest()
			}
		}
	}()
	defer func() {
		stop.Store(true)
		<-done
	}()
	records := 0
	for records < 5000 {
		if sum, err := Inspect(s.dir); err != nil || sum.Messages > 1000 {
			t.Fatal(sum, err)
		}
		last := -1
		err := Read(s.dir, func(r *Record) bool {
			n := -1
			for _, c := range r.Text { // its number, up to the dot
				if c == '.' {
					break
				}
				n = 10*max(n, 0) + int(c-'0')
			}
			if !same(r, numbered(n, 3, 200)) || n <= last {
				t.Errorf("%q behind %d", first(r), last)
			}
			last = n
			records++
			return true
		})
		fatal(t, err)
	}
}
