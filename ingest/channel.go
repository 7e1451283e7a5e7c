package ingest

import (
	"bytes"

	"sluice/syslog"
)

// tagFromChannel gives a message without a header the channel as its program: all of it is the APP-NAME, a colon behind
// it makes the tag. Redis allows blanks in a channel, and a tag must not hold any: the next syslog receiver would take
// what follows the first for the message.
func (d *Decoder) tagFromChannel(m *syslog.Message) {
	if len(m.Channel) == 0 {
		return
	}
	m.AppName = m.Channel
	m.Tag = d.tag(m.Channel, nil)
}

// tag makes name: or name[procid]: in the arena.
func (d *Decoder) tag(name, procid []byte) []byte {
	n := len(d.arena)
	d.arena = append(d.arena, name...)
	if len(procid) > 0 {
		d.arena = append(append(append(d.arena, '['), procid...), ']')
	}
	d.arena = append(d.arena, ':')
	tag := d.made(n)
	for i, c := range tag {
		if c <= ' ' {
			tag[i] = '_'
		}
	}
	return tag
}

// severityFromTopic reads the level that pyzmq's PUBHandler puts into its topics: root, level and subtopic with dots
// between, of which root and subtopic may be missing. A level is in upper case; an application called info is none.
func (d *Decoder) severityFromTopic(m *syslog.Message) {
	if m.Origin.Transport != syslog.ZMQ {
		return
	}
	for rest, more := m.Channel, true; more; {
		var word []byte
		word, rest, more = bytes.Cut(rest, dot)
		switch string(word) {
		case "DEBUG":
			m.Severity = syslog.Debug
		case "INFO":
			m.Severity = syslog.Info
		case "WARNING", "WARN":
			m.Severity = syslog.Warning
		case "ERROR":
			m.Severity = syslog.Err
		case "CRITICAL", "FATAL":
			m.Severity = crit
		default:
			continue
		}
		return
	}
}

var dot = []byte(".")
