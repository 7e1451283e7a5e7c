package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// some is a few records, small so that every byte of them can be tried.
func some() []*Record {
	return []*Record{record("one"), numbered(2, 3, 0), record("", "", "three"), record("four\x00\n"), numbered(5, 2, 20)}
}

// ends are the offsets at which these records end in a segment.
func ends(records []*Record) (all []int64) {
	at := int64(0)
	for _, r := range records {
		at += r.size()
		all = append(all, at)
	}
	return all
}

// written is the folder of a spool with these records in its one segment, left by a crash or by Close, and that segment.
func written(t *testing.T, records []*Record, closed bool) (dir, path string, content []byte) {
	s := open(t, memory(t), lazy, quiet)
	put(t, s, records...)
	if dir = crash(t, s); closed {
		fatal(t, s.Close())
		dir = s.dir
	}
	path = segments(t, dir)[0]
	content, err := os.ReadFile(path)
	fatal(t, err)
	return dir, path, content
}

// A segment that ends anywhere has all records that are whole, and goes on behind them.
func TestTruncated(t *testing.T) {
	records := some()
	behind := record("behind")
	for _, closed := range []bool{false, true} {
		dir, path, content := written(t, records, closed)
		for n := range content {
			dir := copied(t, dir)
			path := filepath.Join(dir, filepath.Base(path))
			fatal(t, os.Truncate(path, int64(n)))
			var log said
			s := open(t, dir, lazy, log.log())
			whole, cut := 0, n > 0
			for _, end := range ends(records) {
				if int64(n) >= end {
					whole++
				}
				cut = cut && int64(n) != end
			}
			if strings.Contains(log.String(), "was not written whole") != cut {
				t.Errorf("cut at %d: said %q", n, &log)
			}
			put(t, s, behind)
			want := append(records[:whole:whole], behind)
			wants(t, s, want...)
			if s.Damaged() != 0 || s.Lost() != 0 {
				t.Errorf("cut at %d: damaged %d, lost %d", n, s.Damaged(), s.Lost())
			}
			s.Rewind()
			fatal(t, s.Close())
			s = open(t, dir, lazy, quiet)
			wants(t, s, want...)
			s.Release(len(want))
			fatal(t, s.Close())
			if left := segments(t, dir); len(left) > 0 {
				t.Fatalf("cut at %d: %s left", n, left)
			}
			os.RemoveAll(dir)
		}
	}
}

// A flipped bit costs the record in which it is, and no other.
func TestFlipped(t *testing.T) {
	records := some()
	for _, closed := range []bool{false, true} {
		dir, path, content := written(t, records, closed)
		for n := range content {
			dir := copied(t, dir)
			path := filepath.Join(dir, filepath.Base(path))
			flipped := bytes.Clone(content)
			flipped[n] ^= 1 << (n % 8)
			fatal(t, os.WriteFile(path, flipped, 0o600))

			hit, from := 0, int64(0) // which record, and where it begins; one too many for the seal
			for hit < len(records) && int64(n) >= ends(records)[hit] {
				from = ends(records)[hit]
				hit++
			}
			want, to, lost := records, int64(len(content)), uint64(0)
			if hit < len(records) {
				want = append(records[:hit:hit], records[hit+1:]...)
				to = ends(records)[hit]
				if lost = uint64(len(records[hit].Ends)); !closed && n < int(from)+headerSize {
					lost = 0 // nobody knows how many there were
				}
			}
			s := open(t, dir, lazy, quiet)
			wants(t, s, want...)
			s.Rewind()
			wants(t, s, want...) // and is not counted again
			s.Release(len(want))
			if s.Damaged() != 1 || s.Lost() != lost || !s.Empty() || s.Messages() != 0 {
				t.Fatalf("bit in byte %d of record %d (%v): damaged %d, lost %d, %d bytes and %d messages wait; want lost %d", n, hit, closed,
					s.Damaged(), s.Lost(), s.Bytes(), s.Messages(), lost)
			}
			bad, err := os.ReadFile(path + ".bad")
			fatal(t, err)
			if !bytes.Equal(bad, flipped[from:to]) {
				t.Fatalf("bit in byte %d: %q was kept, want %q", n, bad, flipped[from:to])
			}
			fatal(t, s.Close())
			if sum, err := Inspect(dir); err != nil || sum.Bad != int64(len(bad)) || sum.Messages != 0 {
				t.Fatal(sum, err)
			}
			os.RemoveAll(dir)
		}
	}
}

// Damage beside records that are read and not released goes with them, in whichever order that comes.
func TestDamageInFlight(t *testing.T) {
	records := some()
	dir, path, content := written(t, records, true)
	content[ends(records)[1]+5] ^= 1 // a header
	content[ends(records)[4]-1] ^= 1 // a text, at the end
	fatal(t, os.WriteFile(path, content, 0o600))
	s := open(t, dir, lazy, quiet)
	wants(t, s, records[0], records[1], records[3])
	s.Release(2)
	s.Rewind()
	wants(t, s, records[3])
	s.Release(1)
	if !s.Empty() || s.Damaged() != 2 || s.Lost() != 5 || len(segments(t, dir)) != 0 {
		t.Fatal(s.Empty(), s.Damaged(), s.Lost(), segments(t, dir))
	}
}

