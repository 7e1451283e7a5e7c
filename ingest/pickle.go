package ingest

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
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

func (u *unpickler) push(it item) { u.stack = append(u.stack, it) }

func (u *unpickler) pop() (it item, err error) {
	n := len(u.stack) - 1
	if n < u.fence {
		return it, errPickleStack
	}
	it = u.stack[n]
	u.stack = u.stack[:n]
	return it, nil
}

// drop pops n items.
func (u *unpickler) drop(n int) error {
	if len(u.stack)-n < u.fence {
		return errPickleStack
	}
	u.stack = u.stack[:len(u.stack)-n]
	return nil
}

// top is the item that n others are on.
func (u *unpickler) top(n int) (*item, error) {
	if len(u.stack)-n <= u.fence {
		return nil, errPickleStack
	}
	return &u.stack[len(u.stack)-1-n], nil
}

func (u *unpickler) mark() {
	u.fence = len(u.stack)
	u.marks = append(u.marks, u.fence)
}

// unmark takes the last mark away and returns how many items are above it.
func (u *unpickler) unmark() (n int, err error) {
	last := len(u.marks) - 1
	if last < 0 {
		return 0, errPickleStack
	}
	n = len(u.stack) - u.marks[last]
	u.marks = u.marks[:last]
	u.fence = 0
	if last > 0 {
		u.fence = u.marks[last-1]
	}
	return n, nil
}

// gather replaces the n items on top by a sequence of them.
func (u *unpickler) gather(kind sequenceKind, n int) error {
	if len(u.stack)-n < u.fence {
		return errPickleStack
	}
	it := u.empty(kind)
	u.extend(&u.sequence[it.a], n)
	u.push(it)
	return nil
}

// gatherMarked does so with all above the last mark.
func (u *unpickler) gatherMarked(kind sequenceKind) error {
	n, err := u.unmark()
	if err != nil {
		return err
	}
	if kind == mapping && n%2 != 0 {
		return errPickleStack
	}
	return u.gather(kind, n)
}

// empty makes a sequence.
func (u *unpickler) empty(kind sequenceKind) item {
	u.sequence = append(u.sequence, sequence{kind: kind, first: none, last: none})
	return item{kind: itemSequence, a: uint32(len(u.sequence) - 1)}
}

// extend moves the n items on top into q.
func (u *unpickler) extend(q *sequence, n int) {
	if n == 0 {
		return
	}
	from := int32(len(u.cells))
	u.cells = append(u.cells, u.stack[len(u.stack)-n:]...)
	u.stack = u.stack[:len(u.stack)-n]
	to := int32(len(u.cells))
	if q.last != none && u.segments[q.last].to == from {
		u.segments[q.last].to = to
		return
	}
	u.segments = append(u.segments, segment{from, to, none})
	at := int32(len(u.segments) - 1)
	if q.last == none {
		q.first = at
	} else {
		u.segments[q.last].next = at
	}
	q.last = at
}

// add adds the n items on top to the sequence below them, which must be of kind. What is added to an object that would
// have been built is gone.
func (u *unpickler) add(kind sequenceKind, n int) error {
	it, err := u.top(n)
	if err != nil {
		return err
	}
	if kind == mapping && n%2 != 0 {
		return errPickleStack
	}
	switch {
	case it.kind == itemUnknown, it.kind == itemExtension:
		return u.drop(n)
	case it.kind != itemSequence:
		return errPickleType
	}
	q := &u.sequence[it.a]
	switch q.kind {
	case kind:
		u.extend(q, n)
		return nil
	case named:
		return u.drop(n)
	}
	return errPickleType
}

func (u *unpickler) addMarked(kind sequenceKind) error {
	n, err := u.unmark()
	if err != nil {
		return err
	}
	return u.add(kind, n)
}

// call replaces a callable, with arguments on top of it, by what stands for its result.
func (u *unpickler) call(arguments int) error {
	it, err := u.top(arguments)
	if err != nil {
		return err
	}
	if arguments == 1 && u.recognise(it, u.stack[len(u.stack)-1]) {
		return u.drop(1)
	}
	if !u.isName(*it) && it.kind != itemExtension {
		*it = item{kind: itemUnknown}
	}
	return u.drop(arguments)
}

// recognise sees through what pickle itself calls: the protocols before 3 have no bytes and write them as text to be
// encoded; and what makes an object is given its class, whose name says more.
func (u *unpickler) recognise(callable *item, arguments item) bool {
	if !u.isName(*callable) {
		return false
	}
	name, args := u.members(*callable), u.members(arguments)
	switch u.plain(name[0]) + "." + u.plain(name[1]) {
	case "_codecs.encode":
		if len(args) == 0 || args[0].kind != itemText && args[0].kind != itemRaw {
			return false
		}
		*callable = args[0]
		callable.kind++ // each is followed by its Latin form
		return true
	case "__builtin__.bytes", "builtins.bytes":
		if len(args) > 0 {
			return false
		}
		*callable = item{kind: itemText}
		return true
	case "copy_reg._reconstructor", "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__":
		if len(args) == 0 || !u.isName(args[0]) {
			return false
		}
		*callable = args[0]
		return true
	}
	return false
}

