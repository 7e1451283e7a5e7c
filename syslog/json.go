package syslog

import "strings"

// jsonAlways are the fields of the format json that stand there even if they are empty, jsonNever those that never do.
var (
	jsonAlways = map[string]bool{"hostname": true, "message": true, "input": true}
	jsonNever  = map[string]bool{"msg": true, "raw": true}
)

// A jsonKey is one field of the format json with its key ready to append.
type jsonKey struct {
	Field
	key    string // `,"hostname":"`, or, of a number, `,"pri":`
	always bool
	plain  bool // one of our own words: needs no escaping
}

var jsonKeys = func() (keys []jsonKey) {
	for i := range fields {
		r := &fields[i]
		if r.date || jsonNever[r.name] {
			continue
		}
		k := jsonKey{Field{row: r}, `,"` + r.name + `":"`, jsonAlways[r.name], r.name == "facility" || r.name == "severity" || r.name == "transport"}
		if r.number {
			k.key = strings.TrimSuffix(k.key, `"`)
		}
		keys = append(keys, k)
	}
	return keys
}()

// A jsonObject makes objects of messages. What neighbouring keys have in common with the last message it does not make
// again: half of the bytes, more often than not. One goroutine at a time may use it.
type jsonObject struct{ parts []jsonPart }

// A jsonPart is one key, or some in a row that the same messages share.
type jsonPart struct {
	jsonKey
	kind  jsonKind
	stamp stampFormat

	shared []jsonKey
	pri    int // whose text is
	origin *Origin
	text   []byte
}

type jsonKind uint8

const (
	jsonText  jsonKind = iota // found in the message
	jsonMade                  // a value that is made
	jsonStamp                 // a moment
	jsonShared
)

func newJSONObject() *jsonObject {
	o := &jsonObject{}
	for i, k := range jsonKeys {
		p := jsonPart{jsonKey: k}
		switch {
		case k.row.shared != notShared:
			if n := len(o.parts); n > 0 && k.row.shared == o.parts[n-1].row.shared {
				before := &o.parts[n-1]
				before.shared = jsonKeys[i-len(before.shared) : i+1]
				continue
			}
			p.kind, p.shared = jsonShared, jsonKeys[i:i+1]
		case k.row.stamp != nil:
			p.kind = jsonStamp
		case k.row.bytes == nil:
			p.kind = jsonMade
		}
		o.parts = append(o.parts, p)
	}
	return o
}

// append appends m as one JSON object, with the keys in the order of the field table. It needs no other escaping.
func (o *jsonObject) append(dst []byte, m *Message, t *Template) []byte {
	start := len(dst)
	for i := range o.parts {
		p := &o.parts[i]
		switch p.kind {
		case jsonText:
			dst = p.jsonKey.append(dst, p.row.bytes(m))
		case jsonMade:
			dst = p.make(dst, m, t)
		case jsonStamp:
			dst = append(p.stamp.append(append(dst, p.key...), p.row.stamp(m)), '"')
		case jsonShared:
			dst = append(dst, p.textOf(m, t)...)
		}
	}
	if len(m.Record) > 0 {
		dst = appendJSONObject(append(dst, `,"record":`...), m.Record)
	}
	dst[start] = '{' // in the place of the first comma
	return append(dst, '}')
}

// append appends the key and its value, a text.
func (k *jsonKey) append(dst, v []byte) []byte {
	if len(v) == 0 && !k.always {
		return dst
	}
	return append(appendJSONText(append(dst, k.key...), v), '"')
}

// textOf is the text of keys that messages share, made again if m is not one of those that share it.
func (p *jsonPart) textOf(m *Message, t *Template) []byte {
	if p.text != nil && (p.row.shared == sharedByPRI && p.pri == m.PRI() || p.row.shared == sharedByOrigin && p.origin == m.Origin) {
		return p.text
	}
	p.text, p.pri, p.origin = p.text[:0], m.PRI(), m.Origin
	for i := range p.shared {
		p.text = p.shared[i].make(p.text, m, t)
	}
	return p.text
}

// make appends the key and its value, which is made.
func (k *jsonKey) make(dst []byte, m *Message, t *Template) []byte {
	switch {
	case k.row.number:
		return k.row.append(append(dst, k.key...), m)
	case k.plain:
		return append(k.row.append(append(dst, k.key...), m), '"')
	}
	return k.append(dst, k.Value(m, t.scratch))
}
