package ingest

import (
	"bytes"

	"sluice/syslog"
)

// Cee reads the text of m as a JSON object, with or without rsyslog's cookie @cee: before it. If it is one, m.Record is
// that object, and severity and timestamp are those that it holds, if any; nothing else changes. m then refers to
// memory of d until Reset.
func (d *Decoder) Cee(m *syslog.Message) bool {
	text := bytes.TrimLeft(m.Text(), blanks)
	text = bytes.TrimPrefix(text, cookie)
	record, ok := d.readObject(text)
	if !ok {
		return false
	}
	m.Record = record
	shape := d.object.shape()
	d.level(m, shape)
	d.moment(m, shape)
	return true
}

// A CeeDecoder decodes the texts of syslog messages that are JSON objects, as Cee does.
type CeeDecoder struct{ decoder *Decoder }

// NewCeeDecoder returns one for a reader with that parser.
func NewCeeDecoder(p *syslog.Parser) *CeeDecoder { return &CeeDecoder{NewDecoder(JSON, p)} }

// Decode fills the record of m if its text is an object.
func (c *CeeDecoder) Decode(m *syslog.Message) { c.decoder.Cee(m) }

// Reset says that the messages decoded so far are done with.
func (c *CeeDecoder) Reset() { c.decoder.Reset() }

const blanks = " \t\r\n"

var cookie = []byte("@cee:")