// What passes for a record where a header is damaged, but was written elsewhere, is not delivered.
func TestForged(t *testing.T) {
	records := some()
	_, _, content := written(t, records, false)
	forger := &Record{Text: append(bytes.Clone(content), '\n'), Ends: []uint32{uint32(len(content))}}
	dir, path, content := written(t, []*Record{forger, records[0]}, false)
	content[0] ^= 1
	fatal(t, os.WriteFile(path, content, 0o600))
	s := open(t, dir, lazy, quiet)
	wants(t, s, records[0])
	fatal(t, s.Close())

	dir, path, _ = written(t, records, false)
	fatal(t, os.Rename(path, filepath.Join(dir, name(9)))) // a segment of another number
	s = open(t, dir, lazy, quiet)
	wants(t, s)
	if s.Damaged() != 1 || !s.Empty() {
		t.Fatal(s.Damaged(), s.Empty())
	}
}

// Where nothing but zeros came to the disk, as some file systems leave it after a power cut, nothing is kept.
func TestZeros(t *testing.T) {
	records := some()
	dir, path, content := written(t, records, false)
	fatal(t, os.Truncate(path, int64(len(content))+1<<20))
	var log said
	s := open(t, dir, lazy, log.log())
	wants(t, s, records...)
	if s.Damaged() != 0 || s.bad != 0 || !strings.Contains(log.String(), "was not written whole") {
		t.Fatal(s.Damaged(), s.bad, &log)
	}
}

// A disk that gives back nothing but garbage is not filled with copies of it, nor the log with words.
func TestGarbage(t *testing.T) {
	dir := memory(t)
	garbage := bytes.Repeat([]byte(magic+"garbage of another's "), 1<<20)
	for number := range uint64(3) {
		fatal(t, os.WriteFile(filepath.Join(dir, name(number)), garbage, 0o600))
	}
	var log said
	s := open(t, dir, lazy, log.log())
	wants(t, s)
	if !s.Empty() || s.Damaged() != 3 || s.bad != maxBad || strings.Count(log.String(), "\n") != 3 {
		t.Fatal(s.Empty(), s.Damaged(), s.bad, &log)
	}
}

// A read that fails is tried again. A segment that cannot be read at all is laid aside, so that the others go on.
func TestUnreadable(t *testing.T) {
	records := some()
	var log said
	s := open(t, memory(t), Options{Size: 4 << 10, Fsync: lazy.Fsync}, log.log()) // one or two records a segment
	put(t, s, records...)
	paths := segments(t, s.dir)
	var r Record
	fails := func() {
		t.Helper()
		s.in.close()
		unreadable, err := os.Open("/proc/self/mem") // EIO, as nothing is mapped where it begins
		fatal(t, err)
		s.in.file, s.in.number = unreadable, s.segments[0].number
		if ok, err := s.Next(&r); ok || err == nil || !strings.Contains(err.Error(), "segment 1: read") {
			t.Fatal(ok, err)
		}
	}
	for range maxTries - 1 {
		fails()
	}
	s.in.close()
	first := int(s.segments[0].messages)
	if ok, err := s.Next(&r); !ok || err != nil || !same(&r, records[0]) {
		t.Fatal(ok, err, "it was there the last time")
	}
	s.Rewind()
	for range maxTries - 1 {
		fails()
	}
	lost := 0
	for first > 0 {
		first -= len(records[lost].Ends)
		lost++
	}
	wants(t, s, records[lost:]...)
	s.Release(len(records))
	if !strings.Contains(log.String(), "laid aside") || !s.Empty() || s.Damaged() != 1 || s.Lost() == 0 || s.Messages() != 0 {
		t.Fatal(s.Empty(), s.Damaged(), s.Lost(), s.Messages(), &log)
	}
	if _, err := os.Stat(paths[0] + ".bad"); err != nil {
		t.Fatal(err)
	}
}

// What is damaged and cannot be kept beside its segment does not stop the others.
func TestBadNotKept(t *testing.T) {
	records := some()
	dir, path, content := written(t, records, true)
	content[ends(records)[0]-1] ^= 1
	fatal(t, os.WriteFile(path, content, 0o600))
	var log said
	s := open(t, dir, lazy, log.log())
	fatal(t, os.Mkdir(path+".bad", 0o700))
	wants(t, s, records[1:]...)
	if !strings.Contains(log.String(), "cannot be kept") || s.Damaged() != 1 {
		t.Fatal(s.Damaged(), &log)
	}
	s.Rewind()
	for range maxTries { // the rest cannot be read, nor laid aside
		s.in.close()
		unreadable, err := os.Open("/proc/self/mem")
		fatal(t, err)
		s.in.file, s.in.number = unreadable, 1
		if ok, _ := s.Next(new(Record)); ok {
			t.Fatal("it was read")
		}
	}
	if !strings.Contains(log.String(), "nor can it be laid aside") || !s.Empty() {
		t.Fatal(s.Empty(), &log)
	}
}
