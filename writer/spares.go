package writer

import "time"

// Spares are blocks that were used and can be again. A busy queue keeps as many as it needed lately, so that it allocates
// nothing while its reader is ahead of the disk now and then; a few megabytes at most, since no more can wait. One that is
// not keeps a few.
type spares struct {
	list
	n    int
	made time.Time // when there was none last
}

const (
	fewSpares  = 8 // half a megabyte
	fewShared  = 2
	sparesKept = time.Second // since there was none
)

// pop returns the block that was put in last: it is the likeliest to be in a cache still.
func (s *spares) pop() *Block {
	b := s.list.pop()
	if b != nil {
		s.n--
		return b
	}
	s.made = time.Now()
	return newBlock()
}

func (s *spares) put(b *Block) {
	b.reset()
	s.pushFront(b)
	s.n++
}

// trim leaves few of them, if it is time to, or else returns when it will be; the zero time means never.
func (s *spares) trim(few int) (due time.Time) {
	if s.n <= few {
		return due
	}
	if due = s.made.Add(sparesKept); time.Now().Before(due) {
		return due
	}
	for s.n > few {
		s.pop()
	}
	return time.Time{}
}
