package syslog

import (
	"bytes"
	"sync"

	gosyslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

// An sdParam names a parameter of the structured data.
type sdParam struct{ id, name string }

var sdMachines = sync.Pool{New: func() any { return rfc5424.NewMachine() }}

// appendRegularEscapes appends structured data with a second backslash for each in a value that escapes nothing, as in
// C:\temp: RFC 5424, section 6.3.3, calls it a regular character, go-syslog an error. In a name it is one to both.
func appendRegularEscapes(dst, sd []byte) []byte {
	quoted := false
	for i := 0; i < len(sd); i++ {
		dst = append(dst, sd[i])
		if sd[i] == '"' {
			quoted = !quoted
		}
		if !quoted || sd[i] != '\\' {
			continue
		}
		if i+1 < len(sd) && bytes.IndexByte([]byte(`"\]`), sd[i+1]) >= 0 {
			i++
			dst = append(dst, sd[i])
		} else {
			dst = append(dst, '\\')
		}
	}
	return dst
}

// appendSDField appends the decoded value of sd.ID.PARAM, or nothing. go-syslog decodes; it is slow and allocates, so it is
// asked only for messages that hold the ID's text.
func appendSDField(dst []byte, m *Message, f Field) []byte {
	if !bytes.Contains(m.StructuredData, []byte(f.sd.id)) {
		return dst
	}
	machine := sdMachines.Get().(gosyslog.Machine)
	defer sdMachines.Put(machine)
	parsed, err := machine.Parse(appendRegularEscapes([]byte("<13>1 - - - - - "), m.StructuredData))
	if err != nil {
		return dst
	}
	if p, ok := parsed.(*rfc5424.SyslogMessage); ok && p.StructuredData != nil {
		return append(dst, (*p.StructuredData)[f.sd.id][f.sd.name]...)
	}
	return dst
}
