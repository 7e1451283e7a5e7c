package syslog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// builtin are the formats that have a name, as templates in the language of users where that can say them.
var builtin = []struct {
	name, doc string
	escape    Escape
	text      string
	ops       []op
}{
	{name: "standard", doc: "RSYSLOG_FileFormat: {timestamp} {hostname} {tag} {message}", ops: []op{
		stampOp("timestamp"), text(" "), fieldOp("hostname"), text(" "), {kind: opTag}, {kind: opSpacedMsg}}},
	{name: "traditional", doc: "RSYSLOG_TraditionalFileFormat: Nov 20 15:17:52 {hostname} {tag} {message}", ops: []op{
		{kind: opRFC3164, field: named("timestamp")}, text(" "), fieldOp("hostname"), text(" "), {kind: opTag}, {kind: opSpacedMsg}}},
	{name: "rfc5424", doc: "<PRI>1 {timestamp} {hostname} {app_name} {procid} {msgid} {structured_data} {message}", ops: []op{
		text("<"), fieldOp("pri"), text(">1 "), strictStampOp("timestamp"), text(" "), headerOp("hostname"), text(" "), headerOp("app_name"),
		text(" "), headerOp("procid"), text(" "), headerOp("msgid"), text(" "), {kind: opStructuredData}, text(" "), fieldOp("message")}},
	{name: "rfc3164", doc: "<PRI>Nov 20 15:17:52 {hostname} {tag} {message}", ops: []op{
		text("<"), fieldOp("pri"), text(">"), {kind: opRFC3164, field: named("timestamp")}, text(" "), fieldOp("hostname"), text(" "),
		{kind: opTag}, {kind: opSpacedMsg}}},
	{name: "raw", doc: "as received; newlines as #012 where a newline ends the line", escape: EscapeNewline, text: "{raw}"},
	{name: "message", doc: "the message alone", text: "{message}"},
	{name: "json", doc: "one object a line, the fields of the table", ops: []op{{kind: opJSON}}},
	{name: "python", doc: "name - asctime - levelname - module - funcName - message", escape: EscapeIndent,
		text: "{app_name} - {timestamp|%Y-%m-%d %H:%M:%S,%L} - {record.levelname} - {record.module} - {record.funcName} - {message}"},
}

func text(s string) op       { return op{kind: opLiteral, literal: s} }
func fieldOp(name string) op { return op{kind: opText, field: named(name)} }
func headerOp(name string) op {
	return op{kind: opHeader, field: named(name)}
}
func stampOp(name string) op {
	return op{kind: opStamp, field: named(name), stamp: &stampFormat{}}
}
func strictStampOp(name string) op {
	return op{kind: opStamp, field: named(name), stamp: &stampFormat{strict: true}}
}

func named(name string) Field {
	f, err := FieldNamed(name)
	if err != nil {
		panic(err) // a name in the table above: TestFormats runs them all
	}
	return f
}

// FormatNames are the names of the built-in formats.
func FormatNames() []string {
	var names []string
	for _, b := range builtin {
		names = append(names, b.name)
	}
	return names
}

// DescribeFormats returns the built-in formats for `sluice help formats`.
func DescribeFormats() (docs [][2]string) {
	for _, b := range builtin {
		docs = append(docs, [2]string{b.name, b.doc})
	}
	return docs
}

// A FormatSpec is a format as a user chose it.
type FormatSpec struct {
	Text   string            // a name, or a text with {field}s
	Named  map[string]string // the user's own names
	Escape *Escape           // nil: the format's own
	Zone   *time.Location    // of layouts
}

// Compile makes the template. A word without { must name a format.
func (s FormatSpec) Compile() (*Template, error) {
	escape := func(own Escape) Escape {
		if s.Escape != nil {
			return *s.Escape
		}
		return own
	}
	name := strings.ReplaceAll(s.Text, "-", "_")
	for _, b := range builtin {
		if b.name != name {
			continue
		}
		if b.ops == nil {
			return CompileTemplate(b.text, escape(b.escape), s.Zone)
		}
		t := newTemplate(escape(b.escape))
		for _, o := range b.ops {
			switch { // what remembers: each template has one user
			case o.stamp != nil:
				o.stamp = &stampFormat{strict: o.stamp.strict}
			case o.kind == opJSON:
				o.object = newJSONObject()
			}
			if o.kind == opLiteral {
				t.literal(o.literal)
			} else {
				t.add(o)
			}
		}
		return t, nil
	}
	if named, ok := s.Named[s.Text]; ok {
		return CompileTemplate(named, escape(EscapeOctal), s.Zone)
	}
	if !strings.Contains(s.Text, "{") {
		words := FormatNames()
		for w := range s.Named {
			words = append(words, w)
		}
		slices.Sort(words[len(FormatNames()):])
		return nil, fmt.Errorf("%w (a format of your own has a {field} in it)", WordError{"format", s.Text, words})
	}
	return CompileTemplate(s.Text, escape(EscapeOctal), s.Zone)
}
