package syslog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Field is one property of a message. Rules, formats, paths and tests all find it by name in one table.
// The zero Field is none.
type Field struct {
	row       *row
	arg, path string // of record.NAME, and as gjson wants it
	sd        sdParam
}

// A row of the table. A text field is a slice of the message, which bytes returns; the others are made by append.
type row struct {
	name    string
	rsyslog []string // its names there, which are aliases everywhere
	doc     string
	bytes   func(m *Message) []byte
	append  func(dst []byte, m *Message, f Field) []byte
	number  bool // written as a JSON number
	stamp   func(m *Message) Stamp
	date    bool // a part of Received
	shared  sharing
}

// Sharing says which messages have a value of a field in common.
type sharing uint8

const (
	notShared      sharing = iota
	sharedByPRI            // those with that PRI
	sharedByOrigin         // those of that Origin
)

var fields = []row{
	{name: "pri", shared: sharedByPRI, doc: "the number; 13 (or the input's defaults) without a PRI or with a broken one, whose whole text is then the message", number: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return strconv.AppendInt(dst, int64(m.PRI()), 10) }},
	{name: "facility", shared: sharedByPRI, rsyslog: []string{"syslogfacility-text"}, doc: strings.Join(Facilities, " "),
		append: func(dst []byte, m *Message, _ Field) []byte { return append(dst, m.Facility.String()...) }},
	{name: "facility_code", shared: sharedByPRI, rsyslog: []string{"syslogfacility"}, doc: "the number", number: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return strconv.AppendInt(dst, int64(m.Facility), 10) }},
	{name: "severity", shared: sharedByPRI, rsyslog: []string{"syslogseverity-text", "syslogpriority-text"}, doc: strings.Join(Severities, " "),
		append: func(dst []byte, m *Message, _ Field) []byte { return append(dst, m.Severity.String()...) }},
	{name: "severity_code", shared: sharedByPRI, rsyslog: []string{"syslogseverity", "syslogpriority"}, doc: "the number", number: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return strconv.AppendInt(dst, int64(m.Severity), 10) }},
	{name: "timestamp", rsyslog: []string{"timereported"}, doc: "as the sender said, precision and zone kept; else the time of reception",
		stamp: func(m *Message) Stamp { return m.Timestamp }},
	{name: "received", rsyslog: []string{"timegenerated"}, doc: "time of reception",
		stamp: func(m *Message) Stamp { return m.Received }},
	{name: "hostname", rsyslog: []string{"hostname"}, doc: "HOSTNAME as sent; else the peer's address, or this host for local sockets",
		bytes: func(m *Message) []byte { return m.Hostname }},
	{name: "tag", rsyslog: []string{"syslogtag"}, doc: "verbatim with pid and colon: ServerLog[12]: ; RFC 5424: app[procid]",
		append: func(dst []byte, m *Message, _ Field) []byte { return m.AppendTag(dst) }},
	{name: "app_name", rsyslog: []string{"programname", "app-name"}, doc: "the tag up to : [ / or a control byte; RFC 5424 APP-NAME",
		bytes: func(m *Message) []byte { return m.AppName }},
	{name: "procid", rsyslog: []string{"procid"}, doc: "empty when absent or -", bytes: func(m *Message) []byte { return m.ProcID }},
	{name: "msgid", rsyslog: []string{"msgid"}, doc: "empty when absent or -", bytes: func(m *Message) []byte { return m.MsgID }},
	{name: "structured_data", rsyslog: []string{"structured-data"}, doc: "raw text; sd.ID.PARAM decodes one parameter",
		bytes: func(m *Message) []byte { return m.StructuredData }},
	{name: "message", doc: "the text, without the one space that follows the tag", bytes: (*Message).Text},
	{name: "msg", rsyslog: []string{"msg"}, doc: "as rsyslog's %msg%: with that space", bytes: func(m *Message) []byte { return m.Msg }},
	{name: "raw", rsyslog: []string{"rawmsg"}, doc: "as received, unframed", bytes: func(m *Message) []byte { return m.Raw }},
	{name: "source", shared: sharedByOrigin, rsyslog: []string{"fromhost-ip"}, doc: "the peer's IP address; 127.0.0.1 for a local socket",
		bytes: func(m *Message) []byte { return m.Origin.Source }},
	{name: "input", shared: sharedByOrigin, rsyslog: []string{"inputname"}, doc: "the input's name",
		append: func(dst []byte, m *Message, _ Field) []byte { return append(dst, m.Origin.Input...) }},
	{name: "transport", shared: sharedByOrigin, doc: strings.Join(Transports, " "),
		append: func(dst []byte, m *Message, _ Field) []byte { return append(dst, m.Origin.Transport.String()...) }},
	{name: "channel", doc: "Redis channel, list or stream; ZMQ topic; Python logger name; else empty",
		bytes: func(m *Message) []byte { return m.Channel }},
	{name: "date", rsyslog: []string{"$now"}, doc: "of reception, in the top-level timezone: 2026-11-20", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return m.Received.AppendRFC3339(dst)[:len(dst)+10] }},
	{name: "year", rsyslog: []string{"$year"}, doc: "of reception: 2026", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return m.Received.AppendRFC3339(dst)[:len(dst)+4] }},
	{name: "month", rsyslog: []string{"$month"}, doc: "of reception: 11", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return append2(dst, uint(m.Received.Month)) }},
	{name: "day", rsyslog: []string{"$day"}, doc: "of reception: 20", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return append2(dst, uint(m.Received.Day)) }},
	{name: "hour", rsyslog: []string{"$hour"}, doc: "of reception: 15", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return append2(dst, uint(m.Received.Hour)) }},
	{name: "minute", rsyslog: []string{"$minute"}, doc: "of reception: 17", date: true,
		append: func(dst []byte, m *Message, _ Field) []byte { return append2(dst, uint(m.Received.Minute)) }},
}

