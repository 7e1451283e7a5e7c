package ingest

import "encoding/binary"

// The opcodes of all protocols, named as pickletools does.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opDup            = '2'
	opFloat          = 'F'
	opInt            = 'I'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opLong           = 'L'
	opBinInt2        = 'M'
	opNone           = 'N'
	opPersID         = 'P'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opString         = 'S'
	opBinString      = 'T'
	opShortBinString = 'U'
	opUnicode        = 'V'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opDict           = 'd'
	opEmptyDict      = '}'
	opAppends        = 'e'
	opGet            = 'g'
	opBinGet         = 'h'
	opInst           = 'i'
	opLongBinGet     = 'j'
	opList           = 'l'
	opEmptyList      = ']'
	opObj            = 'o'
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opBinFloat       = 'G'

	opProto    = 0x80 // 2
	opNewObj   = 0x81
	opExt1     = 0x82
	opExt2     = 0x83
	opExt4     = 0x84
	opTuple1   = 0x85
	opTuple2   = 0x86
	opTuple3   = 0x87
	opNewTrue  = 0x88
	opNewFalse = 0x89
	opLong1    = 0x8a
	opLong4    = 0x8b

	opBinBytes      = 'B' // 3
	opShortBinBytes = 'C'

	opShortBinUnicode = 0x8c // 4
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opNewObjEx        = 0x92
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95

	opByteArray8     = 0x96 // 5
	opNextBuffer     = 0x97
	opReadOnlyBuffer = 0x98
)

const newestProtocol = 5

// run goes through the opcodes up to the one that stops.
func (u *unpickler) run() error {
	for u.i < len(u.s) {
		if len(u.stack) > u.parts || len(u.cells) > u.parts || len(u.sequence) > u.parts || len(u.marks) > u.parts {
			return errPickleParts
		}
		op := u.s[u.i]
		u.i++
		var err error
		switch op { // the most frequent of a record first: the compiler makes a table of it, but people read it
		case opBinUnicode:
			err = u.counted(itemText, 4)
		case opShortBinUnicode:
			err = u.counted(itemText, 1)
		case opMemoize:
			err = u.put(uint64(len(u.memo)))
		case opBinPut:
			var n uint64
			if n, err = u.unsigned(1); err == nil {
				err = u.put(n)
			}
		case opBinGet:
			var n uint64
			if n, err = u.unsigned(1); err == nil {
				err = u.get(n)
			}
		case opStop:
			return nil
		case opNone:
			u.push(item{kind: itemNone})
		case opBinInt1, opBinInt2, opBinInt:
			err = u.binInt(op)
		case opBinFloat:
			var b []byte
			if b, err = u.take(8); err == nil {
				u.push(floating(binary.BigEndian.Uint64(b)))
			}
		case opMark:
			u.mark()
		case opEmptyDict:
			u.push(u.empty(mapping))
		case opSetItems:
			err = u.addMarked(mapping)
		default:
			err = u.other(op)
		}
		if err != nil {
			return err
		}
	}
	return errPickleShort
}

// other does what a record seldom needs.
func (u *unpickler) other(op byte) error {
	switch op {
	case opProto:
		version, err := u.unsigned(1)
		if err == nil && version > newestProtocol {
			err = errPickleProto
		}
		return err
	case opFrame:
		length, err := u.unsigned(8)
		if err == nil && length > uint64(len(u.s)-u.i) {
			err = errPickleShort
		}
		return err
	case opNewTrue:
		u.push(item{kind: itemTrue})
	case opNewFalse:
		u.push(item{kind: itemFalse})
	case opInt, opLong, opFloat:
		return u.textNumber(op)
	case opLong1:
		return u.counted(itemLong, 1)
	case opLong4:
		return u.counted(itemLong, 4)
	case opString:
		return u.quoted()
	case opUnicode:
		from, to, err := u.line()
		if err == nil {
			u.push(item{itemRaw, uint32(from), uint32(to)})
		}
		return err
	case opShortBinString, opShortBinBytes:
		return u.counted(itemText, 1)
	case opBinString, opBinBytes:
		return u.counted(itemText, 4)
	case opBinUnicode8, opBinBytes8, opByteArray8:
		return u.counted(itemText, 8)
	case opReadOnlyBuffer:
		_, err := u.top(0)
		return err
	default:
		return u.container(op)
	}
	return nil
}

