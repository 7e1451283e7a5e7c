package main

import (
	"bytes"
	"strconv"
)

// A sendFraming says how messages are told apart.
type sendFraming uint8

const (
	sendWhole   sendFraming = iota // a datagram each
	sendNewline                    // RFC 6587, section 3.4.2
	sendCounted                    // RFC 6587, section 3.4.1
)

func streamFraming(counted bool) sendFraming {
	if counted {
		return sendCounted
	}
	return sendNewline
}

// A sendBatch is messages that are ready to be written: their frames, one behind the other.
type sendBatch struct {
	frames []byte
	ends   []int // of each frame
}

// from is the batch without its first n messages.
func (b *sendBatch) from(n int) sendBatch {
	begin, rest := 0, sendBatch{}
	if n > 0 {
		begin = b.ends[n-1]
	}
	rest.frames = b.frames[begin:]
	for _, end := range b.ends[n:] {
		rest.ends = append(rest.ends, end-begin)
	}
	return rest
}

func (b *sendBatch) reset() { b.frames, b.ends = b.frames[:0], b.ends[:0] }

// add appends one message and returns it as it is sent, without its framing; the slice lives until the next add. Where a
// newline ends messages, one inside is written #012, and a NUL, which would end it too, #000.
func (b *sendBatch) add(f sendFraming, header, text []byte) []byte {
	if f == sendCounted {
		b.frames = strconv.AppendInt(b.frames, int64(len(header)+len(text)), 10)
		b.frames = append(b.frames, ' ')
	}
	begin := len(b.frames)
	b.frames = append(b.frames, header...)
	if f == sendNewline {
		b.frames = appendOneLine(b.frames, text)
	} else {
		b.frames = append(b.frames, text...)
	}
	end := len(b.frames)
	if f == sendNewline {
		b.frames = append(b.frames, '\n')
	}
	b.ends = append(b.ends, len(b.frames))
	return b.frames[begin:end]
}

// escape is text as add writes it.
func (f sendFraming) escape(text string) string {
	if f != sendNewline {
		return text
	}
	return string(appendOneLine(nil, []byte(text)))
}

func appendOneLine(dst, s []byte) []byte {
	if bytes.IndexByte(s, '\n') < 0 && bytes.IndexByte(s, 0) < 0 {
		return append(dst, s...)
	}
	for _, c := range s {
		switch c {
		case '\n':
			dst = append(dst, "#012"...)
		case 0:
			dst = append(dst, "#000"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
