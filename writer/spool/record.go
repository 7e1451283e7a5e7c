package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// A Record is one block of messages. Its slices belong to whoever made it: Append copies them, and Next overwrites them
// from their beginning, growing them where they are too small.
type Record struct {
	Text  []byte   // messages, each followed by one byte for its delimiter
	Ends  []uint32 // where each message ends in Text
	Paths []byte   // whatever the owner needs beside
}

// errRecord is a bug of the owner's. It is an error since a record that Next cannot give back would be lost.
var errRecord = errors.New("the ends of a record do not match its text")

const (
	magic      = "\x89slsp\r\n\x1a"
	headerSize = 48
)

// Kinds of what a header stands for.
const (
	isRecord = iota
	isSeal
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header begins each record.
type header struct {
	at                 place
	count, paths, text uint32
	body               uint32
	kind               uint32
}

// size is what a record takes in its segment.
func (h *header) size() int64 { return headerSize + 4*int64(h.count) + int64(h.paths) + int64(h.text) }

// put writes h to the first headerSize bytes of b.
func (h *header) put(b []byte) {
	copy(b, magic)
	binary.LittleEndian.PutUint64(b[8:], h.at.segment)
	binary.LittleEndian.PutUint64(b[16:], uint64(h.at.offset))
	binary.LittleEndian.PutUint32(b[24:], h.count)
	binary.LittleEndian.PutUint32(b[28:], h.paths)
	binary.LittleEndian.PutUint32(b[32:], h.text)
	binary.LittleEndian.PutUint32(b[36:], h.body)
	binary.LittleEndian.PutUint32(b[40:], h.kind)
	binary.LittleEndian.PutUint32(b[44:], crc32.Checksum(b[:44], castagnoli))
}

// parse reads the header with which b begins, and reports whether it is one that was written at this place.
func (h *header) parse(b []byte, at place) bool {
	if len(b) < headerSize || string(b[:8]) != magic || binary.LittleEndian.Uint32(b[44:]) != crc32.Checksum(b[:44], castagnoli) {
		return false
	}
	*h = header{
		at:    place{binary.LittleEndian.Uint64(b[8:]), int64(binary.LittleEndian.Uint64(b[16:]))},
		count: binary.LittleEndian.Uint32(b[24:]), paths: binary.LittleEndian.Uint32(b[28:]), text: binary.LittleEndian.Uint32(b[32:]),
		body: binary.LittleEndian.Uint32(b[36:]), kind: binary.LittleEndian.Uint32(b[40:]),
	}
	return h.at == at && h.kind <= isSeal && (h.kind == isRecord || h.paths|h.text == 0)
}

// isWhole reports whether each message ends behind the one before, and the last one at the end of the text.
func (r *Record) isWhole() bool {
	from := uint64(0)
	for _, end := range r.Ends {
		if uint64(end) < from {
			return false
		}
		from = uint64(end) + 1
	}
	return from == uint64(len(r.Text))
}

// size is what r takes in a segment.
func (r *Record) size() int64 {
	return headerSize + 4*int64(len(r.Ends)) + int64(len(r.Paths)) + int64(len(r.Text))
}

// maxRecord keeps all lengths of a header within their 32 bits, with room to add them up.
const maxRecord = math.MaxInt32

// append appends r as it stands in a segment.
func (r *Record) append(dst []byte, at place) []byte {
	from := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	for _, end := range r.Ends {
		dst = binary.LittleEndian.AppendUint32(dst, end)
	}
	dst = append(dst, r.Paths...)
	dst = append(dst, r.Text...)
	h := header{
		at: at, count: uint32(len(r.Ends)), paths: uint32(len(r.Paths)), text: uint32(len(r.Text)),
		body: crc32.Checksum(dst[from+headerSize:], castagnoli),
	}
	h.put(dst[from:])
	return dst
}

// decode fills r from a body, and reports whether it is what the header was written for.
func (r *Record) decode(h *header, body []byte) bool {
	if int64(len(body)) != h.size()-headerSize || crc32.Checksum(body, castagnoli) != h.body {
		return false
	}
	r.Ends = r.Ends[:0]
	for ends := body[:4*h.count]; len(ends) > 0; ends = ends[4:] {
		r.Ends = append(r.Ends, binary.LittleEndian.Uint32(ends))
	}
	body = body[4*h.count:]
	r.Paths = append(r.Paths[:0], body[:h.paths]...)
	r.Text = append(r.Text[:0], body[h.paths:]...)
	return r.isWhole()
}
