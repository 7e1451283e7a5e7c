package ingest

import (
	"bytes"
	"strconv"
	"time"

	"sluice/syslog"
)

// A kernelRecord is one record as /dev/kmsg writes it (Documentation/ABI/testing/dev-kmsg):
//
//	6,339,5140900,-;NET: Registered PF_INET6 protocol family
//	 SUBSYSTEM=pci
//	 DEVICE=+pci:0000:00:01.0
//
// Before the semicolon stand facility and severity in one number, the sequence number, the microseconds since the
// machine started, flags, and perhaps more in later kernels. Bytes that do not print are written as \x0a.
type kernelRecord struct {
	priority   uint64
	sequence   uint64
	sinceBoot  time.Duration
	flags      []byte
	caller     []byte // T17 or C1: task or CPU, where the kernel says it
	text       []byte // escaped
	dictionary []byte // the lines behind it
}

// parseKernelRecord reads a record with or without its last newline.
func parseKernelRecord(s []byte) (r kernelRecord, ok bool) {
	prefix, rest, ok := bytes.Cut(s, []byte(";"))
	if !ok || bytes.IndexByte(prefix, '\n') >= 0 {
		return r, false
	}
	var numbers [3]uint64
	for i := range numbers {
		var word []byte
		word, prefix, ok = bytes.Cut(prefix, []byte(","))
		n, err := strconv.ParseUint(string(word), 10, 63)
		if err != nil || !ok && i < 2 {
			return r, false
		}
		numbers[i] = n
	}
	r.priority, r.sequence = numbers[0], numbers[1]
	if r.priority > maxKernelPriority || numbers[2] > maxSinceBoot {
		return r, false
	}
	r.sinceBoot = time.Duration(numbers[2]) * time.Microsecond
	for i := 0; len(prefix) > 0; i++ {
		var word []byte
		word, prefix, _ = bytes.Cut(prefix, []byte(","))
		if i == 0 {
			r.flags = word
		} else if caller, ok := bytes.CutPrefix(word, []byte("caller=")); ok {
			r.caller = caller
		}
	}
	r.text, r.dictionary, _ = bytes.Cut(rest, []byte("\n"))
	return r, true
}

const (
	maxKernelPriority = 1<<11 - 1 // eight bits of facility; those that have no name are taken for user
	maxSinceBoot      = 1 << 53   // 285 years in microseconds
	longestKernel     = 64 << 10  // of a record; the kernel's own limit is 8 KiB
	namedFacilities   = 24 << 3   // the first priority beyond them
)

// kernelMessage makes a message of a record, read at now when the machine had been up since boot. What the kernel says
// itself has its facility and the tag kernel:, as from imklog; what a program wrote into the device (systemd does before
// there is a journal) has its own facility, and the tag it begins with. Sequence number, flags and the dictionary are in
// record.*. m refers to o and to memory of d until Reset.
func (d *Decoder) kernelMessage(m *syslog.Message, raw []byte, r *kernelRecord, boot time.Time, o *syslog.Origin) bool {
	n := len(d.arena)
	d.arena = append(d.arena, raw...)
	raw = d.made(n)
	n = len(d.arena)
	kern := r.priority < 8
	if !kern {
		priority := r.priority
		if priority >= namedFacilities {
			priority = uint64(syslog.User)<<3 | priority&7
		}
		d.arena = append(strconv.AppendUint(append(d.arena, '<'), priority, 10), '>')
	}
	d.arena = appendKernelText(d.arena, r.text)
	text := d.made(n)
	if kern {
		if !d.parser.Begin(m, raw, o) {
			return false
		}
		m.Facility, m.Severity = syslog.Kern, syslog.Severity(r.priority)
		m.Tag, m.AppName, m.Msg = kernelTag, kernelTag[:len(kernelTag)-1], text
	} else if d.parser.Parse(m, text, o) {
		m.Raw = bytes.TrimRight(raw, "\n")
	} else {
		return false
	}
	if at := boot.Add(r.sinceBoot); at.Before(m.Received.Time()) { // the clocks may not quite agree
		m.Timestamp = d.parser.StampAt(at, 6)
	} else {
		m.Timestamp = m.Received
	}
	if kern {
		d.parser.Finish(m)
	}
	m.Guess &^= syslog.NoTimestamp | syslog.NoHostname
	m.Record = d.kernelFields(r)
	return true
}

var kernelTag = []byte("kernel:")

// kernelFields is what a record says besides its text, as a JSON object.
func (d *Decoder) kernelFields(r *kernelRecord) []byte {
	n := len(d.arena)
	b := strconv.AppendUint(append(d.arena, `{"sequence":`...), r.sequence, 10)
	b = strconv.AppendInt(append(b, `,"since_boot":`...), r.sinceBoot.Microseconds(), 10)
	b = append(appendInside(append(b, `,"flags":"`...), r.flags), '"')
	if len(r.caller) > 0 {
		b = append(appendInside(append(b, `,"caller":"`...), r.caller), '"')
	}
	for rest := r.dictionary; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		name, value, ok := bytes.Cut(bytes.TrimPrefix(line, []byte(" ")), []byte("="))
		if !ok || len(name) == 0 {
			continue
		}
		b = appendInside(append(b, `,"`...), name)
		b = appendKernelInside(append(b, `":"`...), value)
		b = append(b, '"')
	}
	d.arena = append(b, '}')
	return d.made(n)
}

// appendKernelText appends s with \x0a as what it stands for.
func appendKernelText(dst, s []byte) []byte {
	for len(s) > 0 {
		n := bytes.IndexByte(s, '\\')
		if n < 0 {
			return append(dst, s...)
		}
		dst, s = append(dst, s[:n]...), s[n:]
		c, n := nextKernel(s)
		dst, s = append(dst, c), s[n:]
	}
	return dst
}

// appendKernelInside does so inside a JSON string.
func appendKernelInside(dst, s []byte) []byte {
	for len(s) > 0 {
		c, n := nextKernel(s)
		dst, s = appendEscaped(dst, c), s[n:]
	}
	return dst
}

// nextKernel reads the byte that s begins with.
func nextKernel(s []byte) (c byte, n int) {
	if len(s) >= 4 && s[0] == '\\' && s[1] == 'x' {
		if n, err := strconv.ParseUint(string(s[2:4]), 16, 8); err == nil {
			return byte(n), 4
		}
	}
	return s[0], 1
}
