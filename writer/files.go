package writer

import (
	"bytes"
	lru "container/list"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// files are the files of a target whose path holds fields, at most max_open of them open at once.
type files struct {
	sink   *FileSink
	known  map[string]*file // those that are open or have a part of the block in hand
	opened lru.List         // the open ones; in front the one that was written to longest ago
	dirty  []*file          // those whose part is not written yet
	block  *Block           // the block in hand, once it is shared out
	owing  []*file          // those that owe something from earlier blocks
	aside  int              // bytes that they owe
	tried  time.Time        // when they were last tried
	now    time.Time        // of the block in hand
	named  []*file          // what its names mean
	text   []byte           // its text, in the order of files
}

// write shares b out among its files and writes each. A file that fails keeps its part and is tried again; the others
// are done.
func (fs *files) write(b *Block) error {
	if fs.block != b {
		fs.shareOut(b)
		fs.block, fs.now = b, time.Now()
	}
	var first error
	left := fs.dirty[:0]
	for _, f := range fs.dirty {
		err := fs.writePart(f)
		if err != nil && f.done == 0 && isPathFault(err) {
			fs.layAside(f, err)
			err = nil
		}
		if err != nil {
			if left = append(left, f); first == nil {
				first = err
			}
			continue
		}
		f.part, f.size, f.count = nil, 0, 0
	}
	clear(fs.dirty[len(left):])
	fs.dirty = left
	switch n := len(left); {
	case n > 1:
		return fmt.Errorf("%w (and %d more files)", first, n-1)
	case n == 1:
		return first
	}
	fs.block = nil
	if cap(fs.text) > 2*sharedSize {
		fs.text = nil
	}
	return nil
}

// rest is what is left of b: what those files have not got that are still to be written to.
func (fs *files) rest(b *Block) *Block {
	if fs.block != b {
		return b
	}
	rest := newBlock()
	for _, f := range fs.dirty {
		for from := 0; from < len(f.part); {
			end := from + bytes.IndexByte(f.part[from:], '\n')
			if end >= f.done {
				rest.Text = append(rest.Text, f.part[from:end]...)
				rest.paths.add(f.path, rest.Count())
				rest.add()
			}
			from = end + 1
		}
	}
	if rest.Count() == 0 {
		return nil
	}
	return rest
}

// writePart writes what f gets of the block in hand. What it owes from earlier blocks has to go first.
func (fs *files) writePart(f *file) error {
	if f.aside.count > 0 {
		return errOwing
	}
	if f.f == nil {
		fs.makeRoom()
	}
	err := f.write(fs.sink, f.part, nil)
	for errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) { // fewer may be open than max_open says
		oldest := fs.opened.Front()
		if oldest == nil || oldest.Value.(*file).done > 0 {
			break
		}
		fs.shut(oldest.Value.(*file))
		err = f.write(fs.sink, f.part, nil)
	}
	fs.place(f)
	return err
}

// shareOut gives each file its part: all that goes to one file stands together, so that it takes one write.
func (fs *files) shareOut(b *Block) {
	fs.named = fs.named[:0]
	for _, name := range b.paths.names {
		path := b.paths.path(name)
		f := fs.known[string(path)]
		if f == nil {
			f = &file{path: string(path)}
			fs.known[f.path] = f
		}
		fs.named = append(fs.named, f)
	}
	n := uint32(0)
	for _, r := range b.paths.runs {
		f := fs.named[r.name]
		if f.size == 0 {
			fs.dirty = append(fs.dirty, f)
		}
		f.size += int(b.start(r.behind) - b.start(n))
		f.count += int(r.behind - n)
		n = r.behind
	}
	if len(fs.dirty) == 1 {
		fs.dirty[0].part = b.Text
		return
	}
	fs.text = slices.Grow(fs.text[:0], len(b.Text))
	from := 0
	for _, f := range fs.dirty {
		f.part = fs.text[from : from : from+f.size]
		from += f.size
	}
	n = 0
	for _, r := range b.paths.runs {
		f := fs.named[r.name]
		f.part = append(f.part, b.Text[b.start(n):b.start(r.behind)]...)
		n = r.behind
	}
}

// place puts f where the order of the open files wants it after a write.
func (fs *files) place(f *file) {
	f.used = fs.now
	switch {
	case f.f == nil && f.place != nil:
		fs.opened.Remove(f.place)
		f.place = nil
	case f.f == nil:
	case f.place != nil:
		fs.opened.MoveToBack(f.place)
	default:
		f.place = fs.opened.PushBack(f)
		fs.known[f.path] = f
	}
}

// makeRoom closes what was written to longest ago until one more file may be open. One that owes the rest of a write
// stays.
func (fs *files) makeRoom() {
	for e := fs.opened.Front(); e != nil && fs.opened.Len() >= fs.sink.options.MaxOpen; {
		f := e.Value.(*file)
		e = e.Next()
		if f.done == 0 {
			fs.shut(f)
		}
	}
}

// shut closes a file that owes nothing of a write.
func (fs *files) shut(f *file) {
	f.close()
	fs.place(f)
	if f.size == 0 && f.aside.count == 0 {
		delete(fs.known, f.path)
	}
}

// closeIdle closes what was not written to for idle_close.
func (fs *files) closeIdle(now time.Time) {
	for e := fs.opened.Front(); e != nil; {
		f := e.Value.(*file)
		if now.Sub(f.used) < fs.sink.options.IdleClose {
			return // those behind were used later
		}
		e = e.Next()
		if f.done == 0 {
			fs.shut(f)
		}
	}
}

func (fs *files) close() error {
	var err error
	fs.settle(true)
	for _, f := range fs.known {
		err = errors.Join(err, f.close())
	}
	return err
}
