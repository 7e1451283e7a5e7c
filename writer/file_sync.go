package writer

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A stretch is a part of the text in hand, and where in the file it was put.
type stretch struct {
	at       int64
	from, to int
}

// noteStretch remembers where the last n bytes went: behind an append the descriptor stands at their end, whoever else
// writes to the file.
func (f *file) noteStretch(n int) {
	if n <= 0 {
		return
	}
	if end, err := f.f.Seek(0, 1); err == nil {
		f.stretches = append(f.stretches, stretch{end - int64(n), f.done - n, f.done})
	}
}

// sync waits until the text is on the disk. After a fault that is not to be had by asking again: the kernel has thrown away
// its memory of what it could not write, and says yes the second time. (Tried: of 300,000 bytes that a second fdatasync
// reported as written, 1,376 were there.) So the text is put once more where it was, and not behind it, before we ask.
func (f *file) sync(text []byte) error {
	if f.doubt {
		if err := f.putAgain(text); err != nil {
			return err
		}
	}
	if err := fdatasync(int(f.f.Fd())); err != nil {
		f.doubt = true
		return &fs.PathError{Op: "fdatasync", Path: f.path, Err: err}
	}
	f.doubt = false
	return nil
}

// putAgain writes the stretches over themselves. What somebody has truncated since is left alone. The old blocks are given back
// first: ext4 remembers of one whose write failed that it holds nothing, and goes on to say so after it was written.
func (f *file) putAgain(text []byte) error {
	st, err := f.f.Stat()
	if err != nil {
		return err
	}
	// The descriptor in hand only appends. This one is of the same file, wherever that has been moved to.
	over, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(f.f.Fd())), os.O_WRONLY, 0)
	if err != nil {
		return &fs.PathError{Op: "write again", Path: f.path, Err: err}
	}
	defer over.Close()
	for _, p := range f.stretches {
		length := int64(p.to - p.from)
		if p.at+length > st.Size() {
			continue
		}
		if p.at+length == st.Size() {
			length += int64(os.Getpagesize()) // the last block, too
		}
		unix.Fallocate(int(over.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, p.at, length) // where there is such a thing
		if _, err := over.WriteAt(text[p.from:p.to], p.at); err != nil {
			return &fs.PathError{Op: "write again", Path: f.path, Err: err}
		}
	}
	return nil
}

// fdatasync fails in tests.
var fdatasync = unix.Fdatasync
