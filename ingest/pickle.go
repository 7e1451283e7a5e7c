package ingest

import (
	"errors"
	"math"
)

// An unpickler reads pickles, which are programs for a machine with a stack and a memo, without running them: whatever
// Python would import, call or build stays a name. It copies no text: what it makes refers to the pickle by offsets, and
// append writes it as JSON. It does not recurse. Its memory is at most 100 bytes for each of parts, however much the
// pickle shares by its memo. It is kept for the next pickle, and belongs to one reader.
type unpickler struct {
	s     []byte
	i     int
	parts int // how many values a pickle may hold, and how high its stack may grow

	stack    []item
	marks    []int // heights of the stack
	fence    int   // the last of them: what is below is not to be popped
	memo     []item
	sequence []sequence
	segments []segment
	cells    []item // what sequences hold
}

// An item is a value: text and numbers as a part of the pickle, sequences as an index.
type item struct {
	kind itemKind
	a, b uint32 // from and to in the pickle; or the halves of a number; or the index in a
}

type itemKind uint8

const (
	itemNone itemKind = iota
	itemFalse
	itemTrue
	itemInt       // int64
	itemDigits    // of an int of any length
	itemLong      // two's complement, little endian, any length
	itemFloat     // the bits
	itemText      // UTF-8, or whatever bytes
	itemLatin     // UTF-8, of which each character stands for a byte
	itemQuoted    // as repr writes it, without the quotes
	itemRaw       // Latin-1, with \u and \U escapes
	itemRawLatin  // likewise, of which each character stands for a byte
	itemExtension // of the extension registry: a number
	itemUnknown   // what only the sender's own code knows
	itemSequence
)

// A sequence is whatever holds items. They are added in parts, since a list may be in use before it is full.
type sequence struct {
	kind        sequenceKind
	open        bool // it is being written: what meets it again is a cycle
	first, last int32
}

type sequenceKind uint8

const (
	tuple sequenceKind = iota
	list
	set
	mapping // keys and values in turn
	named   // what would be imported, called or built: two items, module and name
)

type segment struct{ from, to, next int32 }

const none = -1

// What is wrong with a pickle.
var (
	errPickleShort  = errors.New("the pickle breaks off")
	errPickleOp     = errors.New("no pickle: an opcode that there is not")
	errPickleStack  = errors.New("the pickle takes from its stack what is not there")
	errPickleType   = errors.New("the pickle adds to what is no container")
	errPickleMemo   = errors.New("the pickle takes from its memo what is not there")
	errPickleNumber = errors.New("a number in the pickle is none")
	errPickleParts  = errors.New("the pickle holds too many values")
	errPickleProto  = errors.New("the pickle's protocol is newer than 5")
	errPickleDict   = errors.New("the pickle is no dict")
)

// minParts is how many values any pickle may hold; a longer limit for its length allows a quarter of that.
const minParts = 1 << 16

// newUnpickler returns one for pickles of at most size bytes.
func newUnpickler(size int) *unpickler { return &unpickler{parts: max(size/4, minParts)} }

// keepParts is how much is kept for the next pickle.
const keepParts = 1 << 12

// read runs through s and returns the dict that is left when it stops. The unpickler refers to s until the next read.
func (u *unpickler) read(s []byte) (root item, err error) {
	if len(s) > math.MaxInt32 {
		return root, errPickleParts
	}
	u.s, u.i, u.fence = s, 0, 0
	u.stack, u.marks, u.memo = reuse(u.stack), reuse(u.marks), reuse(u.memo)
	u.sequence, u.segments, u.cells = reuse(u.sequence), reuse(u.segments), reuse(u.cells)
	if err := u.run(); err != nil {
		return root, err
	}
	root, err = u.pop()
	if err == nil && (root.kind != itemSequence || u.sequence[root.a].kind != mapping) {
		err = errPickleDict
	}
	return root, err
}

func reuse[T any](s []T) []T {
	if cap(s) > keepParts {
		return nil
	}
	return s[:0]
}
