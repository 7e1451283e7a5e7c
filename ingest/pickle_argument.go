package ingest

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
)

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
