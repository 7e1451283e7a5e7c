package spool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const page = 4096

// smallDisk mounts a file system of 512 KiB. Filling it leaves so many pages.
func smallDisk(t *testing.T) (dir string, fill func(free int), room func()) {
	t.Helper()
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=512k,mode=0700"); err != nil {
		lacks(t, err)
	}
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	filler := filepath.Join(mount, "filler")
	fill = func(free int) {
		t.Helper()
		var st unix.Statfs_t
		fatal(t, unix.Statfs(mount, &st))
		fatal(t, os.WriteFile(filler, make([]byte, (int(st.Bfree)-free)*page), 0o600))
	}
	return filepath.Join(mount, "spool"), fill, func() { fatal(t, os.Remove(filler)) }
}

// A disk that fills up in the middle of a record: nothing of it is left, and it goes in later, once.
func TestDiskFull(t *testing.T) {
	long := numbered(100, 100, 260) // six pages and a bit
	for _, free := range []int{0, 1, 4, 5} {
		for _, fresh := range []bool{false, true} { // the record begins a segment
			dir, fill, room := smallDisk(t)
			s := open(t, dir, lazy, quiet)
			records := some()
			put(t, s, records...)
			if fresh {
				s.mu.Lock()
				s.roll()
				s.mu.Unlock()
			}
			fill(free)
			for range 3 {
				if err := s.Append(long); !errors.Is(err, unix.ENOSPC) || !strings.HasPrefix(err.Error(), "spool "+dir+": write ") {
					t.Fatal(err)
				}
				if st, err := os.Stat(s.file.Name()); err != nil || st.Size() != s.out.end {
					t.Fatal(st.Size(), err)
				}
			}
			again := open(t, crash(t, s), lazy, quiet)
			wants(t, again, records...)
			wants(t, s, records...)
			room()
			put(t, s, long)
			wants(t, s, long)
			s.Rewind()
			fatal(t, s.Close())
			wants(t, open(t, dir, lazy, quiet), append(records, long)...)
		}
	}
}

// A disk that is full when the spool is opened, closed and read: what waits can be delivered, and that makes room.
func TestDiskFullAtOpen(t *testing.T) {
	dir, fill, room := smallDisk(t)
	records := some()
	s := open(t, dir, lazy, quiet)
	put(t, s, records...)
	fill(0)
	fatal(t, s.Close()) // the seal may be missing, or not: its page is there
	room()
	fatal(t, os.Remove(filepath.Join(dir, cursorName)))
	fill(0)
	var log said
	s = open(t, dir, lazy, log.log())
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "the cursor cannot be brought to the disk") {
		t.Fatal(&log)
	}
	wants(t, s, records...)
	s.Release(2)
	if err := s.Sync(); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	again := open(t, crash(t, s), lazy, quiet)
	wants(t, again, records...) // without a cursor, all comes twice
	s.Release(3)
	if left := segments(t, dir); !s.Empty() || len(left) != 0 {
		t.Fatal(left)
	}
	fatal(t, s.Sync()) // in the page that the segment gave back
	room()
	put(t, s, records[0])
	if err := s.Sync(); err != nil || strings.Count(log.String(), "\n") != 2 || !strings.Contains(log.String(), "the cursor is brought to the disk again") {
		t.Fatal(err, &log)
	}
}

// No room for the cursor though it had some: somebody cut the file. It is tried again until there is.
func TestDiskFullUnderCursor(t *testing.T) {
	dir, fill, room := smallDisk(t)
	bubble(t, func(t *testing.T) {
		var log said
		s := open(t, dir, lazy, log.log())
		records := some()
		put(t, s, records...)
		fatal(t, os.Truncate(filepath.Join(dir, cursorName), 0))
		fill(0)
		wants(t, s, records...)
		s.Release(3)
		time.Sleep(10 * time.Second)
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "the cursor cannot be brought to the disk") {
			t.Fatal(&log)
		}
		room()
		time.Sleep(2 * time.Second)
		if strings.Count(log.String(), "\n") != 2 || !strings.Contains(log.String(), "the cursor is brought to the disk again") {
			t.Fatal(&log)
		}
		wants(t, open(t, crash(t, s), lazy, quiet), records[3:]...)
	})
}

