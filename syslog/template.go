package syslog

import (
	"fmt"
	"strings"
	"time"
)

// A Template makes a line, a datagram or a path of a message. It is compiled once; appending allocates nothing unless a
// modifier or a decoded parameter needs to. One goroutine at a time may use it.
type Template struct {
	ops     []op
	escape  Escape
	scratch []byte    // for values that are made
	swap    [2][]byte // for modifiers
	fields  []Field
}

// An op appends one part: a text, or a field and the text in front of it.
type op struct {
	kind    opKind
	literal string
	field   Field
	stamp   *stampFormat
	object  *jsonObject
	mods    []modifier
	found   bool // its value is found in the message, or most often is; see Template.find
}

type opKind uint8

const (
	opLiteral opKind = iota
	opText           // a field's value, escaped
	opStamp          // a moment by op.stamp
	opRFC3164        // a moment as RFC 3164 writes it
	opTag
	opSpacedMsg // the message with exactly the space in front that rsyslog writes; it stands behind another field
	opHeader    // a header field of RFC 5424: printable, a dash if empty
	opStructuredData
	opJSON
)

// newTemplate has room for the longest value that is made rather than found, so that making it allocates nothing.
func newTemplate(escape Escape) *Template {
	return &Template{escape: escape, scratch: make([]byte, 0, 256)}
}

// CompileTemplate compiles a text with {field}s in it; {{ and }} are braces. Layouts of moments are in zone.
func CompileTemplate(text string, escape Escape, zone *time.Location) (*Template, error) {
	t := newTemplate(escape)
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			t.literal(rest)
			break
		}
		t.literal(rest[:i])
		rest = rest[i:]
		if len(rest) > 1 && rest[1] == rest[0] {
			t.literal(rest[:1])
			rest = rest[2:]
			continue
		}
		if rest[0] == '}' {
			return nil, fmt.Errorf("a } without { (a brace is written }})")
		}
		inner, after, ok := strings.Cut(rest[1:], "}")
		if !ok {
			return nil, fmt.Errorf("%s is not closed (a brace is written {{)", rest)
		}
		o, err := compileField(inner, zone)
		if err != nil {
			return nil, err
		}
		t.add(o)
		rest = after
	}
	return t, nil
}

func compileField(inner string, zone *time.Location) (op, error) {
	words := strings.Split(inner, "|")
	field, err := FieldNamed(strings.TrimSpace(words[0]))
	if err != nil {
		return op{}, err
	}
	o, words := op{kind: opText, field: field}, words[1:]
	if field.IsStamp() {
		o.kind = opStamp
		if o.stamp, words, err = compileStamp(words, zone); err != nil {
			return op{}, fmt.Errorf("{%s}: %w", inner, err)
		}
	} else if field.Name() == "tag" && len(words) == 0 {
		o.kind = opTag
	}
	for _, w := range words {
		m, err := compileModifier(w)
		if err != nil {
			return op{}, fmt.Errorf("{%s}: %w", inner, err)
		}
		o.mods = append(o.mods, m)
	}
	return o, nil
}

func (t *Template) add(o op) {
	if n := len(t.ops); n > 0 && t.ops[n-1].kind == opLiteral {
		o.literal, t.ops = t.ops[n-1].literal, t.ops[:n-1]
	}
	o.found = t.escape != EscapePath && o.mods == nil &&
		(o.kind == opTag || o.kind == opSpacedMsg || o.kind == opText && o.field.row.bytes != nil)
	t.ops = append(t.ops, o)
	if o.field.row != nil {
		t.fields = append(t.fields, o.field)
	}
}

func (t *Template) literal(s string) {
	if s == "" {
		return
	}
	if n := len(t.ops); n > 0 && t.ops[n-1].kind == opLiteral {
		t.ops[n-1].literal += s
		return
	}
	t.ops = append(t.ops, op{kind: opLiteral, literal: s})
}

// Fields are the fields that the template shows, in their order.
func (t *Template) Fields() []Field { return t.fields }

// Literal returns the template's text if it shows no field.
func (t *Template) Literal() (text string, ok bool) {
	switch {
	case len(t.ops) == 0:
		return "", true
	case len(t.ops) == 1 && t.ops[0].kind == opLiteral:
		return t.ops[0].literal, true
	}
	return "", false
}

