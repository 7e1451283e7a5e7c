package ingest

import (
	"errors"
	"fmt"
)

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