// The spool's own bound: what fits is kept, and there is room again when something is delivered or dropped.
func TestFull(t *testing.T) {
	s := open(t, memory(t), Options{Size: 64 << 10, Fsync: lazy.Fsync}, quiet)
	var records []*Record
	for i := 0; ; i++ {
		r := numbered(i, 10, 100)
		if err := s.Append(r); err == ErrFull {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if s.Disk() > s.options.Load().Size || s.Disk() < s.options.Load().Size*9/10 {
		t.Fatal(s.Disk())
	}
	n := len(records)
	in := make([]Record, n)
	for i := range 5 { // the first two segments
		s.Next(&in[i])
	}
	if messages, ok := s.DropOldest(); !ok || messages != 30 {
		t.Fatal(messages, ok)
	}
	put(t, s, records[0])
	wants(t, s, append(append(records[5:6:6], records[9:n:n]...), records[0])...)
	if messages, ok := s.DropOldest(); ok || messages != 0 {
		t.Fatal(messages, "dropped of what is being sent")
	}
	s.Rewind()
	s.Release(10) // nothing is read
	wants(t, s, append(append(records[:6:6], records[9:n:n]...), records[0])...)
}

// A record that can never fit is told from one that does not now, and one larger than a segment has one of its own.
func TestLarge(t *testing.T) {
	s := open(t, memory(t), Options{Size: 16 << 10, Fsync: lazy.Fsync}, quiet)
	large := numbered(1, 1, 16<<10-200)
	if err := s.Append(numbered(0, 1, 16<<10)); err != ErrTooLarge {
		t.Fatal(err)
	}
	put(t, s, some()[0])
	if err := s.Append(large); err != ErrFull {
		t.Fatal(err)
	}
	wants(t, s, some()[0])
	s.Release(1)
	for range 3 {
		put(t, s, large)
		if n := len(segments(t, s.dir)); n != 1 {
			t.Fatal(n, "segments")
		}
		wants(t, s, large)
		s.Release(1)
	}
}

// The memory that a long record took is given back.
func TestLongRecordMemory(t *testing.T) {
	s := open(t, memory(t), lazy, quiet)
	long := numbered(1, 1, 3*maxBuffer)
	put(t, s, long, some()[0])
	wants(t, s, long, some()[0])
	s.Release(2)
	fatal(t, s.Sync()) // the segment goes
	put(t, s, some()...)
	wants(t, s, some()...)
	if cap(s.buf) > maxBuffer || cap(s.in.buf) > maxBuffer {
		t.Fatal(cap(s.buf), cap(s.in.buf))
	}
}

// mistakes are records whose ends do not match their text.
var mistakes = []*Record{
	{Text: []byte("no end\n")},
	{Text: []byte("a\nb\n"), Ends: []uint32{1}},
	{Text: []byte("a\nb\n"), Ends: []uint32{3, 1}},
	{Text: []byte("a\n"), Ends: []uint32{1, 1}},
	{Ends: []uint32{0}},
	{Text: []byte("a\n"), Ends: []uint32{1 << 31}},
}

// The owner's mistakes are errors and leave the spool as it was.
func TestMistakes(t *testing.T) {
	s := open(t, memory(t), lazy, quiet)
	for _, r := range mistakes {
		if err := s.Append(r); !errors.Is(err, errRecord) {
			t.Errorf("%q %v: %v", r.Text, r.Ends, err)
		}
	}
	put(t, s, &Record{}) // nothing
	s.Release(7)
	if !s.Empty() || len(segments(t, s.dir)) != 0 {
		t.Fatal(segments(t, s.dir))
	}
	fatal(t, s.Close())
	fatal(t, s.Close())
	_, nexted := s.Next(new(Record))
	if err := s.Append(some()[0]); !errors.Is(err, os.ErrClosed) || !errors.Is(nexted, os.ErrClosed) {
		t.Fatal(err, nexted)
	}
	s.Release(1)
	s.Rewind()
	if _, ok := s.DropOldest(); ok || s.Purge() != 0 {
		t.Fatal("a closed spool drops")
	}
}
