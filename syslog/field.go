package syslog

import (
	"strconv"
	"strings"
	"sync"
)

// A Field is one property of a message. Rules, formats, paths and tests all find it by name in one table. Fields of one name
// are ==. The zero Field is none.
type Field struct{ row *row }

// A row of the table. A text field is a slice of the message, which bytes returns; the others are made by append.
type row struct {
	name    string
	rsyslog []string // its names there, which are aliases everywhere
	doc     string
	bytes   func(m *Message) []byte
	append  func(dst []byte, m *Message) []byte
	number  bool // written as a JSON number
	stamp   func(m *Message) Stamp
	date    bool // a part of Received
	shared  sharing
	recurs  bool // see Field.Recurs
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
		append: func(dst []byte, m *Message) []byte { return strconv.AppendInt(dst, int64(m.PRI()), 10) }},
	{name: "facility", shared: sharedByPRI, rsyslog: []string{"syslogfacility-text"}, doc: strings.Join(Facilities, " "),
		append: func(dst []byte, m *Message) []byte { return append(dst, m.Facility.String()...) }},
	{name: "facility_code", shared: sharedByPRI, rsyslog: []string{"syslogfacility"}, doc: "the number", number: true,
		append: func(dst []byte, m *Message) []byte { return strconv.AppendInt(dst, int64(m.Facility), 10) }},
	{name: "severity", shared: sharedByPRI, rsyslog: []string{"syslogseverity-text", "syslogpriority-text"}, doc: strings.Join(Severities, " "),
		append: func(dst []byte, m *Message) []byte { return append(dst, m.Severity.String()...) }},
	{name: "severity_code", shared: sharedByPRI, rsyslog: []string{"syslogseverity", "syslogpriority"}, doc: "the number", number: true,
		append: func(dst []byte, m *Message) []byte { return strconv.AppendInt(dst, int64(m.Severity), 10) }},
	{name: "timestamp", rsyslog: []string{"timereported"}, doc: "as the sender said, precision and zone kept; else the time of reception",
		stamp: func(m *Message) Stamp { return m.Timestamp }},
	{name: "received", rsyslog: []string{"timegenerated"}, doc: "time of reception",
		stamp: func(m *Message) Stamp { return m.Received }},
	{name: "hostname", recurs: true, rsyslog: []string{"hostname"}, doc: "HOSTNAME as sent; else the peer's address, or this host for local sockets",
		bytes: func(m *Message) []byte { return m.Hostname }},
	{name: "tag", recurs: true, rsyslog: []string{"syslogtag"}, doc: "verbatim with pid and colon: ServerLog[12]: ; RFC 5424: app[procid]",
		append: func(dst []byte, m *Message) []byte { return m.AppendTag(dst) }},
	{name: "app_name", recurs: true, rsyslog: []string{"programname", "app-name"}, doc: "the tag up to : [ / or a control byte; RFC 5424 APP-NAME",
		bytes: func(m *Message) []byte { return m.AppName }},
	{name: "procid", rsyslog: []string{"procid"}, doc: "empty when absent or -", bytes: func(m *Message) []byte { return m.ProcID }},
	{name: "msgid", recurs: true, rsyslog: []string{"msgid"}, doc: "empty when absent or -", bytes: func(m *Message) []byte { return m.MsgID }},
	{name: "structured_data", rsyslog: []string{"structured-data"}, doc: "raw text; sd.ID.PARAM decodes one parameter",
		bytes: func(m *Message) []byte { return m.StructuredData }},
	{name: "message", doc: "the text, without the one space that follows the tag", bytes: (*Message).Text},
	{name: "msg", rsyslog: []string{"msg"}, doc: "as rsyslog's %msg%: with that space", bytes: func(m *Message) []byte { return m.Msg }},
	{name: "raw", rsyslog: []string{"rawmsg"}, doc: "as received, unframed", bytes: func(m *Message) []byte { return m.Raw }},
	{name: "source", shared: sharedByOrigin, rsyslog: []string{"fromhost-ip"}, doc: "the peer's IP address; 127.0.0.1 for a local socket",
		bytes: func(m *Message) []byte { return m.Origin.Source }},
	{name: "input", shared: sharedByOrigin, rsyslog: []string{"inputname"}, doc: "the input's name",
		append: func(dst []byte, m *Message) []byte { return append(dst, m.Origin.Input...) }},
	{name: "transport", shared: sharedByOrigin, doc: strings.Join(Transports, " "),
		append: func(dst []byte, m *Message) []byte { return append(dst, m.Origin.Transport.String()...) }},
	{name: "channel", recurs: true, doc: "Redis channel, list or stream; ZMQ topic; Python logger name; else empty",
		bytes: func(m *Message) []byte { return m.Channel }},
	{name: "date", rsyslog: []string{"$now"}, doc: "of reception, in the top-level timezone: 2026-11-20", date: true,
		append: func(dst []byte, m *Message) []byte { return m.Received.AppendRFC3339(dst)[:len(dst)+10] }},
	{name: "year", rsyslog: []string{"$year"}, doc: "of reception: 2026", date: true,
		append: func(dst []byte, m *Message) []byte { return m.Received.AppendRFC3339(dst)[:len(dst)+4] }},
	{name: "month", rsyslog: []string{"$month"}, doc: "of reception: 11", date: true,
		append: func(dst []byte, m *Message) []byte { return append2(dst, uint(m.Received.Month)) }},
	{name: "day", rsyslog: []string{"$day"}, doc: "of reception: 20", date: true,
		append: func(dst []byte, m *Message) []byte { return append2(dst, uint(m.Received.Day)) }},
	{name: "hour", rsyslog: []string{"$hour"}, doc: "of reception: 15", date: true,
		append: func(dst []byte, m *Message) []byte { return append2(dst, uint(m.Received.Hour)) }},
	{name: "minute", rsyslog: []string{"$minute"}, doc: "of reception: 17", date: true,
		append: func(dst []byte, m *Message) []byte { return append2(dst, uint(m.Received.Minute)) }},
}

