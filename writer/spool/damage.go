package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// maxBad bounds what is kept of damage: a disk that is failing must not be filled with it.
const maxBad = maxSegment

// damage counts what lies between two offsets as one damaged place, once however often it is read, and keeps a copy.
func (s *Spool) damage(seg *segment, from, to int64) {
	if from < seg.judged {
		return
	}
	if seg.judged == 0 { // once a segment: it may be all there is in it
		s.log.Error("a segment is damaged; what can be read of it is delivered", "segment", seg.number, "offset", from, "bytes", to-from)
	}
	seg.judged = to
	s.damaged.Add(1)
	if err := s.lay(s.in.file, seg.number, from, to); err != nil {
		s.log.Error("what is damaged cannot be kept", "segment", seg.number, "error", err)
	}
}

// lay appends what lies between two offsets of a segment to the file beside it.
func (s *Spool) lay(segment *os.File, number uint64, from, to int64) error {
	to = min(to, from+maxBad-s.bad)
	if to <= from {
		return nil
	}
	f, err := openFile(s.dir, name(number)+".bad", os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.NewSectionReader(segment, from, to-from))
	s.bad += n
	return errors.Join(err, f.Close())
}

// layAside renames a segment that cannot be read, so that nothing deletes it.
func (s *Spool) layAside(seg *segment) error {
	path := filepath.Join(s.dir, name(seg.number))
	return os.Rename(path, path+".bad")
}

// cut takes from a segment without a seal what no record follows. A record of which only the beginning was written, or
// whose bytes never came to the disk, is what a crash leaves; anything else is damage.
func (s *Spool) cut(f *os.File, seg *segment) error {
	if seg.end == seg.size {
		return nil
	}
	torn, err := isTorn(f, seg)
	if err != nil {
		return err
	}
	if torn {
		s.log.Warn("the last record was not written whole and is cut off", "segment", seg.number, "bytes", seg.size-seg.end)
	} else {
		s.log.Error("the end of a segment is damaged and is cut off", "segment", seg.number, "bytes", seg.size-seg.end)
		s.damaged.Add(1)
		if err := s.lay(f, seg.number, seg.end, seg.size); err != nil {
			s.log.Error("what is damaged cannot be kept", "segment", seg.number, "error", err)
		}
	}
	seg.size = seg.end
	return f.Truncate(seg.end)
}

// isTorn reports whether what follows the last record is the beginning of another, or nothing but zeros.
func isTorn(f *os.File, seg *segment) (bool, error) {
	rest := seg.size - seg.end
	if rest < headerSize {
		return true, nil
	}
	b := make([]byte, replayBuffer)
	r := reader{file: f, number: seg.number, buf: b[:0]}
	head, err := r.peek(seg.end, headerSize, seg.size)
	var h header
	if err != nil || h.parse(head, place{seg.number, seg.end}) {
		return true, err
	}
	zeros := make([]byte, len(b))
	for off := seg.end; off < seg.size; {
		part, err := r.peek(off, len(b), seg.size)
		if err != nil || !bytes.Equal(part, zeros[:len(part)]) || len(part) == 0 {
			return false, err
		}
		off += int64(len(part))
	}
	return true, nil
}
