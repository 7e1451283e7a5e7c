package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// A Summary says what waits in a spool.
type Summary struct {
	Messages uint64
	Bytes    int64     // of their records
	Disk     int64     // of all segments
	Segments int       // in which something waits
	Oldest   time.Time // when the oldest of these was last appended to; zero if nothing waits
	Bad      int64     // bytes of what was damaged, kept beside the segments
}

// Inspect looks into a spool that another process may own and be using. It changes nothing, and may be up to a second
// behind.
func Inspect(dir string) (Summary, error) {
	var sum Summary
	bad, err := each(dir, func(f *os.File, seg *segment) error {
		sum.Disk += seg.size
		if seg.done == seg.end {
			return nil
		}
		if sum.Segments++; sum.Segments == 1 {
			st, err := f.Stat()
			if err != nil {
				return err
			}
			sum.Oldest = st.ModTime()
		}
		sum.Messages += seg.waiting
		sum.Bytes += seg.end - seg.done
		return nil
	})
	sum.Bad = bad
	return sum, err
}

// Read yields each record that waits in a spool, oldest first, until yield returns false; damaged ones are passed over.
// Another process may own the spool and be using it: what it deletes meanwhile may be left out. The record is yield's
// until it returns.
func Read(dir string, yield func(*Record) bool) error {
	var record Record
	stopped := errors.New("stopped")
	_, err := each(dir, func(f *os.File, seg *segment) error {
		r := newReader(f, seg.number, replayBuffer)
		for off := seg.done; ; {
			h, err := r.seek(off, seg.end)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			off = h.at.offset + h.size()
			body, err := r.body(&h, seg.end)
			if err != nil {
				return err
			}
			if h.kind == isRecord && record.decode(&h, body) && !yield(&record) {
				return stopped
			}
		}
	})
	if errors.Is(err, stopped) {
		return nil
	}
	return err
}

// Purge deletes all that waits in a spool that nobody is using, and returns how many messages that were. ErrLocked says
// that a process is. What was damaged stays.
func Purge(dir string) (messages uint64, err error) {
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil { // Open would make one
		return 0, fmt.Errorf("spool %s: %w", dir, err)
	}
	s, err := Open(dir, Options{Fsync: cursorEvery}, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	return s.Purge(), s.Close()
}

// each visits the segments behind the cursor, oldest first, as they are now.
func each(dir string, visit func(*os.File, *segment) error) (bad int64, err error) {
	folder, err := readFolder(dir)
	if err != nil {
		return 0, fmt.Errorf("spool %s: %w", dir, err)
	}
	var c cursor
	if c.file, err = openFile(dir, cursorName, os.O_RDONLY); err == nil {
		err = c.read()
		c.file.Close()
	}
	if err != nil && err != errCursor && !errors.Is(err, fs.ErrNotExist) { // then all of it waits
		return 0, fmt.Errorf("spool %s: %w", dir, err)
	}
	for _, number := range folder.numbers {
		if number < c.place.segment {
			continue
		}
		err := visitOne(dir, number, c.place, visit)
		if errors.Is(err, fs.ErrNotExist) { // delivered or dropped meanwhile
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("spool %s: segment %d: %w", dir, number, err)
		}
	}
	return folder.bad, nil
}

func visitOne(dir string, number uint64, cursor place, visit func(*os.File, *segment) error) error {
	f, err := openFile(dir, name(number), os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	seg, _, err := measure(f, number, cursor)
	if err != nil {
		return err
	}
	return visit(f, seg)
}