// chosen are the fields with a name of the sender's choice: how they begin, and the rest of a row.
var chosen = []struct {
	prefix, name, doc string
	row               func(arg string) (row, error)
}{
	{"sd.", "ID.PARAM", "one parameter of the structured data, decoded", sdRow},
	{"record.", "NAME", "a key of a JSON object or Python LogRecord: record.levelname, record.user.id", recordRow},
}

var rowsOfChosen sync.Map // by their names, so that each has one row

// FieldNamed finds a field by its name or rsyslog's, in which - and _ are the same. The error holds the names there are.
func FieldNamed(name string) (Field, error) {
	for _, c := range chosen {
		if arg, ok := strings.CutPrefix(name, c.prefix); ok {
			made, err := c.row(arg)
			if err != nil {
				return Field{}, err
			}
			made.name, made.doc = name, c.doc
			r, _ := rowsOfChosen.LoadOrStore(name, &made)
			return Field{r.(*row)}, nil
		}
	}
	if r := rowNamed()[underscored(name)]; r != nil {
		return Field{r}, nil
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
	for _, r := range fields {
		docs = append(docs, FieldDoc{r.name, r.rsyslog, r.doc})
	}
	for _, c := range chosen {
		docs = append(docs, FieldDoc{c.prefix + c.name, nil, c.doc})
	}
	return docs
}

// Name is the field's name in the table.
func (f Field) Name() string {
	if f.row == nil {
		return ""
	}
	return f.row.name
}

// IsStamp reports whether the field is a moment in time.
func (f Field) IsStamp() bool { return f.row.stamp != nil }

// IsDate reports whether the field is a part of the time of reception.
func (f Field) IsDate() bool { return f.row.date }

// Recurs reports whether a few values of the field make up most messages, as is so with what a service or a host sends.
func (f Field) Recurs() bool { return f.row.recurs || f.row.date || f.row.shared != notShared }

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
	return f.row.append(scratch[:0], m)
}
