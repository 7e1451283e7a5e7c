// Package writer takes messages to files, consoles and collectors. Each target has a queue of blocks and one goroutine
// that writes them, so that no target waits for another.
package writer

// blockSize is when a block is full. 64 KiB is far past the point where the cost of a write call shows, and small enough
// to stay in the second-level cache between the reader that fills it and the goroutine that writes it.
const blockSize = 64 << 10

// sharedSize is that of blocks which are shared out among files. A block of 64 KiB would be three lines for each of a
// hundred files, and a write and a look at the path for each of them; and it is filled so far only while the writer is
// busy, who takes what there is at the next tick.
const sharedSize = 2 << 20

// A Block is some messages of one target in their order, ready to be written. Behind each message one byte is left for
// its delimiter and holds a newline, so that a file takes the whole of Text in one write, and other framings still know
// where each message ends.
type Block struct {
	Text  []byte
	Ends  []uint32 // where each message ends in Text; the delimiter's byte follows
	paths paths
	first uint64 // position in the queue of the first message
	next  *Block

	rest    bool // delivered, or in the spool: at most kept to be sent again
	spooled bool // it has a record in the spool, which goes when the block does
	evicted bool // its text is only there; see Queue.reload
	purged  bool // it is not wanted any more; see Queue.Purge
	empty   bool // and therefore holds nothing now

	collector int  // whose it is, of several
	owed      owed // a Remote's
}

// size is what the block takes of its queue's memory, unless it is in the spool as well: not the text alone, since empty messages have ends too, and short
// ones long paths.
func (b *Block) size() int {
	return len(b.Text) + 4*len(b.Ends) + b.paths.size()
}

// newBlock leaves room for one message of common size beyond the size at which a block is full.
func newBlock() *Block {
	return &Block{Text: make([]byte, 0, blockSize+8<<10), Ends: make([]uint32, 0, 512)}
}

// Count is how many messages the block holds.
func (b *Block) Count() int { return len(b.Ends) }

func (b *Block) reset() {
	b.Text, b.Ends, b.next, b.rest, b.spooled, b.evicted = b.Text[:0], b.Ends[:0], nil, false, false, false
	b.purged, b.empty = false, false
	b.paths.reset()
}

// add ends the message that was appended to Text.
func (b *Block) add() {
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	b.Text = append(b.Text, '\n')
}

// lead says where the message goes that is added next.
func (b *Block) lead(to *leaf) {
	if to.named != b.first+1 {
		to.named, to.name = b.first+1, b.paths.call(to.path)
	}
	b.paths.addNamed(to.name, b.Count())
}

// behind is the block of those messages that do not end within the first n bytes of b; nil if all do.
func (b *Block) behind(n int) *Block {
	if n == 0 {
		return b
	}
	rest := newBlock()
	for i := range uint32(b.Count()) {
		if int(b.Ends[i]) >= n {
			rest.Text = append(rest.Text, b.Text[b.start(i):b.Ends[i]]...)
			rest.add()
		}
	}
	if rest.Count() == 0 {
		return nil
	}
	return rest
}

// start is where message number n begins in Text; n may be Count, for the end of Text.
func (b *Block) start(n uint32) uint32 {
	if n == 0 {
		return 0
	}
	return b.Ends[n-1] + 1
}

// paths say which message goes to which file, where the path holds fields. Messages that follow each other with the
// same path share a run.
type paths struct {
	text  []byte
	names []name // of the paths in text; one may be there twice
	runs  []run
}

// A name is where a path is in text.
type name struct{ from, to uint32 }

type run struct {
	name   uint32 // which of names
	behind uint32 // the first message that is not in the run
}

// size is what they take of a queue's memory.
func (p *paths) size() int { return len(p.text) + 8*len(p.names) + 8*len(p.runs) }

// add notes the path of message number n, which must be the next.
func (p *paths) add(path string, n int) {
	if k := len(p.runs); k == 0 || string(p.of(p.runs[k-1])) != path {
		p.end(p.call(path), n+1)
		return
	}
	p.runs[len(p.runs)-1].behind = uint32(n + 1)
}

// addNamed is add for a path whose name is known.
func (p *paths) addNamed(name uint32, n int) {
	if k := len(p.runs); k == 0 || p.runs[k-1].name != name {
		p.end(name, n+1)
		return
	}
	p.runs[len(p.runs)-1].behind = uint32(n + 1)
}

// end ends a run in front of message number behind.
func (p *paths) end(name uint32, behind int) {
	p.runs = append(p.runs, run{name, uint32(behind)})
}

// call gives a path a name.
func (p *paths) call(path string) uint32 {
	from := uint32(len(p.text))
	p.text = append(p.text, path...)
	p.names = append(p.names, name{from, uint32(len(p.text))})
	return uint32(len(p.names) - 1)
}

func (p *paths) of(r run) []byte { return p.path(p.names[r.name]) }

func (p *paths) path(n name) []byte { return p.text[n.from:n.to] }

func (p *paths) reset() { p.text, p.names, p.runs = p.text[:0], p.names[:0], p.runs[:0] }

// A list is blocks in the order in which they were filled.
type list struct {
	head, tail *Block
	n          int
}

// all goes through the list from its head.
func (l *list) all(yield func(*Block) bool) {
	for b := l.head; b != nil; b = b.next {
		if !yield(b) {
			return
		}
	}
}

// pushFront puts back what was popped.
func (l *list) pushFront(b *Block) {
	l.n++
	if b.next = l.head; l.head == nil {
		l.tail = b
	}
	l.head = b
}

func (l *list) push(b *Block) {
	l.n++
	if l.tail == nil {
		l.head = b
	} else {
		l.tail.next = b
	}
	l.tail = b
}

func (l *list) pop() *Block {
	b := l.head
	if b != nil {
		l.n--
		if l.head = b.next; l.head == nil {
			l.tail = nil
		}
		b.next = nil
	}
	return b
}
