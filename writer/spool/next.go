package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// maxTries is how often a place is read before its segment is given up. A disk that answers wrongly once may not the
// next time; a target that waits for a dead sector would wait for ever.
const maxTries = 4

// Next reads the record behind the last one read into r, and reports false when there is none. Damaged records are passed
// over, counted, and copied beside their segment. After an error the same record is tried again by the next call.
func (s *Spool) Next(r *Record) (ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, fmt.Errorf("spool %s: %w", s.dir, os.ErrClosed)
	}
	for {
		seg, p := s.find(s.read)
		if seg == nil {
			return false, nil
		}
		if p.offset >= seg.end {
			if seg == s.segments[len(s.segments)-1] {
				return false, nil
			}
			s.pass(place{seg.number + 1, 0})
			continue
		}
		if err := s.enter(seg); errors.Is(err, fs.ErrNotExist) {
			s.log.Error("a segment was deleted by somebody", "segment", seg.number, "messages", seg.waiting)
			s.giveUp(seg)
			continue
		} else if err != nil {
			return false, fmt.Errorf("spool %s: segment %d: %w", s.dir, seg.number, err)
		}
		ok, err := s.nextIn(seg, p, r)
		if err != nil {
			if s.tries++; s.tries < maxTries {
				return false, fmt.Errorf("spool %s: segment %d: %w", s.dir, seg.number, err)
			}
			s.log.Error("a segment cannot be read and is laid aside", "segment", seg.number, "offset", p.offset, "error", err)
			if err := s.layAside(seg); err != nil {
				s.log.Error("nor can it be laid aside", "segment", seg.number, "error", err)
			}
			s.giveUp(seg)
			continue
		}
		s.tries = 0
		if ok {
			return true, nil
		}
	}
}

// enter makes seg the segment that is read.
func (s *Spool) enter(seg *segment) error {
	if s.in.file != nil && s.in.number == seg.number {
		return nil
	}
	s.in.close()
	f, err := openFile(s.dir, name(seg.number), os.O_RDONLY)
	if err != nil {
		return err
	}
	s.in.file, s.in.number = f, seg.number
	if s.in.buf == nil {
		s.in.buf = make([]byte, 0, replayBuffer)
	}
	return nil
}

// nextIn reads the record at p. It reports false after it has passed over something that is no record.
func (s *Spool) nextIn(seg *segment, p place, r *Record) (ok bool, err error) {
	h, err := s.in.seek(p.offset, seg.end)
	if err == io.EOF {
		h.at = place{seg.number, seg.end}
	} else if err != nil {
		return false, err
	}
	if h.at.offset > p.offset {
		s.damage(seg, p.offset, h.at.offset)
		s.pass(h.at)
		return false, nil
	}
	behind := place{seg.number, h.at.offset + h.size()}
	if h.kind == isSeal {
		s.pass(behind)
		return false, nil
	}
	body, err := s.in.body(&h, seg.end)
	if err != nil {
		return false, err
	}
	if !r.decode(&h, body) {
		s.damage(seg, h.at.offset, behind.offset)
		s.pass(behind)
		return false, nil
	}
	s.read = behind
	s.flight.add(taken{place: behind, seg: seg, messages: uint64(h.count)})
	return true, nil
}

// pass moves the read position to p with nothing to deliver on the way: it counts as delivered with what was read before.
func (s *Spool) pass(p place) {
	s.read = p
	if !s.flight.extend(p) {
		s.cursor.place = p
		s.settle(false)
	}
}

// giveUp passes over what is left of a segment, as damage.
func (s *Spool) giveUp(seg *segment) {
	s.tries = 0
	s.damaged.Add(1)
	if seg == s.out { // whatever its file is now, nothing more goes there
		s.roll()
	}
	seg.judged = seg.end
	s.pass(place{seg.number, seg.end})
}

// Release says that the first n records that were read and not yet released are delivered: they are not read again.
// Segments that are delivered whole are deleted, once the cursor behind them is on the disk.
func (s *Spool) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // it will come twice
		return
	}
	for ; n > 0; n-- {
		t, ok := s.flight.pop()
		if !ok {
			break
		}
		m := min(t.messages, t.seg.waiting) // a seal may have said less
		t.seg.waiting -= m
		s.messages.Add(-int64(m))
		s.cursor.place = t.place
	}
	s.settle(false)
}

// Rewind moves the read position back: what was read and not released is read again.
func (s *Spool) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight.forget()
	s.read = s.cursor.place
}

// settle counts what lies before the cursor as delivered, and deletes segments of which nothing waits: the one that is
// appended to only if all is set.
func (s *Spool) settle(all bool) {
	gone := 0
	for _, seg := range s.segments {
		end := seg.end
		if s.cursor.place.segment < seg.number {
			break
		} else if s.cursor.place.segment == seg.number {
			end = min(s.cursor.place.offset, seg.end)
		}
		s.bytes.Add(seg.done - end)
		if seg.done = end; end < seg.end {
			break
		}
		s.lost.Add(seg.waiting)
		s.messages.Add(-int64(seg.waiting))
		seg.waiting = 0
		if seg == s.out && !all {
			break
		}
		gone++
	}
	if gone > 0 {
		// If it cannot be written the segments go nevertheless: it may be for want of the room that they give back, and
		// that they are gone says the same.
		s.writeCursor(true)
		for range gone {
			s.remove(0)
		}
	} else if s.cursor.place != s.cursor.written {
		s.flusher.cursor()
	}
}

// remove deletes the segment with that index, whatever waits in it.
func (s *Spool) remove(i int) {
	seg := s.segments[i]
	s.count(seg, -1)
	s.segments = slices.Delete(s.segments, i, i+1)
	if seg == s.out {
		s.file.Close()
		s.out, s.file = nil, nil
	}
	if s.in.number == seg.number {
		s.in.close()
	}
	if err := s.unlink(seg.number); err != nil { // it goes at the next start, if the cursor is behind it
		s.log.Error("a delivered segment cannot be deleted", "segment", seg.number, "error", err)
	}
	s.flusher.unlinked = true
}
