package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// A reader finds the records of one segment. It reads as much at once as its buffer takes.
type reader struct {
	file   *os.File
	number uint64
	buf    []byte // what was read
	from   int64  // where that stands in the file
}

const (
	replayBuffer = 256 << 10 // to read records: several blocks a call
	scanBuffer   = 4 << 10   // to hop from header to header
)

// newReader returns a reader of the segment with that number.
func newReader(f *os.File, number uint64, buffer int) reader {
	return reader{file: f, number: number, buf: make([]byte, 0, buffer)}
}

// peek returns the n bytes at off, fewer where the file ends. Nothing at or behind limit is read, since that may change.
// The bytes stay until the next peek.
func (r *reader) peek(off int64, n int, limit int64) ([]byte, error) {
	n = int(min(int64(n), limit-off))
	skip := off - r.from
	if skip < 0 || skip > int64(len(r.buf)) {
		skip, r.buf = 0, r.buf[:0]
	}
	if left := r.buf[skip:]; len(left) >= n {
		return left[:n], nil
	}
	left := copy(r.buf, r.buf[skip:])
	r.buf, r.from = r.buf[:left], off
	if n > cap(r.buf) {
		r.buf = append(make([]byte, 0, n), r.buf...)
	}
	room := r.buf[left:min(int64(cap(r.buf)), limit-off)]
	more, err := r.file.ReadAt(room, off+int64(left))
	r.buf = r.buf[:left+more]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return r.buf[:min(n, len(r.buf))], err
}

// seek finds the first whole record or seal at or behind off that ends at limit or before. What lies between off and
// there is damaged. The error io.EOF says that there is none.
func (r *reader) seek(off, limit int64) (h header, err error) {
	for off < limit {
		b, err := r.peek(off, scanBuffer, limit)
		if err != nil {
			return h, err
		}
		if len(b) < headerSize {
			break
		}
		i := 0
		for ; i+headerSize <= len(b); i++ {
			if h.parse(b[i:], place{r.number, off + int64(i)}) && h.size() <= limit-h.at.offset {
				return h, nil
			}
			next := bytes.Index(b[i+1:], []byte(magic))
			if next < 0 {
				i = max(i+1, len(b)-len(magic)+1) // its beginning may stand at the end of b
				break
			}
			i += next
		}
		off += int64(i)
	}
	return h, io.EOF
}

// count adds up the messages from off to limit, and says where the last whole record ends.
func (r *reader) count(off, limit int64) (messages uint64, end int64, err error) {
	for {
		h, err := r.seek(off, limit)
		if err == io.EOF {
			return messages, off, nil
		}
		if err != nil {
			return messages, off, err
		}
		if h.kind == isRecord {
			messages += uint64(h.count)
		}
		off = h.at.offset + h.size()
	}
}

// sealed reads the seal of a segment of that size: how many messages are in it, and where they end.
func (r *reader) sealed(size int64) (messages uint64, end int64, ok bool) {
	at := place{r.number, size - headerSize}
	if at.offset < 0 {
		return 0, 0, false
	}
	var h header
	b, err := r.peek(at.offset, headerSize, size)
	if err != nil || !h.parse(b, at) || h.kind != isSeal {
		return 0, 0, false
	}
	return uint64(h.count), at.offset, true
}

// body returns what follows the header h.
func (r *reader) body(h *header, limit int64) ([]byte, error) {
	b, err := r.peek(h.at.offset, int(h.size()), limit)
	return b[min(headerSize, len(b)):], err
}

// close closes the file and gives back a buffer that a long record made large.
func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
	}
	r.file, r.number, r.from, r.buf = nil, 0, 0, r.buf[:0]
	if cap(r.buf) > maxBuffer {
		r.buf = nil
	}
}
