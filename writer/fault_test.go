package writer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A FIFO's reader goes away in the middle of a message, with more of them unread. The next one begins with a whole message,
// and none of the block is missing.
func TestFIFOReaderTornAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	fatal(t, unix.Mkfifo(path, 0o600))
	open := func() *os.File {
		r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		fatal(t, err)
		return r
	}
	r := open()
	s := openFile(t, path, DefaultFileOptions())
	long := numbered("", "a", 600, 200)
	b := blockOf(long...)
	if err := s.Write(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a reader that does not read: %v", err)
	}
	first := make([]byte, 1050) // five messages and a part of the sixth
	_, err := io.ReadFull(r, first)
	fatal(t, err)
	r.Close()
	if err := s.Write(b); !errors.Is(err, unix.EPIPE) {
		t.Fatalf("a reader that went away: %v", err)
	}
	if err := s.Write(b); !errors.Is(err, unix.ENXIO) {
		t.Fatalf("no reader: %v", err)
	}
	r = open()
	defer r.Close()
	got := make([]byte, 0, 200_000)
	for {
		err := s.Write(b)
		n, _ := r.Read(got[len(got):cap(got)])
		got = got[:len(got)+n]
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	fatal(t, s.Close())
	if want := content(long[5:]...); string(got) != want {
		t.Errorf("the next reader has %d bytes, want %d; they begin %.30q", len(got), len(want), got)
	}
	if !strings.HasPrefix(content(long...), string(first)) {
		t.Error("the first reader has something else")
	}
}

// A disk that turns read-only, as one does after errors, and back: nothing is lost.
func TestReadOnlyDisk(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "mounting needs root")
	}
	dir, filler := smallDisk(t, 10)
	fatal(t, os.Remove(filler))
	path := filepath.Join(dir, "log")
	s := openFile(t, path, DefaultFileOptions())
	fatal(t, s.Write(blockOf(line{"", "before"})))
	fatal(t, s.fixed.close()) // who has it open keeps the disk from being made read-only
	fatal(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	b := blockOf(line{"", "meanwhile"})
	for range 2 {
		if err := s.Write(b); !errors.Is(err, unix.EROFS) {
			t.Fatalf("a disk that is read-only: %v", err)
		}
	}
	fatal(t, unix.Mount("", dir, "", unix.MS_REMOUNT, ""))
	fatal(t, s.Write(b))
	holds(t, path, "before\nmeanwhile\n")
}

// A disk that takes the text and fails to keep it: the block is tried again, and nothing is written twice.
func TestSyncFails(t *testing.T) {
	path, faults := filepath.Join(t.TempDir(), "log"), 2
	fdatasync = func(fd int) error {
		if faults > 0 {
			faults--
			return unix.EIO
		}
		return unix.Fdatasync(fd)
	}
	t.Cleanup(func() { fdatasync = unix.Fdatasync })
	o := DefaultFileOptions()
	o.Fsync = true
	s := openFile(t, path, o)
	b := blockOf(line{"", "a"}, line{"", "b"})
	for range 2 {
		if err := s.Write(b); !errors.Is(err, unix.EIO) || !strings.Contains(err.Error(), "fdatasync "+path) {
			t.Fatalf("a disk that fails: %v", err)
		}
	}
	fatal(t, s.Write(b))
	holds(t, path, "a\nb\n")
}