// The fields with a name of the sender's choice.
var (
	sdRow     = row{name: "sd.ID.PARAM", doc: "one parameter of the structured data, decoded", append: appendSDField}
	recordRow = row{name: "record.NAME", doc: "a key of a JSON object or Python LogRecord: record.levelname, record.user.id", append: appendRecordField}
)

// FieldNamed finds a field by its name or rsyslog's, in which - and _ are the same. The error holds the names there are.
func FieldNamed(name string) (Field, error) {
	if arg, ok := strings.CutPrefix(name, "record."); ok && arg != "" {
		return Field{row: &recordRow, arg: arg, path: recordPath(arg)}, nil
	}
	if arg, ok := strings.CutPrefix(name, "sd."); ok {
		id, param, ok := cutLast(arg, ".") // an SD-ID may hold dots, a PARAM-NAME seldom does
		if !ok || id == "" || param == "" {
			return Field{}, fmt.Errorf("sd needs an id and a parameter: sd.ID.PARAM")
		}
		return Field{row: &sdRow, sd: sdParam{id, param}}, nil
	}
	if r := rowNamed()[underscored(name)]; r != nil {
		return Field{row: r}, nil
	}
	return Field{}, WordError{"field", name, fieldNames()}
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// rowNamed finds rows by all their names: a thousand rules ask several thousand times.
var rowNamed = sync.OnceValue(func() map[string]*row {
	rows := map[string]*row{}
	for i := range fields {
		for _, name := range append([]string{fields[i].name}, fields[i].rsyslog...) {
			rows[underscored(name)] = &fields[i]
		}
	}
	return rows
})

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// fieldNames are the names of all fields, in the order of the table.
func fieldNames() []string {
	var names []string
	for _, d := range DescribeFields() {
		names = append(names, d.Name)
	}
	return names
}

// A FieldDoc describes a field to people.
type FieldDoc struct {
	Name    string
	Rsyslog []string
	Doc     string
}

// DescribeFields returns the table for `sluice fields`.
func DescribeFields() []FieldDoc {
	var docs []FieldDoc
	for _, r := range append(slices.Clone(fields), sdRow, recordRow) {
		docs = append(docs, FieldDoc{r.name, r.rsyslog, r.doc})
	}
	return docs
}

// Name is the field's name in the table.
func (f Field) Name() string {
	switch f.row {
	case nil:
		return ""
	case &sdRow:
		return "sd." + f.sd.id + "." + f.sd.name
	case &recordRow:
		return "record." + f.arg
	}
	return f.row.name
}

// IsStamp reports whether the field is a moment in time.
func (f Field) IsStamp() bool { return f.row.stamp != nil }

// IsDate reports whether the field is a part of the time of reception.
func (f Field) IsDate() bool { return f.row.date }

// Value returns the field's value in m: a slice of the message where there is one, else made in scratch, which may
// grow. The value is valid until m or scratch changes.
func (f Field) Value(m *Message, scratch []byte) []byte {
	switch {
	case f.row.bytes != nil:
		return f.row.bytes(m)
	case f.row.stamp != nil:
		return f.row.stamp(m).AppendRFC3339(scratch[:0])
	case f.row.name == "tag" && m.tagged:
		return m.Tag
	}
	return f.row.append(scratch[:0], m, f)
}
