package syslog

import (
	"errors"
	"strings"

	"github.com/tidwall/gjson"
)

// recordRow is the row of record.NAME. Its value is a string's text, the JSON of anything else, or nothing. A name with dots is
// a path into nested objects.
func recordRow(name string) (row, error) {
	if name == "" {
		return row{}, errors.New("record needs a name: record.NAME")
	}
	path := recordPath(name)
	return row{append: func(dst []byte, m *Message) []byte {
		if len(m.Record) == 0 {
			return dst
		}
		v := gjson.GetBytes(m.Record, path)
		switch v.Type {
		case gjson.Null:
			return dst
		case gjson.String:
			return append(dst, v.Str...)
		}
		return append(dst, v.Raw...)
	}}, nil
}

// recordPath is a dotted name as a gjson path in which nothing but the dots means anything.
func recordPath(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = gjson.Escape(p)
	}
	return strings.Join(parts, ".")
}
