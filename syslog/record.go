package syslog

import (
	"strings"

	"github.com/tidwall/gjson"
)

// appendRecordField appends the value of record.NAME, or nothing: a string's text, the JSON of anything else. A name
// with dots is a path into nested objects.
func appendRecordField(dst []byte, m *Message, f Field) []byte {
	if len(m.Record) == 0 {
		return dst
	}
	v := gjson.GetBytes(m.Record, f.path)
	switch v.Type {
	case gjson.Null:
		return dst
	case gjson.String:
		return append(dst, v.Str...)
	}
	return append(dst, v.Raw...)
}

// recordPath is a dotted name as a gjson path in which nothing but the dots means anything.
func recordPath(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = gjson.Escape(p)
	}
	return strings.Join(parts, ".")
}
