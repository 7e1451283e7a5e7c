package ingest

import (
	"encoding/binary"
	"fmt"
)

// The flags of a frame, RFC 23/ZMTP. The other bits are reserved and zero.
const (
	zmqMore    = 1 << iota // another frame of the message follows
	zmqLong                // the length has eight bytes, not one
	zmqCommand             // not part of a message
)

const (
	// zmqParts is how many frames of a message, and commands between them, are kept. Nobody's messages have so many.
	zmqParts = 64
	// zmqEnvelope is how much a topic and identities may have beside max_message_size.
	zmqEnvelope = 4 << 10
	// zmqLongestCommand is far more than any: a PING has at most 23 bytes, metadata a few hundred.
	zmqLongestCommand = 4 << 10
	// zmqLongestFrame is what is still believed to be a frame, which is cut and skipped. A length beyond it is no frame's
	// but garbage, and skipping would have no end.
	zmqLongestFrame = 1 << 30
)

// A zmqReader cuts a ZMTP stream into messages and commands. It never needs to see more than room bytes at once: of a
// message that is longer it returns the beginning, at most max bytes and a topic, and skips the rest unseen.
type zmqReader struct {
	max  int
	left uint64 // of a frame that is skipped
	rest bool   // further frames of a message that was cut are to be skipped

	// What next has found. It points into the bytes that next was given.
	parts    [][]byte // the frames of a message; none: no message yet
	commands [][]byte // commands before and between them
	cut      bool     // the message is longer than parts
}

// room is how many bytes next may need to see to come on.
func (r *zmqReader) room() int { return r.max + zmqEnvelope + 2*zmqLongestCommand + 9*(zmqParts+2) }

// midway reports whether the stream is inside a message, so far as the reader was shown it.
func (r *zmqReader) midway() bool { return r.left > 0 || r.rest }

// next reads the front of b and returns how much of it is done with: parts, commands, both or, while a cut message is
// skipped, neither. 0 is for a b that ends before the message does. An error means that the stream is not one of ZMTP,
// or not any more.
func (r *zmqReader) next(b []byte) (n int, err error) {
	r.parts, r.commands, r.cut = r.parts[:0], r.commands[:0], false
	if r.midway() {
		return r.skip(b)
	}
	kept := 0
	for len(r.commands) < zmqParts {
		f, err := zmqFrameAt(b[n:])
		if err != nil || f.head == 0 {
			return 0, err
		}
		body := b[n+f.head:]
		if f.flags&zmqCommand != 0 {
			if uint64(len(body)) < f.size {
				return 0, nil
			}
			r.commands = append(r.commands, body[:f.size])
			n, kept = n+f.head+int(f.size), kept+int(f.size)
			if len(r.parts) == 0 {
				return n, nil
			}
			continue
		}
		keep := min(f.size, uint64(r.max), uint64(max(r.max+zmqEnvelope-kept, 0)))
		if uint64(len(body)) < keep {
			return 0, nil
		}
		r.parts = append(r.parts, body[:keep:keep])
		n, kept = n+f.head+int(keep), kept+int(keep)
		last := f.flags&zmqMore == 0
		if keep < f.size || len(r.parts) == zmqParts && !last {
			r.cut, r.left, r.rest = true, f.size-keep, !last
			return n, nil
		}
		if last {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%d commands between the frames of one message", zmqParts)
}

// skip passes over what is left of a message that was cut.
func (r *zmqReader) skip(b []byte) (n int, err error) {
	for len(r.commands) < zmqParts {
		k := int(min(r.left, uint64(len(b)-n)))
		n, r.left = n+k, r.left-uint64(k)
		if r.left > 0 || !r.rest {
			break
		}
		f, err := zmqFrameAt(b[n:])
		if err != nil && n == 0 {
			return 0, err
		}
		if err != nil || f.head == 0 { // what came before the error comes first
			break
		}
		if f.flags&zmqCommand == 0 {
			n, r.left, r.rest = n+f.head, f.size, f.flags&zmqMore != 0
			continue
		}
		end := n + f.head + int(f.size)
		if len(b) < end {
			break
		}
		r.commands = append(r.commands, b[n+f.head:end])
		n = end
	}
	return n, nil
}

// A zmqFrame is the head of one.
type zmqFrame struct {
	flags byte
	head  int // bytes before the body
	size  uint64
}

// zmqFrameAt reads the head of the frame that b begins with. A head of 0 bytes means that b ends inside it. What the
// library would make a slice of, whatever its length says, is an error here.
func zmqFrameAt(b []byte) (f zmqFrame, err error) {
	if len(b) == 0 {
		return f, nil
	}
	f.flags = b[0]
	if f.flags&^(zmqMore|zmqLong|zmqCommand) != 0 || f.flags&(zmqMore|zmqCommand) == zmqMore|zmqCommand {
		return f, fmt.Errorf("a frame begins with %#02x, which no frame does", f.flags)
	}
	switch {
	case f.flags&zmqLong == 0 && len(b) >= 2:
		f.head, f.size = 2, uint64(b[1])
	case f.flags&zmqLong != 0 && len(b) >= 9:
		f.head, f.size = 9, binary.BigEndian.Uint64(b[1:])
	}
	if f.size > zmqLongestFrame {
		return f, fmt.Errorf("a frame of %d bytes", f.size)
	}
	if f.flags&zmqCommand != 0 && f.size > zmqLongestCommand {
		return f, fmt.Errorf("a command of %d bytes", f.size)
	}
	return f, nil
}

// appendZMQFrame appends a frame with that body.
func appendZMQFrame(dst []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		dst = binary.BigEndian.AppendUint64(append(dst, flags|zmqLong), uint64(len(body)))
	} else {
		dst = append(dst, flags, byte(len(body)))
	}
	return append(dst, body...)
}
