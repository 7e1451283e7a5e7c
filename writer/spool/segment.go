package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A place is a position in the spool.
type place struct {
	segment uint64
	offset  int64
}

// A segment is one file of records.
type segment struct {
	number   uint64
	end      int64  // of its records
	size     int64  // with its seal
	messages uint64 // that were appended to it
	done     int64  // up to where it is delivered
	waiting  uint64 // messages behind that
	judged   int64  // up to where its damage is counted
}

const (
	ending    = ".seg"
	badEnding = ending + ".bad"
	maxNumber = 1 << 62 // leaves room to count on, whatever a folder or cursor says
)

// name is what the segment's file is called. Names sort like numbers for the first thousand billion.
func name(number uint64) string { return fmt.Sprintf("%012d%s", number, ending) }

// parseName reports whether a file of that name is a segment, and which.
func parseName(file string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(file, ending)
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil && number < maxNumber && name(number) == file
}

// measure finds out what is in a segment, whether it ends in a seal, and what of it lies behind the cursor.
func measure(f *os.File, number uint64, cursor place) (seg *segment, sealed bool, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	seg = &segment{number: number, size: st.Size()}
	r := newReader(f, number, scanBuffer)
	seg.messages, seg.end, sealed = r.sealed(seg.size)
	if !sealed {
		seg.messages, seg.end, err = r.count(0, seg.size)
	}
	seg.waiting = seg.messages
	if err == nil && number == cursor.segment && cursor.offset > 0 {
		seg.done = min(cursor.offset, seg.end)
		seg.waiting, _, err = r.count(seg.done, seg.end)
	}
	return seg, sealed, err
}

// A folder is the files of a spool.
type folder struct {
	numbers []uint64 // of the segments, in order
	bad     int64    // bytes of what was damaged
}

// readFolder lists a spool. A folder that holds anything else is not one, or somebody keeps his own things in it: it is
// refused, since a spool deletes files.
func readFolder(dir string) (folder, error) {
	var f folder
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		number, isSegment := parseName(e.Name())
		_, isBad := parseName(strings.TrimSuffix(e.Name(), ".bad"))
		switch {
		case isSegment && e.Type().IsRegular():
			f.numbers = append(f.numbers, number)
		case isBad && e.Type().IsRegular():
			if info, err := e.Info(); err == nil {
				f.bad += info.Size()
			}
		case e.Name() == lockName, e.Name() == cursorName:
		case e.Name() == "lost+found", strings.HasPrefix(e.Name(), ".nfs"): // a disk of its own; NFS: a deleted file that is still open
		default:
			return f, fmt.Errorf("not a spool: it holds %q", e.Name())
		}
	}
	slices.Sort(f.numbers) // ReadDir sorts by name
	return f, nil
}

// openFile opens a regular file in the spool and nothing that it may link to.
func openFile(dir, name string, flags int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: f.Name(), Err: errors.New("not a regular file")})
	}
	return f, nil
}

// datasync is fdatasync. It may run while another goroutine closes f.
func datasync(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	c.Control(func(fd uintptr) { failed = fdatasync(int(fd)) }) // fails if f is closed: there is nothing to sync any more
	if failed != nil {
		return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: failed}
	}
	return nil
}

func fdatasync(fd int) error {
	for {
		if err := unix.Fdatasync(fd); err != unix.EINTR {
			return err
		}
	}
}