// Append appends what the template makes of m, without a newline.
func (t *Template) Append(dst []byte, m *Message) []byte {
	// Most formats write hostname, tag and text as the sender did: side by side, with a space between them. Such a run is
	// searched for control characters, and copied, as one.
	var run []byte
	for i := range t.ops {
		o := &t.ops[i]
		if o.found {
			if v, before, ok := o.find(m); ok {
				if longer := joined(run, before, v); longer != nil {
					run = longer
					continue
				}
				dst = append(t.appendRun(dst, run), before...)
				run = v
				continue
			}
		}
		dst = t.appendRun(dst, run)
		run = nil
		if len(o.literal) == 1 { // a space, most often
			dst = append(dst, o.literal[0])
		} else {
			dst = append(dst, o.literal...)
		}
		dst = t.appendMade(dst, o, m)
	}
	return t.appendRun(dst, run)
}

// find returns the value of an op where it is found in the message, and the text in front of it. Ok is false where it has
// to be made.
func (o *op) find(m *Message) (v []byte, before string, ok bool) {
	switch o.kind {
	case opTag:
		return m.Tag, o.literal, m.tagged
	case opSpacedMsg:
		if len(m.Msg) > 0 && m.Msg[0] == ' ' {
			return m.Msg, "", true
		}
		return m.Msg, " ", true
	}
	return o.field.row.bytes(m), o.literal, true
}

// joined is run with v, if that stands behind it in memory with nothing but before in between; else nil.
func joined(run []byte, before string, v []byte) []byte {
	from := len(run) + len(before)
	if len(run) == 0 || len(v) == 0 || len(before) > 1 || from+len(v) > cap(run) {
		return nil
	}
	longer := run[:from+len(v)]
	if &longer[from] != &v[0] || before != "" && (before != " " || longer[from-1] != ' ') {
		return nil
	}
	return longer
}

func (t *Template) appendRun(dst, run []byte) []byte {
	if len(run) == 0 {
		return dst
	}
	return appendEscaped(dst, run, t.escape)
}

// appendMade appends the value of an op that is not found in m as it is to be written.
func (t *Template) appendMade(dst []byte, o *op, m *Message) []byte {
	if o.mods != nil {
		return appendEscaped(dst, t.modified(o, m), t.escape)
	}
	switch o.kind {
	case opText:
		return appendEscaped(dst, o.field.Value(m, t.scratch), t.escape)
	case opStamp:
		return o.stamp.append(dst, o.field.row.stamp(m))
	case opRFC3164:
		return o.field.row.stamp(m).AppendRFC3164(dst)
	case opTag: // that has to be made
		t.scratch = m.AppendTag(t.scratch[:0])
		return appendEscaped(dst, t.scratch, t.escape)
	case opHeader:
		return appendHeaderField(dst, o.field.Value(m, t.scratch))
	case opStructuredData:
		if len(m.StructuredData) == 0 {
			return append(dst, '-')
		}
		return appendEscaped(dst, m.StructuredData, t.escape)
	case opJSON:
		return o.object.append(dst, m, t)
	}
	return dst
}

// modified is the field's value after all its modifiers.
func (t *Template) modified(o *op, m *Message) []byte {
	var v []byte
	if o.stamp != nil {
		t.scratch = o.stamp.append(t.scratch[:0], o.field.row.stamp(m))
		v = t.scratch
	} else {
		v = o.field.Value(m, t.scratch)
	}
	for i, mod := range o.mods {
		t.swap[i&1] = mod(t.swap[i&1][:0], v)
		v = t.swap[i&1]
	}
	return v
}

// appendHeaderField appends v as a field of an RFC 5424 header (section 6): a dash if it is empty, and an underscore for
// each byte that is no printable ASCII, since a space would shift the fields behind it.
func appendHeaderField(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, '-')
	}
	for _, c := range v {
		if c <= ' ' || c >= 0x7f {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// Fill is the template's text with value in the place of every field.
func (t *Template) Fill(value string) string {
	var dst []byte
	for i := range t.ops {
		dst = append(dst, t.ops[i].literal...)
		if t.ops[i].kind != opLiteral {
			dst = append(dst, value...)
		}
	}
	return string(dst)
}
