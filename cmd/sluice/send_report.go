package main

import (
	"bytes"
	"fmt"
	"time"
)

// A sendTally is what was sent. Bytes are those of the messages, without framing.
type sendTally struct {
	messages, bytes int64
	refused         int64  // datagrams that came back
	unsent          int64  // messages too long for the transport
	only            string // the text of a message sent alone
}

func (t *sendTally) add(o sendTally) {
	t.messages += o.messages
	t.bytes += o.bytes
	t.refused += o.refused
	t.unsent += o.unsent
}

// report prints the one line that says what was sent and how fast.
func (j *sendJob) report(t sendTally, took time.Duration, connections int) {
	switch {
	case j.quiet:
		return
	case t.only != "":
		fmt.Fprintf(j.out, "sent %s to %s\n", t.only, j.to)
		return
	case j.text != "" && j.count == 0: // the error says why
		return
	}
	of := ""
	if t.messages < j.count {
		of = fmt.Sprintf(" of %d", j.count)
	}
	rate := float64(t.messages) / max(took, time.Microsecond).Seconds()
	fmt.Fprintf(j.out, "sent %d%s %s, %s in %.3f s (%.0f messages/s) over %d %s %s\n",
		t.messages, of, pluralOf("message", t.messages), decimalSize(t.bytes), took.Seconds(), rate,
		connections, j.to.network, pluralOf("connection", int64(connections)))
}

func pluralOf(word string, n int64) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// decimalSize is how networks count: 200.0 MB are 200,000,000 bytes.
func decimalSize(n int64) string {
	const units = "kMGTP"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for f >= 999.95 && i+1 < len(units) {
		f /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %cB", f, units[i])
}

// printable is message for a terminal: control characters as #033, which is how a receiver's files show them.
func printable(message []byte) string {
	var dst bytes.Buffer
	for _, c := range message {
		if c < ' ' || c == 0x7f {
			fmt.Fprintf(&dst, "#%03o", c)
		} else {
			dst.WriteByte(c)
		}
	}
	return dst.String()
}
