package syslog

import (
	"bytes"
	"errors"
	"strings"
	"sync"

	gosyslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

// sdRow is the row of sd.ID.PARAM. An SD-ID may hold dots, a PARAM-NAME seldom does.
func sdRow(name string) (row, error) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || dot == len(name)-1 {
		return row{}, errors.New("sd needs an id and a parameter: sd.ID.PARAM")
	}
	id, param := name[:dot], name[dot+1:]
	return row{append: func(dst []byte, m *Message) []byte { return appendSDParam(dst, m.StructuredData, id, param) }}, nil
}

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

// appendSDParam appends the decoded value of a parameter, or nothing. go-syslog decodes; it is slow and allocates, so it is asked
// only where the text of the ID is.
func appendSDParam(dst, data []byte, id, param string) []byte {
	if !bytes.Contains(data, []byte(id)) {
		return dst
	}
	machine := sdMachines.Get().(gosyslog.Machine)
	defer sdMachines.Put(machine)
	parsed, err := machine.Parse(appendRegularEscapes([]byte("<13>1 - - - - - "), data))
	if err != nil {
		return dst
	}
	if p, ok := parsed.(*rfc5424.SyslogMessage); ok && p.StructuredData != nil {
		return append(dst, (*p.StructuredData)[id][param]...)
	}
	return dst
}
