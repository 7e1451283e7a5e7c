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

// appendJSON appends m as one JSON object, with the keys in the order of the field table. It needs no other escaping.
func (t *Template) appendJSON(dst []byte, m *Message) []byte {
	start := len(dst)
	for i := range jsonKeys {
		k := &jsonKeys[i]
		switch {
		case k.row.number:
			dst = append(dst, k.key...)
			dst = k.row.append(dst, m, k.Field)
		case k.row.stamp != nil:
			dst = append(append(dst, k.key...), '"')
			dst = append(k.row.stamp(m).AppendRFC3339(dst), '"')
		case k.plain:
			dst = append(append(dst, k.key...), '"')
			dst = append(k.row.append(dst, m, k.Field), '"')
		default:
			v := k.Value(m, t.scratch)
			if len(v) > 0 || k.always {
				dst = appendJSONString(append(dst, k.key...), v)
			}
		}
	}
	if len(m.Record) > 0 {
		dst = appendJSONObject(append(dst, `,"record":`...), m.Record)
	}
	dst[start] = '{' // in the place of the first comma
	return append(dst, '}')
}
