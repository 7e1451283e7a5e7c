// Package ingest reads log messages that come without syslog framing, over queues and sockets of their own, and makes
// syslog messages of them.
package ingest

import (
	"sluice/syslog"
)

// A Decoding says how payloads are read.
type Decoding uint8

// The decodings.
const (
	Auto   Decoding = iota // Syslog where a payload begins with a PRI, JSON where it begins with {, else Text
	Text                   // all of it is the message
	JSON                   // an object; what is none is Text
	Syslog                 // as from a socket
)

var decodings = []string{"auto", "text", "json", "syslog"}

func (d Decoding) String() string { return decodings[d] }

// UnmarshalText reads one of the four words, in any case.
func (d *Decoding) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(d, "decode", text, decodings)
}

// A Decoder makes messages of payloads. It belongs to one reader, as its parser does.
type Decoder struct {
	mode   Decoding
	parser *syslog.Parser
	json   reader
	object object // the JSON object in hand
	arena  []byte // what messages hold that does not stand in their payload
}

// keepArena is how much memory a decoder keeps for the next batch: that of 128 long tracebacks. What one batch of huge
// records needed beyond it is given back.
const keepArena = 1 << 20

// NewDecoder returns a decoder that takes defaults, zones and the time of reception from p, which its owner goes on
// using: SetNow is still the owner's to call.
func NewDecoder(mode Decoding, p *syslog.Parser) *Decoder { return &Decoder{mode: mode, parser: p} }

// Decode fills m from one payload that came over channel: a Redis channel, list or stream, a ZMQ topic, or nothing. No
// payload is refused: what cannot be read as it should is a text. m refers to payload, channel, o and memory of d until
// Reset. It returns false if there is no message: payload holds nothing but a newline and NULs, or p is strict and
// rejects it.
func (d *Decoder) Decode(m *syslog.Message, payload, channel []byte, o *syslog.Origin) bool {
	mode := d.mode
	if mode == Auto {
		mode = guess(payload)
	}
	if mode == Syslog {
		if !d.parser.Parse(m, payload, o) {
			return false
		}
		m.Channel = channel
		if m.Guess&syslog.NoPRI != 0 {
			d.severityFromTopic(m)
		}
		if m.Guess&syslog.NoTimestamp != 0 && len(m.AppName) == 0 && len(m.Tag) == 0 {
			d.tagFromChannel(m)
		}
		return true
	}
	if !d.parser.Begin(m, payload, o) {
		return false
	}
	m.Channel = channel
	d.severityFromTopic(m)
	if mode == Text || !d.decodeObject(m) {
		m.Guess |= syslog.NoPRI
		m.Msg = m.Raw
		d.tagFromChannel(m)
	}
	d.parser.Finish(m)
	return true
}

// Reset says that the messages decoded so far are done with.
func (d *Decoder) Reset() {
	if cap(d.arena) > keepArena {
		d.arena = nil
	}
	d.arena = d.arena[:0]
}

// made is what was appended to the arena since it was n long, in a slice that cannot grow over what follows it.
func (d *Decoder) made(n int) []byte { return d.arena[n:len(d.arena):len(d.arena)] }

func guess(payload []byte) Decoding {
	if syslog.BeginsWithPRI(payload) {
		return Syslog
	}
	for _, c := range payload {
		if c == '{' {
			return JSON
		}
		if !blank[c] {
			break
		}
	}
	return Text
}
