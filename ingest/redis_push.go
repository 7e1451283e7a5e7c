package ingest

import (
	"errors"
	"fmt"
	"io"
)

// A pushReader reads what Redis sends to a connection that subscribes, in RESP2: arrays of bulk strings and integers,
// and the odd simple string or error. It reads in place, so that a message costs no allocation.
type pushReader struct {
	src   io.Reader
	buf   []byte
	r, w  int    // what is in buf and not yet read
	max   int    // a payload that is longer is cut there
	spare []byte // holds a push that buf is too small for
}

const (
	pushBuffer = 256 << 10
	maxChannel = 64 << 10 // of the name of a channel or pattern; longer: cut there
)

func newPushReader(src io.Reader, max int) *pushReader {
	return &pushReader{src: src, buf: make([]byte, pushBuffer), max: max}
}

// A push is one thing that Redis sent. Its slices are valid until fill or long is called.
type push struct {
	kind    []byte // message, pmessage, subscribe, ..; OK and other simple strings
	pattern []byte // of a pmessage
	channel []byte // of all but simple strings
	payload []byte
	count   int64 // of (p)subscribe and (p)unsubscribe: how many subscriptions there are now
	cut     bool  // the payload was longer
}

var (
	errShort    = errors.New("there is more to come")
	errProtocol = errors.New("it does not speak as Redis does to a subscriber")
)

// next reads a push out of the buffer. errShort: it is not all there yet.
func (p *pushReader) next() (push, error) {
	s := &scanner{buf: p.buf[p.r:p.w]}
	x, err := s.push(p.max)
	if err == nil {
		p.r += s.at
	}
	return x, err
}

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
	p.spare = nil // one so large is rare: its memory is the batch's now
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
		if p.r == p.w {
			if err := p.refill(); err != nil {
				return false, err
			}
		}
		some := min(left, p.w-p.r)
		p.spare = append(p.spare, p.buf[p.r:p.r+min(some, keep)]...)
		keep -= min(some, keep)
		p.r += some
		left -= some
	}
	end, err := p.line()
	if err == nil && len(end) > 0 {
		err = errProtocol
	}
	return int(n) > limit, err
}

// line reads a short line without its CR LF. Only an empty one may end an element.
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

// maxElements is how many elements an array has at most: pmessage, pattern, channel, payload.
const maxElements = 4

// A scanner reads RESP2 from memory.
type scanner struct {
	buf []byte
	at  int
}

// maxLine is more than any line of a push has that is no bulk string; only errors are that long.
const maxLine = 4 << 10

// line reads up to CR LF.
func (s *scanner) line() ([]byte, error) {
	rest := s.buf[s.at:]
	for i, c := range rest {
		if c == '\n' {
			if i == 0 || rest[i-1] != '\r' {
				return nil, errProtocol
			}
			s.at += i + 1
			return rest[: i-1 : i-1], nil
		}
		if i == maxLine {
			return nil, errProtocol
		}
	}
	return nil, errShort
}

func (s *scanner) push(max int) (push, error) {
	line, err := s.line()
	if err != nil {
		return push{}, err
	}
	if len(line) == 0 {
		return push{}, errProtocol
	}
	switch line[0] {
	case '+':
		return push{kind: line[1:]}, nil
	case '-':
		return push{}, redisError(line[1:])
	case '*':
	default:
		return push{}, errProtocol
	}
	n, ok := number(line[1:])
	if !ok || n < 1 || n > maxElements {
		return push{}, errProtocol
	}
	e := elements{n: int(n)}
	for i := range e.n {
		if e.text[i], err = s.element(); err != nil {
			return push{}, err
		}
	}
	return e.push(max)
}

// element reads a bulk string, or the digits of an integer.
func (s *scanner) element() ([]byte, error) {
	line, err := s.line()
	if err != nil {
		return nil, err
	}
	if len(line) > 0 && line[0] == ':' {
		return line[1:], nil
	}
	n, ok := head(line, '$')
	if !ok {
		return nil, errProtocol
	}
	if n < 0 {
		return nil, nil
	}
	if int64(len(s.buf)-s.at) < n+2 {
		return nil, errShort
	}
	end := s.at + int(n)
	if s.buf[end] != '\r' || s.buf[end+1] != '\n' {
		return nil, errProtocol
	}
	text := s.buf[s.at:end:end]
	s.at = end + 2
	return text, nil
}

// maxBulk is Redis's own limit of a string, proto-max-bulk-len, where nobody raised it.
const maxBulk = 512 << 20

// head reads the line before an array or a bulk string.
func head(line []byte, sign byte) (n int64, ok bool) {
	if len(line) == 0 || line[0] != sign {
		return 0, false
	}
	return number(line[1:])
}

// number reads a count or length; -1 is that of nothing.
func number(digits []byte) (n int64, ok bool) {
	if string(digits) == "-1" {
		return -1, true
	}
	if len(digits) == 0 || len(digits) > 10 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, n <= maxBulk
}

// elements are those of an array.
type elements struct {
	text [maxElements][]byte
	n    int
}

// push says what an array means. Its first element does.
func (e *elements) push(max int) (x push, err error) {
	x.kind = e.text[0]
	want, ok := 3, true
	switch string(x.kind) {
	case "message":
		x.channel, x.payload = e.text[1], e.text[2]
	case "pmessage":
		want = 4
		x.pattern, x.channel, x.payload = e.text[1], e.text[2], e.text[3]
	case "subscribe", "psubscribe", "unsubscribe", "punsubscribe":
		x.channel = e.text[1]
		x.count, ok = number(e.text[2])
	case "pong":
		want = 2
	default:
		return push{}, fmt.Errorf("%w: %.20q", errProtocol, x.kind)
	}
	if e.n != want || !ok {
		return push{}, errProtocol
	}
	if len(x.payload) > max {
		x.payload, x.cut = x.payload[:max], true
	}
	x.channel = x.channel[:min(len(x.channel), maxChannel)]
	return x, nil
}
