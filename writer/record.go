package writer

import (
	"encoding/binary"
	"errors"

	"sluice/writer/spool"
)

// A block goes to the spool as a record: text, ends, and its paths as runs of number of the message behind, length, path.

// record is b as the spool takes it. It refers to b.
func (b *Block) record() *spool.Record {
	r := &spool.Record{Text: b.Text, Ends: b.Ends}
	for _, run := range b.paths.runs {
		path := b.paths.of(run)
		r.Paths = binary.LittleEndian.AppendUint32(r.Paths, run.behind)
		r.Paths = binary.LittleEndian.AppendUint32(r.Paths, uint32(len(path)))
		r.Paths = append(r.Paths, path...)
	}
	return r
}

// errRecord is a record that no block was made into.
var errRecord = errors.New("a record that is not a block of messages")

// fill makes b of a record, whose text and ends it takes over.
func (b *Block) fill(r *spool.Record) error {
	b.reset()
	b.Text, b.Ends = r.Text, r.Ends
	behind := uint32(0)
	for p := r.Paths; len(p) > 0; {
		if len(p) < 8 {
			return errRecord
		}
		next, n := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
		if p = p[8:]; uint64(n) > uint64(len(p)) || next <= behind || next > uint32(b.Count()) {
			return errRecord
		}
		b.paths.end(b.paths.call(string(p[:n])), int(next))
		p, behind = p[n:], next
	}
	if len(r.Paths) > 0 && behind != uint32(b.Count()) {
		return errRecord
	}
	return nil
}
