package ingest

import "sluice/syslog"

// What the keys of an object mean for the fields of its message.

// level sets the severity, if the object names one that we know.
func (d *Decoder) level(m *syslog.Message, shape *shape) {
	o := &d.object
	if v := o.values[keyLevelno]; o.has(keyLevelno) && (v.kind == integer || v.kind == float) {
		if s, ok := pythonLevel(v.raw); ok {
			m.Severity = s
			return
		}
	}
	for _, k := range shape.level {
		if !o.has(k) {
			continue
		}
		var s syslog.Severity
		ok := false
		switch v := o.values[k]; v.kind {
		case str:
			s, ok = levelNamed(d.text(v))
		case integer:
			s, ok = levelNumbered(v.raw)
		}
		if ok {
			m.Severity = s
			return
		}
	}
}

// moment sets the timestamp, if the object has one that can be read.
func (d *Decoder) moment(m *syslog.Message, shape *shape) {
	o := &d.object
	for _, k := range shape.moment {
		if !o.has(k) {
			continue
		}
		number := o.values[k].raw
		if o.values[k].kind == str {
			number = d.text(o.values[k])
			if st, ok := d.parser.ParseStamp(number); ok {
				m.Timestamp = st
				return
			}
		}
		e, ok := parseEpoch(number)
		if !ok {
			continue
		}
		when := e.guess
		if shape == &logRecord && k == keyCreated {
			when = e.seconds
		}
		if t, digits, ok := when(); ok {
			m.Timestamp = d.parser.StampAt(t, digits)
			return
		}
	}
}

// names sets the fields that say whose message it is. What came over no channel has the logger for one; what names no
// program has the channel.
func (d *Decoder) names(m *syslog.Message, shape *shape) {
	o := &d.object
	if v, ok := o.first(shape.hostname, isWord); ok {
		m.Hostname = v.text()
	}
	if v, ok := o.first(shape.procid, isProcID); ok {
		m.ProcID = v.raw
		if v.kind == str {
			m.ProcID = v.text()
		}
	}
	if v, ok := o.first(shape.logger, isName); ok {
		m.AppName = d.text(v)
		if len(m.Channel) == 0 {
			m.Channel = m.AppName
		}
	}
	if v, ok := o.first(shape.app, isName); ok {
		m.AppName = d.text(v)
	}
	if len(m.AppName) == 0 {
		m.AppName = m.Channel
	}
	if len(m.AppName) > 0 {
		m.Tag = d.tag(m.AppName, m.ProcID)
	}
}
