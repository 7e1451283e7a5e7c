package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options bound a spool.
type Options struct {
	Size  int64         // of all segments, in bytes
	Fsync time.Duration // at most so long after an append it is on the disk; 0: when Append returns
}

// What Append and Open say where a caller may want to do something about it.
var (
	ErrFull     = errors.New("the spool is full")
	ErrTooLarge = errors.New("larger than the whole spool") // and would be if that were empty
	ErrLocked   = errors.New("in use by another process")
)

const (
	maxSegment = 16 << 20
	maxBuffer  = 1 << 20 // what is kept of a buffer that a long record made large
	lockName   = "lock"
)

// A Spool is records on disk, in the order in which they were appended. Its methods may be called from many goroutines,
// though the order of Append, and of Next, Release and Rewind, is meant to be that of one; the counters wait for nobody.
//
// A goroutine of the spool's own brings what was appended to the disk, and writes the cursor, when each is due: the owner
// may be held up for half a minute by a collector, or have nothing to do, and both promises are in seconds.
type Spool struct {
	dir     string
	options atomic.Pointer[Options]
	limit   int64 // of a segment, unless one record is larger
	log     *slog.Logger
	lock    *os.File

	mu       sync.Mutex
	closed   bool
	segments []*segment // in order, those with something that is not delivered, and the one that is appended to
	next     uint64     // number of the next segment
	out      *segment   // that is appended to; nil: the next record begins one
	file     *os.File   // of out
	buf      []byte     // a record on its way out
	in       reader     // of the segment that is being read
	read     place      // of the next record to read
	tries    int        // to read there
	flight   flight     // what was read and not released
	cursor   cursor
	disk     int64 // bytes of all segments
	bad      int64 // bytes of what was damaged
	flusher  flusher

	messages, bytes, size atomic.Int64
	damaged, lost         atomic.Uint64
}

// Open opens the spool in dir, which it makes, with mode 0700, where it is missing. ErrLocked says that another process
// has it. A folder with files that are none of a spool's is refused and left as it is. Whatever state a crash, a full disk
// or a bad one left is taken up: log says what had to be given up.
func Open(dir string, o Options, log *slog.Logger) (*Spool, error) {
	s := &Spool{
		dir: dir, limit: max(min(maxSegment, o.Size/16), headerSize), log: log.With("spool", dir),
	}
	s.options.Store(&o)
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("spool %s: %w", dir, err), s.release())
	}
	s.start()
	return s, nil
}

func (s *Spool) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if _, err := readFolder(s.dir); err != nil { // before anything is written to a folder of somebody else's
		return err
	}
	var err error
	if s.lock, err = openFile(s.dir, lockName, os.O_RDWR|os.O_CREATE); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if err == unix.EWOULDBLOCK {
			return ErrLocked
		}
		return &fs.PathError{Op: "flock", Path: s.lock.Name(), Err: err}
	}
	f, err := readFolder(s.dir) // what is there now that nobody else changes it
	if err != nil {
		return err
	}
	s.bad = f.bad
	if s.cursor.file, err = openFile(s.dir, cursorName, os.O_RDWR|os.O_CREATE); err != nil {
		return err
	}
	if err := s.cursor.read(); err == errCursor {
		s.log.Error("all that waits is sent again", "error", err)
	} else if err != nil {
		return err
	}
	s.next = s.cursor.place.segment + 1
	if n := len(f.numbers); n > 0 {
		s.next = max(s.next, f.numbers[n-1]+1)
	}
	for _, number := range f.numbers {
		if err := s.take(number); err != nil {
			return fmt.Errorf("segment %d: %w", number, err)
		}
	}
	s.begin()
	return nil
}

