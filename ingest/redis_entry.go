package ingest

import "slices"

// An entry is one of a stream: its ID, and its fields as names and values in turn. One that was trimmed off the stream
// has no fields.
type entry struct {
	id     string
	fields []string
}

// appendEntries reads the entries of an answer. What is none is left out.
func appendEntries(dst []entry, list []any) []entry {
	for _, item := range list {
		pair, ok := item.([]any)
		if !ok || len(pair) != 2 {
			continue
		}
		id, ok := pair[0].(string)
		if !ok {
			continue
		}
		e := entry{id: id}
		if fields, ok := pair[1].([]any); ok {
			e.fields = make([]string, len(fields))
			for i, f := range fields {
				e.fields[i], _ = f.(string)
			}
		}
		dst = append(dst, e)
	}
	return dst
}

// entryFields makes payloads of entries.
type entryFields struct {
	mode    Decoding
	scratch []byte
}

// The fields that hold the text of an entry, in the order in which they are looked for.
var payloadFields = []string{"msg", "message", "log", "data"}

// payload is what an entry holds as one text. That is the value of its only field (uWSGI's is msg), whatever its name.
// Several fields are one JSON object, so that each is a record.NAME and the level and the time are understood; in data,
// which means nothing in an object, is the message if nothing else holds it. Where JSON is not wanted the text alone is
// taken, if there is one.
func (e *entryFields) payload(fields []string) string {
	if len(fields) == 2 {
		return fields[1]
	}
	name, text := textOf(fields)
	if name != "" && (e.mode == Text || e.mode == Syslog) {
		return text
	}
	dst := append(e.scratch[:0], '{')
	if name == "data" {
		dst = appendJSONField(dst, "message", text)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		dst = appendJSONField(dst, fields[i], fields[i+1])
	}
	e.scratch = append(dst, '}')
	return string(e.scratch)
}

func textOf(fields []string) (name, text string) {
	for _, name := range payloadFields {
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] == name {
				return name, fields[i+1]
			}
		}
	}
	return "", ""
}

func appendJSONField(dst []byte, name, value string) []byte {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	dst = append(appendJSONText(dst, name), ':')
	return appendJSONText(dst, value)
}

// appendJSONText appends s as a JSON string. Only what JSON cannot hold as it is is escaped: bytes that are no UTF-8 stay.
func appendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(slices.Grow(dst, len(s)+2), '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
