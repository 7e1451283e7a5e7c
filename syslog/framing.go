package syslog

import "bytes"

// A Framing says how messages are told apart in a stream.
type Framing uint8

// The framings.
const (
	AutoFraming   Framing = iota // decides frame by frame between the three that follow
	OctetCounted                 // RFC 6587, section 3.4.1: 30 <13>..
	NewlineFramed                // RFC 6587, section 3.4.2
	NULFramed                    // Python's SysLogHandler, gunicorn, glibc
	Unframed                     // no delimiter at all (winston-syslog, log4j2): cut before each header
)

var framings = []string{"auto", "octet_counted", "newline", "nul", "none"}

func (f Framing) String() string { return framings[f] }

// UnmarshalText reads one of the five words.
func (f *Framing) UnmarshalText(text []byte) error {
	return UnmarshalWord(f, "framing", text, framings)
}

// maxCount is the largest octet count that is believed, and maxCountDigits how many digits it may have.
const (
	maxCount       = 1 << 20
	maxCountDigits = 7
)

// A Framer cuts one stream into frames. Its decisions depend on the bytes alone, never on where a read happened to end,
// but for Quiet.
type Framer struct {
	Framing Framing
	Max     int // bytes of a message; the rest of a longer one is discarded

	shownNUL bool // auto: a frame of this stream ended in a NUL
	skip     int  // bytes of a cut counted frame that are still to come
	cut      bool // inside a cut frame: everything up to its delimiter goes
	noNUL    int  // so many bytes at the start of the buffer hold no NUL
	undecided
}

// An undecided is what the last call of Next stopped at.
type undecided bool

// Quiet reports whether the frame at the end of the buffer may be complete already, so that silence decides: call Next
// with More set to Silence when nothing has come for 100 ms.
func (u undecided) Quiet() bool { return bool(u) }

// More says what Next may expect behind the buffer.
type More uint8

// What may follow.
const (
	MayFollow More = iota // anything
	Silence               // nothing came for a while
	EOF                   // nothing will ever come
)

// Room is how large a buffer must be so that Next always gets on.
func (f *Framer) Room() int { return f.Max + lookahead + maxCountDigits + 2 }

// Next finds the first frame in buf. It returns the frame, without delimiter or count, and how many bytes of buf are
// done with. The frame is nil when there is none yet: keep buf[n:] and call again with more behind it. An empty frame is
// skipped. frame points into buf. guess is Truncated or Incomplete where that happened.
func (f *Framer) Next(buf []byte, more More) (frame []byte, n int, guess Guess) {
	f.undecided = false
	for n < len(buf) {
		if f.skip > 0 {
			k := min(f.skip, len(buf)-n)
			f.skip -= k
			n += k
			f.noNUL = 0
			continue
		}
		frame, k, guess := f.next(buf[n:], more)
		n += k
		f.noNUL = max(f.noNUL-k, 0)
		if len(frame) > 0 {
			return frame, n, guess
		}
		if k == 0 {
			break
		}
	}
	return nil, n, 0
}

// next is one step: it may also consume bytes without finding a frame, or return n of 0 for want of more.
func (f *Framer) next(buf []byte, more More) (frame []byte, n int, guess Guess) {
	if !f.cut && (f.Framing == AutoFraming || f.Framing == OctetCounted) {
		count, digits, state := octetCount(buf)
		switch {
		case state == isCount:
			return f.counted(buf, digits+1, count, more)
		case state == mayBeCount && more != EOF:
			return nil, 0, 0
		}
	}
	end, width := f.delimiter(buf, more)
	switch {
	case end >= 0:
		n = end + width
		if width == 1 && buf[end] == 0 {
			f.shownNUL = true
		} else if end > 0 && width == 1 && buf[end-1] == '\r' {
			end--
		}
	case more == EOF:
		end, n = len(buf), len(buf)
	case f.cut: // no delimiter yet: all of it goes, but for what may be half of one
		return nil, max(len(buf)-lookahead, 0), 0
	case len(buf) > f.Max+lookahead:
		f.cut = true
		return buf[:f.Max], f.Max, Truncated
	default:
		return nil, 0, 0
	}
	switch {
	case f.cut:
		f.cut = false
		return nil, n, 0
	case end > f.Max:
		return buf[:f.Max], n, Truncated
	}
	return buf[:end], n, 0
}

// counted returns the frame of so many bytes behind the count, as soon as it is there.
func (f *Framer) counted(buf []byte, start, count int, more More) ([]byte, int, Guess) {
	keep, have := min(count, f.Max), len(buf)-start
	if have < keep {
		if more == EOF {
			return buf[start:], len(buf), Incomplete
		}
		return nil, 0, 0
	}
	guess := Guess(0)
	if count > keep {
		guess = Truncated
		f.skip = count - keep
	}
	return buf[start : start+keep], start + keep, guess
}

// delimiter finds the end of the frame that buf begins with, and how wide the delimiter there is. The end is -1 while it
// is not in sight.
func (f *Framer) delimiter(buf []byte, more More) (end, width int) {
	switch f.Framing {
	case NULFramed:
		return bytes.IndexByte(buf, 0), 1
	case NewlineFramed, OctetCounted:
		return bytes.IndexByte(buf, '\n'), 1
	case Unframed:
		return f.beforeHeader(buf, more), 0
	}
	if f.shownNUL {
		return f.delimiterOrNUL(buf, more)
	}
	nl := bytes.IndexByte(buf, '\n')
	if line := len(head(buf, nl)); f.noNUL < line {
		if nul := f.findNUL(buf); nul >= 0 && nul < line {
			return nul, 1
		}
	}
	return nl, 1
}

// findNUL is where the first NUL in buf is, or -1. What has none is searched once, however many frames it holds.
func (f *Framer) findNUL(buf []byte) int {
	nul := bytes.IndexByte(buf[f.noNUL:], 0)
	if nul >= 0 {
		nul += f.noNUL
	}
	f.noNUL = len(head(buf, nul))
	return nul
}

// delimiterOrNUL is delimiter for a stream that ends frames with NULs. There a newline is most likely inside a traceback;
// it ends a frame only where another begins behind it.
func (f *Framer) delimiterOrNUL(buf []byte, more More) (end, width int) {
	// The NUL first, so that a buffer of many short frames is not searched for newlines to its end; and once, lest a
	// stream that goes on with newlines has all of it searched for each of them.
	nul := f.findNUL(buf)
	inside := head(buf, nul)
	for at := bytes.IndexByte(inside, '\n'); at >= 0; {
		switch frameStart(buf[at+1:]) {
		case isStart:
			return at, 1
		case mayBeStart:
			if more != MayFollow {
				return at, 1
			}
			f.undecided = true
			return -1, 0
		}
		next := bytes.IndexByte(inside[at+1:], '\n')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return nul, 1
}

// head is buf up to end, or all of it if end is negative.
func head(buf []byte, end int) []byte {
	if end < 0 {
		return buf
	}
	return buf[:end]
}

// beforeHeader finds where the next message begins in a stream without delimiters.
func (f *Framer) beforeHeader(buf []byte, more More) int {
	for at := 1; at < len(buf); at++ {
		i := bytes.IndexByte(buf[at:], '<')
		if i < 0 {
			break
		}
		at += i
		switch headerStart(buf[at:]) {
		case isStart:
			return at
		case mayBeStart:
			if more == MayFollow {
				f.undecided = true
				return -1
			}
		}
	}
	f.undecided = true
	if more != MayFollow {
		return len(buf)
	}
	return -1
}