// take takes up a segment that an earlier process left.
func (s *Spool) take(number uint64) error {
	if number < s.cursor.place.segment { // a crash came between the cursor and the unlink
		return s.unlink(number)
	}
	f, err := openFile(s.dir, name(number), os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	seg, sealed, err := measure(f, number, s.cursor.place)
	if err != nil {
		return err
	}
	if !sealed {
		if err := s.cut(f, seg); err != nil {
			return err
		}
	}
	if seg.done == seg.end { // delivered, or never written to
		return s.unlink(number)
	}
	if last := len(s.segments) - 1; last >= 0 && s.segments[last].number+1 < number {
		s.log.Warn("segments are missing: dropped, or deleted by somebody", "from", s.segments[last].number+1, "to", number-1)
	}
	s.segments = append(s.segments, seg)
	s.count(seg, 1)
	return nil
}

// begin puts the read position at what waits longest, and the cursor with it. A cursor that stands behind the end of its
// segment, because a power cut took what was delivered already, must not stay there.
func (s *Spool) begin() {
	p := place{s.next, 0}
	if len(s.segments) > 0 {
		p = place{s.segments[0].number, s.segments[0].done}
	}
	s.cursor.place, s.read = p, p
	// Both slots are written so that they have their place on the disk before it is full. If it is full already, the
	// cursor is tried again each second: what frees room is that segments are delivered.
	for range 2 {
		if s.writeCursor(false) != nil {
			return
		}
	}
}

// count adds what of seg waits to the counters, or, with a sign of -1, takes it away.
func (s *Spool) count(seg *segment, sign int64) {
	s.messages.Add(sign * int64(seg.waiting))
	s.bytes.Add(sign * (seg.end - seg.done))
	s.disk += sign * seg.size
	s.size.Store(s.disk)
}

// find returns the segment in which p is, or the next one with its beginning; nil if there is none.
func (s *Spool) find(p place) (*segment, place) {
	i, found := slices.BinarySearchFunc(s.segments, p.segment, func(seg *segment, n uint64) int {
		switch {
		case seg.number < n:
			return -1
		case seg.number > n:
			return 1
		}
		return 0
	})
	if i == len(s.segments) {
		return nil, p
	}
	if !found {
		p = place{s.segments[i].number, 0}
	}
	return s.segments[i], p
}

// Change changes the bounds for what is appended from now on. It waits for no disk.
func (s *Spool) Change(o Options) { s.options.Store(&o) }

// unlink deletes a segment's file.
func (s *Spool) unlink(number uint64) error {
	err := os.Remove(filepath.Join(s.dir, name(number)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Empty reports whether nothing waits: all that was appended is released or dropped, or was damaged and Next has passed it.
func (s *Spool) Empty() bool { return s.bytes.Load() == 0 }

// Messages is how many messages wait, those included that were read and not released.
func (s *Spool) Messages() uint64 { return uint64(max(0, s.messages.Load())) }

// Bytes is what their records take.
func (s *Spool) Bytes() int64 { return s.bytes.Load() }

// Disk is what all segments take, delivered records in them included. It is at most Options.Size, unless it was more
// already when the spool was opened: then nothing is appended until it is less.
func (s *Spool) Disk() int64 { return s.size.Load() }

// Damaged is how many damaged places were found since Open.
func (s *Spool) Damaged() uint64 { return s.damaged.Load() }

// Lost is how many messages are known to have been in them. It is counted when what stands before them is released. How
// many were behind a damaged header in a segment that a crash left without a seal, nobody knows.
func (s *Spool) Lost() uint64 { return s.lost.Load() }

// Close brings everything to the disk and gives the spool free. What was read and not released is there again when it
// is opened next.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.roll()
	s.mu.Unlock()
	s.stop()
	err := s.flush(true)
	s.in.close()
	if err = errors.Join(err, s.release()); err != nil {
		return fmt.Errorf("spool %s: %w", s.dir, err)
	}
	return nil
}

// release closes what Open opened; the lock goes last.
func (s *Spool) release() error {
	var err error
	for _, f := range []*os.File{s.cursor.file, s.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}
