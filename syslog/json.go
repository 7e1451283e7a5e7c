package syslog

// jsonAlways are the fields of the format json that stand there even if they are empty, jsonNever those that never do.
var (
	jsonAlways = map[string]bool{"hostname": true, "message": true, "input": true}
	jsonNever  = map[string]bool{"msg": true, "raw": true}
)

// A jsonKey is one field of the format json with its key ready to append.
type jsonKey struct {
	Field
	key    string // `,"hostname":`
	always bool
	plain  bool // a number, a stamp or one of our own words: needs no escaping
}

var jsonKeys = func() (keys []jsonKey) {
	for i := range fields {
		r := &fields[i]
		if r.date || jsonNever[r.name] {
			continue
		}
		ours := r.number || r.stamp != nil || r.name == "facility" || r.name == "severity" || r.name == "transport"
		keys = append(keys, jsonKey{Field{row: r}, `,"` + r.name + `":`, ours || jsonAlways[r.name], ours})
	}
	return keys
}()

// A jsonObject makes objects of messages. What neighbouring keys have in common with the last message it does not make
// again: half of the bytes, more often than not. One goroutine at a time may use it.
type jsonObject struct{ parts []jsonPart }

// A jsonPart is some keys in a row, shared by the same messages.
type jsonPart struct {
	keys   []jsonKey
	shared sharing

	stamp  stampFormat // of a part that is a moment
	pri    int         // whose text is
	origin *Origin     // likewise
	text   []byte
}

func newJSONObject() *jsonObject {
	o := &jsonObject{}
	for i, k := range jsonKeys {
		if n := len(o.parts); i > 0 && k.row.shared != notShared && k.row.shared == o.parts[n-1].shared {
			o.parts[n-1].keys = jsonKeys[i-len(o.parts[n-1].keys) : i+1]
		} else {
			o.parts = append(o.parts, jsonPart{keys: jsonKeys[i : i+1], shared: k.row.shared})
		}
	}
	return o
}

// append appends m as one JSON object, with the keys in the order of the field table. It needs no other escaping.
func (o *jsonObject) append(dst []byte, m *Message, t *Template) []byte {
	start := len(dst)
	for i := range o.parts {
		p := &o.parts[i]
		switch {
		case p.shared == notShared:
			dst = p.append(dst, m, t)
			continue
		case p.text == nil, p.shared == sharedByPRI && p.pri != m.PRI(), p.shared == sharedByOrigin && p.origin != m.Origin:
			p.text, p.pri, p.origin = p.append(p.text[:0], m, t), m.PRI(), m.Origin
		}
		dst = append(dst, p.text...)
	}
	if len(m.Record) > 0 {
		dst = appendJSONObject(append(dst, `,"record":`...), m.Record)
	}
	dst[start] = '{' // in the place of the first comma
	return append(dst, '}')
}

func (p *jsonPart) append(dst []byte, m *Message, t *Template) []byte {
	for i := range p.keys {
		k := &p.keys[i]
		switch {
		case k.row.number:
			dst = append(dst, k.key...)
			dst = k.row.append(dst, m)
		case k.row.stamp != nil:
			dst = append(append(dst, k.key...), '"')
			dst = append(p.stamp.append(dst, k.row.stamp(m)), '"')
		case k.plain:
			dst = append(append(dst, k.key...), '"')
			dst = append(k.row.append(dst, m), '"')
		default:
			v := k.Value(m, t.scratch)
			if len(v) > 0 || k.always {
				dst = appendJSONString(append(dst, k.key...), v)
			}
		}
	}
	return dst
}
