package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Folders that are no spools are refused, with a word about it, and left as they are.
func TestAlien(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(dir string) error
		said string
	}{
		{"a file of somebody's", func(dir string) error { return os.WriteFile(dir+"/notes.txt", []byte("mine"), 0o600) }, `not a spool: it holds "notes.txt"`},
		{"a folder", func(dir string) error { return os.Mkdir(dir+"/conf.d", 0o700) }, `not a spool: it holds "conf.d"`},
		{"a segment's name, but not as we write it", func(dir string) error { return os.WriteFile(dir+"/12.seg", nil, 0o600) }, `it holds "12.seg"`},
		{"a number beyond all", func(dir string) error { return os.WriteFile(dir+"/18446744073709551615.seg", nil, 0o600) }, `it holds "18446744073709551615.seg"`},
		{"a folder of a segment's name", func(dir string) error { return os.Mkdir(dir+"/"+name(1), 0o700) }, `it holds "000000000001.seg"`},
		{"a link of a segment's name", func(dir string) error { return os.Symlink("../mine", dir+"/"+name(1)) }, `it holds "000000000001.seg"`},
		{"a link in place of the cursor", func(dir string) error { return os.Symlink("../mine", dir+"/"+cursorName) }, "too many levels of symbolic links"},
		{"a FIFO in place of the lock", func(dir string) error { return unix.Mkfifo(dir+"/"+lockName, 0o600) }, "not a regular file"},
		{"a file in place of the folder", func(dir string) error {
			return errors.Join(os.Remove(dir), os.WriteFile(dir, []byte("mine"), 0o600))
		}, "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "x")
			fatal(t, os.Mkdir(dir, 0o700))
			fatal(t, os.WriteFile(filepath.Join(filepath.Dir(dir), "mine"), []byte("somebody's"), 0o600))
			fatal(t, c.make(dir))
			before := listing(t, dir)
			s, err := Open(dir, lazy, quiet)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.HasPrefix(err.Error(), "spool "+dir+": ") || !strings.Contains(err.Error(), c.said) {
				t.Errorf("said %q", err)
			}
			after := listing(t, dir)
			delete(after, lockName)
			delete(before, lockName)
			if fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("was %v, is %v", before, after)
			}
			if text, _ := os.ReadFile(filepath.Join(filepath.Dir(dir), "mine")); string(text) != "somebody's" {
				t.Errorf("what a link leads to was written to: %q", text)
			}
		})
	}
}

// listing is the modes and sizes of what is in dir.
func listing(t *testing.T, dir string) map[string]string {
	all := map[string]string{}
	fatal(t, filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if path != dir {
			all[filepath.Base(path)] = fmt.Sprint(info.Mode(), info.Size())
		}
		return err
	}))
	return all
}

// A disk of its own has a folder lost+found, and NFS keeps deleted files that are open.
func TestNotAlien(t *testing.T) {
	dir := t.TempDir()
	fatal(t, os.Mkdir(dir+"/lost+found", 0o700))
	fatal(t, os.WriteFile(dir+"/.nfs0000000000000001", nil, 0o600))
	s := open(t, dir, lazy, quiet)
	put(t, s, some()...)
	wants(t, s, some()...)
}

// A folder that is missing is made, for nobody else to read.
func TestMissingFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool", "name")
	put(t, open(t, dir, lazy, quiet), some()...)
	for path, mode := range map[string]string{"": "drwx------", name(1): "-rw-------", cursorName: "-rw-------", lockName: "-rw-------"} {
		st, err := os.Stat(filepath.Join(dir, path))
		fatal(t, err)
		if st.Mode().String() != mode {
			t.Errorf("%s has mode %s, want %s", path, st.Mode(), mode)
		}
	}
}

// One process at a time has a spool.
func TestLocked(t *testing.T) {
	s := open(t, t.TempDir(), lazy, quiet)
	put(t, s, some()...)
	if _, err := Open(s.dir, lazy, quiet); !errors.Is(err, ErrLocked) || err.Error() != "spool "+s.dir+": in use by another process" {
		t.Fatal(err)
	}
	if _, err := Purge(s.dir); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	wants(t, s, some()...)
	fatal(t, s.Close())
	wants(t, open(t, s.dir, lazy, quiet), some()...)
}