func (u *unpickler) isName(it item) bool {
	return it.kind == itemSequence && u.sequence[it.a].kind == named
}

// members are the first items of a sequence, all of them if it was made in one piece.
func (u *unpickler) members(it item) []item {
	if it.kind != itemSequence || u.sequence[it.a].first == none {
		return nil
	}
	s := u.segments[u.sequence[it.a].first]
	return u.cells[s.from:s.to]
}

// plain is the text of a name that may be one of ours.
func (u *unpickler) plain(it item) string {
	if it.kind != itemText || it.b-it.a > 16 {
		return ""
	}
	return string(u.s[it.a:it.b])
}

func pickledInt(n int64) item { return item{itemInt, uint32(uint64(n) >> 32), uint32(n)} }

func floating(bits uint64) item { return item{itemFloat, uint32(bits >> 32), uint32(bits)} }

func (it item) bits() uint64 { return uint64(it.a)<<32 | uint64(it.b) }

// take returns the next n bytes.
func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.s)-u.i) {
		return nil, errPickleShort
	}
	b := u.s[u.i : u.i+int(n)]
	u.i += int(n)
	return b, nil
}

// unsigned reads a little-endian number of n bytes.
func (u *unpickler) unsigned(n int) (x uint64, err error) {
	b, err := u.take(uint64(n))
	if err != nil {
		return 0, err
	}
	switch n {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), nil
	}
	return binary.LittleEndian.Uint64(b), nil
}

// counted pushes what follows a length of n bytes.
func (u *unpickler) counted(kind itemKind, n int) error {
	length, err := u.unsigned(n)
	if err != nil {
		return err
	}
	from := u.i
	if _, err := u.take(length); err != nil {
		return err
	}
	u.push(item{kind, uint32(from), uint32(u.i)})
	return nil
}

// line returns where the text up to the next newline begins and ends.
func (u *unpickler) line() (from, to int, err error) {
	for i := u.i; i < len(u.s); i++ {
		if u.s[i] == '\n' {
			from, u.i = u.i, i+1
			return from, i, nil
		}
	}
	return 0, 0, errPickleShort
}

// textNumber reads the numbers of protocol 0.
func (u *unpickler) textNumber(op byte) error {
	from, to, err := u.line()
	if err != nil {
		return err
	}
	text := u.s[from:to]
	switch {
	case op == 'F':
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return errPickleNumber
		}
		u.push(floating(math.Float64bits(f)))
		return nil
	case op == 'I' && string(text) == "01":
		u.push(item{kind: itemTrue})
		return nil
	case op == 'I' && string(text) == "00":
		u.push(item{kind: itemFalse})
		return nil
	case op == 'L' && len(text) > 0 && text[len(text)-1] == 'L':
		to--
	}
	number := u.s[from:to]
	if len(number) > 0 && number[0] == '-' {
		number = number[1:]
	}
	if n := digits(number); n == 0 || n < len(number) || n > 1 && number[0] == '0' {
		return errPickleNumber
	}
	u.push(item{itemDigits, uint32(from), uint32(to)})
	return nil
}

// quoted reads a string of protocol 0.
func (u *unpickler) quoted() error {
	from, to, err := u.line()
	if err != nil {
		return err
	}
	if to-from < 2 || u.s[from] != u.s[to-1] || u.s[from] != '\'' && u.s[from] != '"' {
		return errPickleOp
	}
	u.push(item{itemQuoted, uint32(from + 1), uint32(to - 1)})
	return nil
}

// global pushes the module and the name that stand in the next two lines.
func (u *unpickler) global() error {
	for range 2 {
		from, to, err := u.line()
		if err != nil {
			return err
		}
		u.push(item{itemText, uint32(from), uint32(to)})
	}
	return u.name()
}

// name makes a name of the module and the name on top.
func (u *unpickler) name() error {
	if len(u.stack)-2 < u.fence {
		return errPickleStack
	}
	it := u.empty(named)
	u.segments = append(u.segments, segment{int32(len(u.cells)), int32(len(u.cells) + 2), none})
	at := int32(len(u.segments) - 1)
	u.sequence[it.a].first, u.sequence[it.a].last = at, at
	u.cells = append(u.cells, u.stack[len(u.stack)-2:]...)
	u.stack = append(u.stack[:len(u.stack)-2], it)
	return nil
}

// put keeps the top of the stack under a number. Picklers count, so that none is larger than the bytes before it.
func (u *unpickler) put(n uint64) error {
	it, err := u.top(0)
	if err != nil {
		return err
	}
	if n > uint64(u.i) || n >= uint64(u.parts) {
		return errPickleMemo
	}
	for uint64(len(u.memo)) <= n {
		u.memo = append(u.memo, item{kind: itemUnknown})
	}
	u.memo[n] = *it
	return nil
}

func (u *unpickler) get(n uint64) error {
	if n >= uint64(len(u.memo)) {
		return errPickleMemo
	}
	u.push(u.memo[n])
	return nil
}

// memoNumber reads the line with a number of the memo.
func (u *unpickler) memoNumber() (uint64, error) {
	from, to, err := u.line()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(u.s[from:to]), 10, 32)
	if err != nil {
		return 0, errPickleNumber
	}
	return n, nil
}
