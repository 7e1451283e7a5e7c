package spool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// bubble runs a test under its own time, which passes when everybody waits. A goroutine that is left over fails it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// unsynced reports whether something was appended that is not on the disk.
func (s *Spool) unsynced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.flusher.dataDue.IsZero() || len(s.flusher.unsynced) > 0 || s.flusher.created
}

// What is appended comes to the disk in the time that was asked for, and not before.
func TestFsync(t *testing.T) {
	dir := memory(t)
	bubble(t, func(t *testing.T) {
		s := open(t, dir, Options{Size: 1 << 20, Fsync: 3 * time.Second}, quiet)
		for range 3 {
			time.Sleep(10 * time.Second)
			put(t, s, some()[0])
			time.Sleep(2 * time.Second)
			put(t, s, some()[1])
			s.Next(new(Record))
			s.Release(1) // that the cursor is due in between changes nothing
			if time.Sleep(900 * time.Millisecond); !s.unsynced() {
				t.Fatal("it came early")
			}
			if time.Sleep(200 * time.Millisecond); s.unsynced() {
				t.Fatal("it did not come")
			}
		}
	})
}

// With fsync: 0 a record is on the disk when Append returns.
func TestFsyncNow(t *testing.T) {
	s := open(t, memory(t), Options{Size: 4 << 10}, quiet)
	for _, r := range some() {
		put(t, s, r)
		s.mu.Lock()
		if s.flusher.created {
			t.Error("the folder is not synced")
		}
		s.mu.Unlock()
	}
}

// The cursor's file is a second behind at most, whatever the owner does.
func TestCursorWritten(t *testing.T) {
	dir := memory(t)
	bubble(t, func(t *testing.T) {
		s := open(t, dir, lazy, quiet)
		records := some()
		put(t, s, records...)
		waiting := func() uint64 {
			sum, err := Inspect(s.dir)
			fatal(t, err)
			return sum.Messages
		}
		all := waiting()
		for _, r := range records[:4] {
			s.Next(new(Record))
			s.Release(1)
			if time.Sleep(900 * time.Millisecond); waiting() != all {
				t.Fatal("it was written early")
			}
			all -= uint64(len(r.Ends))
			if time.Sleep(200 * time.Millisecond); waiting() != all {
				t.Fatal("it was not written")
			}
		}
		s.Next(new(Record))
		s.Release(1)
		if time.Sleep(1100 * time.Millisecond); len(segments(t, dir)) != 0 {
			t.Fatal("an empty spool keeps its segment")
		}
	})
}

// replace puts another file in the place of the segment that is appended to.
func (s *Spool) replace(t *testing.T, path string) (restore func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	fatal(t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.file
	s.file = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.file = file
		f.Close()
	}
}

// A record that the disk does not take is not there: neither when it cannot be written nor when it cannot be synced.
func TestDiskFails(t *testing.T) {
	for path, want := range map[string]error{
		"/proc/self/mem": unix.EIO,    // no write
		"/dev/null":      unix.EINVAL, // no sync
	} {
		s := open(t, memory(t), Options{Size: 1 << 20}, quiet)
		records := some()
		put(t, s, records[0])
		restore := s.replace(t, path)
		if err := s.Append(records[1]); !errors.Is(err, want) {
			t.Fatal(path, err)
		}
		restore()
		put(t, s, records[1:]...)
		wants(t, s, records...)
	}
}

// A disk that does not take what was appended is said once, tried again, and said once more when it does.
func TestSyncFails(t *testing.T) {
	dir := memory(t)
	bubble(t, func(t *testing.T) {
		var log said
		s := open(t, dir, Options{Size: 1 << 20, Fsync: time.Second}, log.log())
		put(t, s, some()[0])
		restore := s.replace(t, "/dev/null")
		if err := s.Sync(); !errors.Is(err, unix.EINVAL) || !strings.HasPrefix(err.Error(), "spool "+dir+": fdatasync ") {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "the spool cannot be brought to the disk") {
			t.Fatal(text)
		}
		restore()
		time.Sleep(2 * time.Second)
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "the spool is brought to the disk again") {
			t.Fatal(text)
		}
		if s.unsynced() {
			t.Fatal("something is left")
		}
	})
}

// However fast segments are filled, only a few are open and not synced.
func TestUnsyncedBound(t *testing.T) {
	s := open(t, memory(t), Options{Size: 64 << 10, Fsync: time.Hour}, quiet)
	for i := range 40 {
		put(t, s, numbered(i, 1, 1000))
		s.mu.Lock()
		if n := len(s.flusher.unsynced); n >= maxUnsynced {
			t.Fatal(n, "segments are not synced")
		}
		s.mu.Unlock()
	}
	if n := len(segments(t, s.dir)); n <= maxUnsynced {
		t.Fatal("only", n, "segments")
	}
}

// A folder that is gone altogether: each call says so, and none waits.
func TestFolderGone(t *testing.T) {
	var log said
	s := open(t, filepath.Join(memory(t), "spool"), lazy, log.log())
	put(t, s, some()...)
	fatal(t, os.RemoveAll(s.dir))
	wants(t, s)
	if err := s.Append(some()[0]); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := s.Sync(); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if !s.Empty() || s.Lost() == 0 || !strings.Contains(log.String(), "deleted by somebody") {
		t.Fatal(s.Empty(), s.Lost(), &log)
	}
}