// A user who may not look into the folder is told so.
func TestForbidden(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "needs root to be another user")
	}
	dir := t.TempDir()
	put(t, open(t, dir, lazy, quiet), some()...)
	fatal(t, os.Chmod(dir, 0o700))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fatal(t, unix.Setfsuid(65534))
	defer unix.Setfsuid(0)
	_, opened := Open(dir, lazy, quiet)
	_, inspected := Inspect(dir)
	read := Read(dir, func(*Record) bool { return true })
	_, purged := Purge(dir)
	for _, err := range []error{opened, inspected, read, purged} {
		if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), "spool "+dir+": ") {
			t.Error(err)
		}
	}
}

// many is the folder of a spool with a record in each of five segments, and the records.
func many(t *testing.T) (dir string, records []*Record) {
	s := open(t, memory(t), Options{Size: 16 << 10, Fsync: lazy.Fsync}, quiet)
	for i := range 5 {
		records = append(records, numbered(i, 2, 600))
	}
	put(t, s, records...)
	fatal(t, s.Sync())
	dir = crash(t, s)
	if n := len(segments(t, dir)); n != 5 {
		t.Fatal(n, "segments")
	}
	return dir, records
}

// Whatever became of the files while nobody looked, what is left is delivered in order, and no number is used again.
func TestFolders(t *testing.T) {
	set := func(p place) func(dir string) error {
		return func(dir string) error {
			f, err := os.OpenFile(filepath.Join(dir, cursorName), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			c := cursor{file: f, place: p, sequence: 100}
			return errors.Join(c.write(), f.Close())
		}
	}
	remove := func(names ...string) func(dir string) error {
		return func(dir string) (err error) {
			for _, name := range names {
				err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
			}
			return err
		}
	}
	size := numbered(0, 2, 600).size()
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   []int // which of the records 0 to 4, in the segments 1 to 5
		said   string
		next   uint64
	}{
		{"nothing", func(string) error { return nil }, []int{0, 1, 2, 3, 4}, "", 6},
		{"the first is missing", remove(name(1)), []int{1, 2, 3, 4}, "", 6},
		{"some in the middle are missing", remove(name(2), name(3)), []int{0, 3, 4}, "segments are missing", 6},
		{"all are missing", remove(name(1), name(2), name(3), name(4), name(5)), nil, "", 2},
		{"one is empty", func(dir string) error { return os.Truncate(filepath.Join(dir, name(3)), 0) }, []int{0, 1, 3, 4}, "segments are missing", 6},
		{"the last is empty", func(dir string) error { return os.Truncate(filepath.Join(dir, name(5)), 0) }, []int{0, 1, 2, 3}, "", 6},
		{"the cursor is missing", remove(cursorName), []int{0, 1, 2, 3, 4}, "", 6},
		{"the cursor is empty", func(dir string) error { return os.Truncate(filepath.Join(dir, cursorName), 0) }, []int{0, 1, 2, 3, 4}, "", 6},
		{"the cursor is garbage", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, cursorName), []byte(strings.Repeat(cursorMagic, 1000)), 0o600)
		}, []int{0, 1, 2, 3, 4}, "all that waits is sent again", 6},
		{"the cursor is in the middle", set(place{3, 0}), []int{2, 3, 4}, "", 6},
		{"the cursor is behind a record", set(place{3, size}), []int{3, 4}, "", 6},
		{"the cursor is beyond the end of its segment", set(place{3, 1 << 40}), []int{3, 4}, "", 6},
		{"the cursor is beyond the last segment", set(place{9, 7}), nil, "", 10},
		{"the cursor is beyond all numbers", set(place{1 << 63, 0}), []int{0, 1, 2, 3, 4}, "", 6}, // its other slot counts
		{"the cursor is in a segment that is gone", func(dir string) error {
			return errors.Join(set(place{2, 5})(dir), remove(name(2))(dir))
		}, []int{2, 3, 4}, "", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, records := many(t)
			fatal(t, c.change(dir))
			var log said
			s := open(t, dir, lazy, log.log())
			var want []*Record
			var messages uint64
			for _, i := range c.want {
				want = append(want, records[i])
				messages += uint64(len(records[i].Ends))
			}
			if s.Messages() != messages || len(segments(t, dir)) != len(want) || s.Damaged() != 0 {
				t.Errorf("%d messages in %d segments, %d damaged", s.Messages(), len(segments(t, dir)), s.Damaged())
			}
			if c.said == "" && log.String() != "" || !strings.Contains(log.String(), c.said) {
				t.Errorf("said %q, want %q", &log, c.said)
			}
			put(t, s, records[0])
			wants(t, s, append(want, records[0])...)
			if s.out.number != c.next {
				t.Errorf("goes on in segment %d, want %d", s.out.number, c.next)
			}
			s = open(t, crash(t, s), lazy, quiet) // nothing was released, and nothing is skipped
			wants(t, s, append(want, records[0])...)
		})
	}
}

