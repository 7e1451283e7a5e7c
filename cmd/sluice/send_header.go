package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/syslog"
)

// A sendHeader is what stands before the text of each message. Its length does not depend on the time.
type sendHeader struct {
	before, after string // what surrounds the stamp
	rfc5424       bool
}

// header makes the header of RFC 3164, without HOSTNAME for a local socket, as glibc and logger write it, or RFC 5424's.
func (o *sendOptions) header(host sendHost, local bool) (sendHeader, error) {
	pri, err := priorityOf(o.priority)
	if err != nil {
		return sendHeader{}, err
	}
	tag := o.tag
	if !o.changed("tag") {
		tag = host.user()
	}
	id := o.id
	if id == ownPID {
		id = strconv.Itoa(host.pid)
	}
	name, err := host.hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	for _, field := range []struct {
		flag, value string
		most        int
	}{{"--tag", tag, 48}, {"--id", id, 128}, {"--msgid", o.msgid, 32}} {
		if err := checkHeaderField(field.value, field.most, o.rfc5424); err != nil {
			return sendHeader{}, fmt.Errorf("%s %q: %w", field.flag, field.value, err)
		}
	}
	h := sendHeader{before: "<" + strconv.Itoa(pri) + ">", rfc5424: o.rfc5424}
	if o.rfc5424 {
		h.before += "1 "
		h.after = " " + strings.Join([]string{name, orDash(tag), orDash(id), orDash(o.msgid), "-", ""}, " ")
		return h, nil
	}
	if o.msgid != "" {
		return h, fmt.Errorf("--msgid: only --rfc5424 has room for it")
	}
	h.after = " "
	if !local {
		short, _, _ := strings.Cut(name, ".") // RFC 3164, section 4.1.2: no domain name
		h.after += short + " "
	}
	if id != "" {
		tag += "[" + id + "]"
	}
	if tag != "" {
		h.after += tag + ": "
	}
	return h, nil
}

// checkHeaderField refuses what would end a field, or the message, early. RFC 5424, section 6, allows printable ASCII
// only; RFC 3164 receivers are used to anything else.
func checkHeaderField(s string, most int, rfc5424 bool) error {
	if rfc5424 && len(s) > most {
		return fmt.Errorf("RFC 5424 allows %d bytes", most)
	}
	for _, c := range []byte(s) {
		switch {
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("holds a control character")
		case rfc5424 && (c == ' ' || c > 0x7f):
			return fmt.Errorf("RFC 5424 allows printable ASCII without spaces")
		}
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (h sendHeader) append(dst []byte, now time.Time) []byte {
	return append(h.appendStamp(append(dst, h.before...), now), h.after...)
}

func (h sendHeader) appendStamp(dst []byte, now time.Time) []byte {
	if h.rfc5424 {
		return syslog.StampOf(now, 6).AppendRFC3339(dst)
	}
	return syslog.StampOf(now, 0).AppendRFC3164(dst)
}
