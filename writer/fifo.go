package writer

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"
)

// rewind is for a FIFO whose reader went away in the middle of the text in hand. What the reader left in the pipe is thrown
// away, and done goes back to the beginning of the message that it has not read to its end, so that the next reader gets
// that whole. If there is more in the pipe than is of this text, it is all left there, for the next reader to go on where
// the other stopped: better a torn message than lost ones.
func (f *file) rewind(text []byte, ends []uint32) {
	unread := 0
	raw, err := f.f.SyscallConn()
	if err == nil { // not Fd, which would have writes block
		err = raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil || unread > f.done {
		return
	}
	f.close() // both ends are: the pipe is empty
	f.done = messageStart(text, ends, f.done-unread)
}

// messageStart is where the message begins that byte number at is in.
func messageStart(text []byte, ends []uint32, at int) int {
	if ends == nil {
		return bytes.LastIndexByte(text[:at], '\n') + 1
	}
	n, _ := slices.BinarySearch(ends, uint32(at)) // ends[n] is a message's newline
	if n == 0 {
		return 0
	}
	return int(ends[n-1]) + 1
}
