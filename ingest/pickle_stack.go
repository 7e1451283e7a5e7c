package ingest

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