// A torn slot of the cursor leaves the other.
func TestCursorSlots(t *testing.T) {
	s := open(t, memory(t), lazy, quiet)
	records := some()
	put(t, s, records...)
	for released := range records {
		older := int64(s.cursor.sequence%2) * slotStride // once the other is written
		wants(t, s, records[released:]...)
		s.Rewind()
		s.Next(new(Record))
		s.Release(1)
		s.Rewind()
		fatal(t, s.Sync())
		if s.Empty() {
			break
		}
		for n := range int64(slotSize) {
			for slot, skipped := range map[int64]int{older: released + 1, slotStride - older: released} { // what waits if that one is torn
				dir := crash(t, s)
				f, err := os.OpenFile(filepath.Join(dir, cursorName), os.O_RDWR, 0)
				fatal(t, err)
				var b [1]byte
				f.ReadAt(b[:], slot+n)
				b[0] ^= 1 << (n % 8)
				f.WriteAt(b[:], slot+n)
				f.Close()
				again := open(t, dir, lazy, quiet)
				wants(t, again, records[skipped:]...)
				again.Close()
				os.RemoveAll(dir)
			}
		}
	}
}

// A number that has a file already, or cannot be had, is left out.
func TestNumberTaken(t *testing.T) {
	s := open(t, t.TempDir(), lazy, quiet)
	fatal(t, os.WriteFile(filepath.Join(s.dir, name(1)), []byte("mine"), 0o600))
	if err := s.Append(record("a")); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	put(t, s, record("a"))
	wants(t, s, record("a"))
}

// Segments that somebody deletes from under a running spool are lost and counted; it goes on with the others.
func TestDeleted(t *testing.T) {
	dir, records := many(t)
	var log said
	s := open(t, dir, lazy, log.log())
	fatal(t, os.Remove(filepath.Join(dir, name(2))))
	wants(t, s, append(records[:1:1], records[2:]...)...)
	s.Release(4)
	if !s.Empty() || s.Lost() != 2 || s.Damaged() != 1 || !strings.Contains(log.String(), "deleted by somebody") {
		t.Fatal(s.Empty(), s.Lost(), s.Damaged(), &log)
	}
	put(t, s, records[0])
	s.in.close()
	fatal(t, os.Remove(filepath.Join(dir, name(s.out.number)))) // and the one that is appended to
	wants(t, s)
	put(t, s, records[1])
	wants(t, s, records[1])
}

// A segment shorter than it was when the spool was opened.
func TestShortened(t *testing.T) {
	dir, records := many(t)
	s := open(t, dir, lazy, quiet)
	fatal(t, os.Truncate(filepath.Join(dir, name(2)), headerSize+10))
	fatal(t, os.Truncate(filepath.Join(dir, name(4)), 0))
	wants(t, s, records[0], records[2], records[4])
	s.Release(3)
	if !s.Empty() || s.Lost() != 4 || s.Damaged() != 2 {
		t.Fatal(s.Empty(), s.Lost(), s.Damaged())
	}
}

// A seal whose checksum is right and whose count is not: counters end at zero, and no segment stays.
func TestWrongSeal(t *testing.T) {
	for _, count := range []uint32{0, 1, 1 << 31} {
		dir, path, content := written(t, some(), true)
		h := header{at: place{1, int64(len(content)) - headerSize}, count: count, kind: isSeal}
		h.put(content[h.at.offset:])
		fatal(t, os.WriteFile(path, content, 0o600))
		s := open(t, dir, lazy, quiet)
		if s.Messages() != uint64(binary.LittleEndian.Uint32(content[h.at.offset+24:])) {
			t.Fatal(s.Messages())
		}
		wants(t, s, some()...)
		s.Release(5)
		if !s.Empty() || s.Messages() != 0 || len(segments(t, dir)) != 0 {
			t.Fatal(s.Empty(), s.Messages())
		}
	}
}
