package spool

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// maxUnsynced is how many segments may be written ahead of the disk. From there on Append waits for it.
const maxUnsynced = 4

// Append appends a record, in one write. ErrFull says that there is no room for it in Options.Size. After any error
// nothing of the record is left, and it can be appended again.
func (s *Spool) Append(r *Record) error {
	s.mu.Lock()
	err := s.append(r)
	behind := len(s.flusher.unsynced) >= maxUnsynced
	s.mu.Unlock()
	if behind {
		s.flush(false) // what fails there is said and tried again; this record is written
	}
	switch {
	case err == nil, err == ErrFull, err == ErrTooLarge:
		return err
	}
	return fmt.Errorf("spool %s: %w", s.dir, err)
}

func (s *Spool) append(r *Record) error {
	if s.closed {
		return os.ErrClosed
	}
	if !r.isWhole() {
		return errRecord
	}
	if len(r.Ends) == 0 {
		return nil
	}
	size := r.size()
	if err := s.makeRoom(size); err != nil {
		return err
	}
	if s.out == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	seg := s.out
	s.buf = r.append(s.buf[:0], place{seg.number, seg.end})
	err := s.write(seg)
	if cap(s.buf) > maxBuffer {
		s.buf = nil
	}
	if err != nil {
		return err
	}
	seg.end += size
	seg.size += size
	seg.messages += uint64(len(r.Ends))
	seg.waiting += uint64(len(r.Ends))
	s.messages.Add(int64(len(r.Ends)))
	s.bytes.Add(size)
	s.disk += size
	s.size.Store(s.disk)
	return nil
}

// makeRoom ends the segment that is appended to, if a record of that size does not go into it, and reports whether there
// is room for it. A record larger than a segment gets one of its own.
func (s *Spool) makeRoom(size int64) error {
	if size > maxRecord || size+headerSize > s.options.Load().Size {
		return ErrTooLarge
	}
	fits := s.out != nil && (s.out.end == 0 || s.out.end+size+headerSize <= s.limit)
	if s.out != nil && s.out.end > 0 && s.out.done == s.out.end && (!fits || s.need(size, fits) > s.options.Load().Size) {
		s.settle(true) // nothing of it waits
		fits = false
	}
	if s.need(size, fits) > s.options.Load().Size {
		return ErrFull
	}
	if s.out != nil && !fits {
		s.roll()
	}
	return nil
}

// need is what all segments take with a record of that size more, and with the seals that they will have.
func (s *Spool) need(size int64, fits bool) int64 {
	n := s.disk + size
	if s.out != nil {
		n += headerSize
	}
	if !fits {
		n += headerSize
	}
	return n
}

// create begins a segment.
func (s *Spool) create() error {
	number := s.next
	s.next++ // a number that cannot be had is left out
	f, err := openFile(s.dir, name(number), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	s.file, s.out = f, &segment{number: number}
	s.segments = append(s.segments, s.out)
	s.flusher.created = true
	return nil
}

// write writes the record in s.buf to the end of seg, or cuts off what was written of it.
func (s *Spool) write(seg *segment) error {
	_, err := s.file.WriteAt(s.buf, seg.end)
	if err == nil && s.options.Load().Fsync == 0 {
		err = s.flusher.now(s)
	}
	if err != nil {
		return errors.Join(err, s.file.Truncate(seg.end))
	}
	if s.options.Load().Fsync > 0 && s.flusher.dataDue.IsZero() {
		s.flusher.dataDue = time.Now().Add(s.options.Load().Fsync)
		s.flusher.rouse()
	}
	return nil
}

// roll ends the segment that is appended to with a seal. It does without where that cannot be written: the segment is
// then read header by header when the spool is opened.
func (s *Spool) roll() {
	seg := s.out
	if seg == nil {
		return
	}
	if seg.end > 0 && seg.messages <= math.MaxUint32 {
		var b [headerSize]byte
		h := header{at: place{seg.number, seg.end}, count: uint32(seg.messages), kind: isSeal}
		h.put(b[:])
		if _, err := s.file.WriteAt(b[:], seg.end); err != nil {
			s.file.Truncate(seg.end)
		} else {
			seg.size += headerSize
			s.disk += headerSize
			s.size.Store(s.disk)
		}
	}
	s.flusher.unsynced = append(s.flusher.unsynced, s.file)
	s.out, s.file = nil, nil
	if s.flusher.dataDue.IsZero() {
		s.flusher.dataDue = time.Now().Add(s.options.Load().Fsync)
		s.flusher.rouse()
	}
	s.settle(false) // it may be delivered
}

// DropOldest deletes the oldest segment of which nothing was read that is not released, and returns how many messages
// that waited were in it; false if there is no such segment. The one that is appended to is not spared.
func (s *Spool) DropOldest() (messages uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	from := 0
	if last, any := s.flight.last(); any {
		for from < len(s.segments) && s.segments[from].number <= last.segment {
			from++
		}
	}
	for ; from < len(s.segments); from++ {
		if seg := s.segments[from]; seg.done < seg.end {
			s.remove(from)
			return seg.waiting, true
		}
	}
	return 0, false
}

// Purge deletes all that waits, and returns how many messages that were. Nothing that was read before may be released
// after it.
func (s *Spool) Purge() (messages uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0
	}
	s.flight.forget()
	s.cursor.place = place{s.next, 0}
	s.read = s.cursor.place
	s.writeCursor(true) // said, and no reason to stop: what is gone is not sent again
	for len(s.segments) > 0 {
		messages += s.segments[0].waiting
		s.remove(0)
	}
	return messages
}
