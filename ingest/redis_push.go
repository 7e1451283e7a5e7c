package ingest

import "io"

// A pushReader reads what Redis sends to a connection that subscribes, in RESP2: arrays of bulk strings and integers,
// and the odd simple string or error. It reads in place, so that a message costs no allocation.
type pushReader struct {
	src   io.Reader
	buf   []byte
	r, w  int    // what is in buf and not yet read
	max   int    // a payload that is longer is cut there
	spare []byte // holds a push that buf is too small for
	part  bool   // of such a push was read
}

const (
	pushBuffer = 256 << 10
	maxChannel = 64 << 10 // of the name of a channel or pattern; longer: cut there
)

func newPushReader(src io.Reader, max int) *pushReader {
	return &pushReader{src: src, buf: make([]byte, pushBuffer), max: max}
}

// next reads a push out of the buffer. errShort: it is not all there yet.
func (p *pushReader) next() (push, error) {
	s := &scanner{buf: p.buf[p.r:p.w]}
	x, err := s.push(p.max)
	if err == nil {
		p.r += s.at
	}
	return x, err
}

// inside reports whether the beginning of a push was read, and its end not.
func (p *pushReader) inside() bool { return p.part || p.r < p.w }

// full reports that the push that begins in the buffer does not fit it: only long can read it.
func (p *pushReader) full() bool { return p.w-p.r == len(p.buf) }

// fill reads once, as much as fits, and returns how much came and whether that was all there was room for.
func (p *pushReader) fill() (n int, all bool, err error) {
	p.w = copy(p.buf, p.buf[p.r:p.w])
	p.r = 0
	room := len(p.buf) - p.w
	n, err = p.src.Read(p.buf[p.w:])
	p.w += n
	return n, n == room, err
}

// long reads a push that is larger than the buffer. What of it is longer than allowed is read past.
func (p *pushReader) long() (push, error) {
	p.part = true
	line, err := p.line()
	if err != nil {
		return push{}, err
	}
	n, ok := head(line, '*')
	if !ok || n < 1 || n > maxElements {
		return push{}, errProtocol
	}
	var ends [maxElements]int
	p.spare = p.spare[:0]
	cut := false
	for i := range int(n) {
		limit := maxChannel
		if i == int(n)-1 {
			limit = p.max
		}
		more, err := p.element(limit)
		if err != nil {
			return push{}, err
		}
		cut = more // of the last
		ends[i] = len(p.spare)
	}
	var e elements
	begin := 0
	for i := range int(n) {
		e.text[i] = p.spare[begin:ends[i]:ends[i]]
		begin = ends[i]
	}
	e.n = int(n)
	x, err := e.push(p.max)
	x.cut = x.cut || cut
	p.spare, p.part = nil, false // one so large is rare: its memory is the batch's now
	return x, err
}

// element appends at most limit bytes of a bulk string to spare, or the digits of an integer.
func (p *pushReader) element(limit int) (cut bool, err error) {
	line, err := p.line()
	if err != nil {
		return false, err
	}
	if len(line) > 0 && line[0] == ':' {
		p.spare = append(p.spare, line[1:]...)
		return false, nil
	}
	n, ok := head(line, '$')
	if !ok {
		return false, errProtocol
	}
	if n < 0 {
		return false, nil
	}
	left := int(n)
	keep := min(left, limit)
	for left > 0 {
		if err := p.need(1); err != nil {
			return false, err
		}
		some := min(left, p.w-p.r)
		p.spare = append(p.spare, p.buf[p.r:p.r+min(some, keep)]...)
		keep -= min(some, keep)
		p.r += some
		left -= some
	}
	if err := p.need(2); err != nil {
		return false, err
	}
	if p.buf[p.r] != '\r' || p.buf[p.r+1] != '\n' {
		return false, errProtocol
	}
	p.r += 2
	return int(n) > limit, nil
}

// need reads until there are n bytes in the buffer.
func (p *pushReader) need(n int) error {
	for p.w-p.r < n {
		if err := p.refill(); err != nil {
			return err
		}
	}
	return nil
}

// line reads a short line without its CR LF.
func (p *pushReader) line() ([]byte, error) {
	for {
		s := scanner{buf: p.buf[p.r:p.w]}
		line, err := s.line()
		if err == nil {
			p.r += s.at
			return line, nil
		}
		if err == errShort && p.full() {
			err = errProtocol
		}
		if err != errShort {
			return nil, err
		}
		if err := p.refill(); err != nil {
			return nil, err
		}
	}
}

func (p *pushReader) refill() error {
	_, _, err := p.fill()
	return err
}
