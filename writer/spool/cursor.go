package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

const (
	cursorName  = "cursor"
	cursorMagic = "\x89slcu\r\n\x1a"
	slotSize    = 36
	slotStride  = 4096
)

var errCursor = errors.New("neither slot of the cursor is whole")

// A cursor is the file that says up to where all is delivered.
type cursor struct {
	file     *os.File
	place    place
	written  place // what the file says
	sequence uint64
	slot     [slotSize]byte
}

// read reads the newer of the slots that are whole. A cursor that was never written is the zero place; one that is
// garbage is too, and an error.
func (c *cursor) read() error {
	var b [slotStride + slotSize]byte
	n, err := c.file.ReadAt(b[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	found := false
	for at := 0; at+slotSize <= n; at += slotStride {
		slot := b[at : at+slotSize]
		sequence := binary.LittleEndian.Uint64(slot[8:])
		p := place{binary.LittleEndian.Uint64(slot[16:]), int64(binary.LittleEndian.Uint64(slot[24:]))}
		whole := string(slot[:8]) == cursorMagic && binary.LittleEndian.Uint32(slot[32:]) == crc32.Checksum(slot[:32], castagnoli)
		if whole && p.segment < maxNumber && p.offset >= 0 && sequence < maxNumber && (!found || sequence > c.sequence) {
			c.place, c.sequence, found = p, sequence, true
		}
	}
	c.written = c.place
	if !found && n > 0 {
		return errCursor
	}
	return nil
}

// write writes the place to the slot that is older. One that failed is tried again in the same slot, so that the other
// stays whole.
func (c *cursor) write() error {
	s := c.slot[:0]
	s = append(s, cursorMagic...)
	s = binary.LittleEndian.AppendUint64(s, c.sequence+1)
	s = binary.LittleEndian.AppendUint64(s, c.place.segment)
	s = binary.LittleEndian.AppendUint64(s, uint64(c.place.offset))
	s = binary.LittleEndian.AppendUint32(s, crc32.Checksum(s, castagnoli))
	if _, err := c.file.WriteAt(s, int64((c.sequence+1)%2)*slotStride); err != nil {
		return err
	}
	c.sequence++
	c.written = c.place
	return nil
}
