package spool

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen opens a spool of any bytes. Whatever they are, opening and reading ends, all records are whole, no more
// memory is taken than the files are long, and what is appended then is read.
func FuzzOpen(f *testing.F) {
	content := func(closed bool) (segment, cursor []byte) {
		dir := f.TempDir()
		s, err := Open(dir, lazy, quiet)
		fatal(f, err)
		for _, r := range some() {
			fatal(f, s.Append(r))
		}
		s.Next(new(Record))
		s.Release(1)
		fatal(f, s.Sync())
		if closed {
			fatal(f, s.Close())
		}
		segment, err = os.ReadFile(segments(f, dir)[0])
		fatal(f, err)
		cursor, err = os.ReadFile(filepath.Join(dir, cursorName))
		fatal(f, err)
		s.Close()
		return segment, cursor
	}
	for _, closed := range []bool{false, true} {
		segment, cursor := content(closed)
		f.Add(segment, segment, cursor)
		f.Add(segment[:100], segment[60:], cursor[:slotSize])
	}
	// Checksums that are right, and lengths and ends that are not.
	var b [2 * headerSize]byte
	for _, h := range []header{
		{at: place{1, 0}, text: 1 << 31, count: 1 << 31, paths: 1 << 31},
		{at: place{1, 0}, text: 8, count: 10},
		{at: place{1, 0}, count: 1 << 31, kind: isSeal},
		{at: place{1, 0}, text: 1, kind: isSeal},
		{at: place{1, 0}, kind: 2},
	} {
		h.put(b[:])
		f.Add(b[:], []byte(magic+magic+magic), []byte(cursorMagic))
	}
	for _, r := range mistakes {
		f.Add(r.append(nil, place{1, 0}), r.append(nil, place{2, 0}), []byte{})
	}
	dir := memory(f)
	f.Fuzz(func(t *testing.T, one, two, cursor []byte) {
		files := map[string][]byte{name(1): one, name(2): two, cursorName: cursor}
		for name, content := range files {
			fatal(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		defer func() {
			for _, pattern := range []string{"*" + ending, "*.bad", cursorName} {
				paths, _ := filepath.Glob(filepath.Join(dir, pattern))
				for _, path := range paths {
					os.Remove(path)
				}
			}
		}()
		if _, err := Inspect(dir); err != nil {
			t.Fatal(err)
		}
		seen := 0
		fatal(t, Read(dir, func(r *Record) bool { seen++; return whole(t, r) }))
		s, err := Open(dir, lazy, quiet)
		fatal(t, err)
		defer s.Close()
		for _, want := range []int{seen, seen} {
			var r Record
			read := 0
			for {
				ok, err := s.Next(&r)
				fatal(t, err)
				if !ok {
					break
				}
				whole(t, &r)
				read++
			}
			if read != want {
				t.Fatalf("%d records, and Read saw %d", read, want)
			}
			if cap(r.Text)+cap(r.Paths)+4*cap(r.Ends) > 4*(len(one)+len(two))+64 || cap(s.in.buf) > replayBuffer+len(one)+len(two) {
				t.Fatal("too much memory")
			}
			s.Rewind()
		}
		put(t, s, record("behind"))
		all := rest(t, s)
		if len(all) == 0 || !same(all[len(all)-1], record("behind")) {
			t.Fatal("what was appended is not there")
		}
		s.Release(len(all))
		if !s.Empty() || s.Messages() != 0 || s.Bytes() != 0 {
			t.Fatal(s.Messages(), "messages,", s.Bytes(), "bytes wait")
		}
	})
}

func whole(t *testing.T, r *Record) bool {
	if !r.isWhole() {
		t.Fatalf("ends %v in %d bytes", r.Ends, len(r.Text))
	}
	return true
}
