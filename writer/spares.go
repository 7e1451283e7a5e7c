package writer

import "time"

// Spares are blocks that were used and can be again. A busy queue keeps as many as it needed lately, so that it allocates
// nothing while its reader is ahead of the disk now and then; a few megabytes at most, since no more can wait. One that is
// not keeps a few.
type spares struct {
	list
	least  int       // of n since the last look
	looked time.Time // when some were given back last, or could have been
}

const (
	fewSpares  = 8 // half a megabyte
	fewShared  = 2
	sparesKept = time.Second // without being needed
)

// pop returns the block that was put in last: it is the likeliest to be in a cache still.
func (s *spares) pop() *Block {
	b := s.list.pop()
	if b == nil {
		return newBlock()
	}
	s.least = min(s.least, s.n)
	return b
}

func (s *spares) put(b *Block) {
	b.reset()
	s.pushFront(b)
}

// trim gives back what was not needed since the last look, but for a few, if it is time to. It returns when it will be
// again; the zero time means never. (To give back all that is spare at a moment cost a few collections a second.)
func (s *spares) trim(few int) (due time.Time) {
	if s.n <= few {
		return due
	}
	now := time.Now()
	if due = s.looked.Add(sparesKept); now.Before(due) {
		return due
	}
	for range min(s.least, s.n-few) {
		s.list.pop()
	}
	if s.least, s.looked = s.n, now; s.n <= few {
		return time.Time{}
	}
	return now.Add(sparesKept)
}
