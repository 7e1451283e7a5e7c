package writer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A FIFO gets every byte once, though its reader is slow, goes away and comes back; and it never keeps us for long.
func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	fatal(t, unix.Mkfifo(path, 0o600))
	open := func() *os.File {
		r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		fatal(t, err)
		return r
	}
	r := open()
	o := DefaultFileOptions()
	o.Fsync = true // a FIFO knows nothing of it
	s := openFile(t, path, o)
	long := numbered("", "a", 600, 200) // more than a pipe holds
	b := blockOf(long...)
	if err := s.Write(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a reader that does not read: %v", err)
	}
	got := make([]byte, 200_000)
	n, err := r.Read(got)
	fatal(t, err)
	fatal(t, s.Write(b))
	m, err := r.Read(got[n:])
	fatal(t, err)
	if want := content(long...); string(got[:n+m]) != want {
		t.Errorf("the reader has %d bytes, want %d", n+m, len(want))
	}

	r.Close()
	b = blockOf(line{"", "later"})
	for _, want := range []error{unix.EPIPE, unix.ENXIO, unix.ENXIO} {
		if err := s.Write(b); !errors.Is(err, want) {
			t.Fatalf("a reader that went away: %v, want %v", err, want)
		}
	}
	r = open()
	fatal(t, s.Write(b))
	fatal(t, s.Close())
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "later\n" {
		t.Errorf("the next reader has %q, %v", rest, err)
	}
	r.Close()
}