// container does what makes and fills containers, and what moves on the stack.
func (u *unpickler) container(op byte) error {
	switch op {
	case opEmptyTuple:
		u.push(u.empty(tuple))
	case opEmptyList:
		u.push(u.empty(list))
	case opEmptySet:
		u.push(u.empty(set))
	case opTuple1, opTuple2, opTuple3:
		return u.gather(tuple, int(op-opTuple1)+1)
	case opTuple:
		return u.gatherMarked(tuple)
	case opList:
		return u.gatherMarked(list)
	case opDict:
		return u.gatherMarked(mapping)
	case opFrozenSet:
		return u.gatherMarked(set)
	case opAppend:
		return u.add(list, 1)
	case opAppends:
		return u.addMarked(list)
	case opAddItems:
		return u.addMarked(set)
	case opSetItem:
		return u.add(mapping, 2)
	case opPop:
		if len(u.stack) == u.fence && len(u.marks) > 0 {
			_, err := u.unmark()
			return err
		}
		return u.drop(1)
	case opPopMark:
		n, err := u.unmark()
		if err != nil {
			return err
		}
		return u.drop(n)
	case opDup:
		it, err := u.top(0)
		if err != nil {
			return err
		}
		u.push(*it)
	default:
		return u.remember(op)
	}
	return nil
}

// remember does what goes to and comes from the memo in the long forms.
func (u *unpickler) remember(op byte) error {
	var n uint64
	var err error
	switch op {
	case opPut, opGet:
		n, err = u.memoNumber()
	case opLongBinPut, opLongBinGet:
		n, err = u.unsigned(4)
	default:
		return u.build(op)
	}
	switch {
	case err != nil:
		return err
	case op == opPut || op == opLongBinPut:
		return u.put(n)
	}
	return u.get(n)
}

// build does nothing of what would import, call or build: it leaves a name.
func (u *unpickler) build(op byte) error {
	switch op {
	case opGlobal:
		return u.global()
	case opStackGlobal:
		return u.name()
	case opReduce, opNewObj:
		return u.call(1)
	case opNewObjEx:
		return u.call(2)
	case opBuild: // a state, for what is below it
		if _, err := u.top(1); err != nil {
			return err
		}
		return u.drop(1)
	case opObj:
		n, err := u.unmark()
		if err != nil {
			return err
		}
		if n == 0 {
			return errPickleStack
		}
		return u.call(n - 1)
	case opInst:
		n, err := u.unmark()
		if err == nil {
			err = u.drop(n)
		}
		if err != nil {
			return err
		}
		return u.global()
	case opExt1, opExt2, opExt4:
		code, err := u.unsigned(1 << (op - opExt1))
		if err == nil {
			u.push(item{kind: itemExtension, b: uint32(code)})
		}
		return err
	case opPersID:
		_, _, err := u.line()
		u.push(item{kind: itemUnknown})
		return err
	case opBinPersID:
		it, err := u.top(0)
		if err == nil {
			*it = item{kind: itemUnknown}
		}
		return err
	case opNextBuffer:
		u.push(item{kind: itemUnknown})
		return nil
	}
	return errPickleOp
}

// binInt reads one unsigned byte, two, or four with a sign.
func (u *unpickler) binInt(op byte) error {
	switch op {
	case opBinInt1:
		n, err := u.unsigned(1)
		u.push(pickledInt(int64(n)))
		return err
	case opBinInt2:
		n, err := u.unsigned(2)
		u.push(pickledInt(int64(n)))
		return err
	}
	n, err := u.unsigned(4)
	u.push(pickledInt(int64(int32(n))))
	return err
}
