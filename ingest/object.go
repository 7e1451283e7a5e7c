package ingest

import "sluice/syslog"

// A key is a name in a JSON object that means something to us.
type key uint8

const (
	keyNone key = iota
	keyMessage
	keyMsg
	keyLog
	keyArgs
	keyExcText
	keyExcInfo
	keyStackInfo
	keyLevelno
	keyLevel
	keyLevelname
	keyLevelName
	keyLogLevel
	keySeverity
	keyTime
	keyTimestamp
	keyAtTimestamp
	keyTS
	keyCreated
	keyAsctime
	keyApp
	keyAppName
	keyProgram
	keyLogger
	keyLogLogger
	keyName
	keyHostname
	keyHost
	keyPID
	keyProcess
	keys
)

// keyNamed is a switch and not a map: the compiler branches on length and bytes, where a map would hash each of the 25 names
// of a LogRecord.
func keyNamed(name []byte) key {
	switch string(name) {
	case "message":
		return keyMessage
	case "msg":
		return keyMsg
	case "log":
		return keyLog
	case "args":
		return keyArgs
	case "exc_text":
		return keyExcText
	case "exc_info":
		return keyExcInfo
	case "stack_info":
		return keyStackInfo
	case "levelno":
		return keyLevelno
	case "level":
		return keyLevel
	case "levelname":
		return keyLevelname
	case "level_name": // Monolog
		return keyLevelName
	case "log.level": // Elastic
		return keyLogLevel
	case "severity":
		return keySeverity
	case "time":
		return keyTime
	case "timestamp":
		return keyTimestamp
	case "@timestamp":
		return keyAtTimestamp
	case "ts":
		return keyTS
	case "created":
		return keyCreated
	case "asctime":
		return keyAsctime
	case "app":
		return keyApp
	case "app_name":
		return keyAppName
	case "program":
		return keyProgram
	case "logger":
		return keyLogger
	case "log.logger":
		return keyLogLogger
	case "name":
		return keyName
	case "hostname":
		return keyHostname
	case "host":
		return keyHost
	case "pid":
		return keyPID
	case "process":
		return keyProcess
	}
	return keyNone
}

// A shape says in which keys an object of its kind says what, in the order in which they are asked.
type shape struct{ level, moment, logger, app, hostname, procid []key }

// The shapes. Whoever logs an HTTP request has its host in a LogRecord's extra=, so only hostname is taken there.
var (
	anyObject = shape{
		level:    []key{keyLevel, keyLevelname, keyLevelName, keyLogLevel, keySeverity},
		moment:   []key{keyTime, keyTimestamp, keyAtTimestamp, keyTS, keyCreated},
		logger:   []key{keyLogger, keyLogLogger, keyName},
		app:      []key{keyApp, keyAppName, keyProgram},
		hostname: []key{keyHostname, keyHost},
		procid:   []key{keyPID, keyProcess},
	}
	logRecord = shape{
		level:    []key{keyLevelname, keyLevel, keySeverity},
		moment:   []key{keyCreated, keyAsctime, keyTime, keyTimestamp, keyAtTimestamp},
		logger:   []key{keyName},
		hostname: []key{keyHostname},
		procid:   []key{keyProcess, keyPID},
	}
	messageKeys = []key{keyMessage, keyMsg, keyLog}
)

// An object holds the values of the keys we know. Of a key that is there twice the first counts, as for record.KEY.
type object struct {
	have   uint32 // a bit for each key
	values [keys]value
}

func (o *object) has(k key) bool { return o.have>>k&1 == 1 }

// shape is logRecord for what Python's record.__dict__ gives: a name, and a level under Python's own names.
func (o *object) shape() *shape {
	if o.have&(1<<keyLevelno|1<<keyLevelname) != 0 && o.has(keyName) && o.values[keyName].kind == str {
		return &logRecord
	}
	return &anyObject
}

// first returns the value of the first of names that the object has and that fits.
func (o *object) first(names []key, fits func(value) bool) (v value, ok bool) {
	for _, k := range names {
		if o.has(k) && fits(o.values[k]) {
			return o.values[k], true
		}
	}
	return v, false
}

func isText(v value) bool { return v.kind == str }

// isWord reports whether v can stand in a header: a text of some length without blanks and control characters.
func isWord(v value) bool {
	if v.kind != str || v.escaped || len(v.raw) < 3 || len(v.raw) > 2+255 {
		return false
	}
	for _, c := range v.text() {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func isName(v value) bool   { return v.kind == str && len(v.raw) > 2 }
func isProcID(v value) bool { return v.kind == integer && len(v.raw) <= 20 || isWord(v) }

// decodeObject reads m.Raw as a JSON object. It returns false, with m as it was, if it is none.
func (d *Decoder) decodeObject(m *syslog.Message) bool {
	record, ok := d.readObject(m.Raw)
	if !ok {
		return false
	}
	m.Record = record
	shape := d.object.shape()
	d.level(m, shape)
	d.moment(m, shape)
	d.names(m, shape)
	if shape == &logRecord {
		d.logRecordText(m)
	} else if v, ok := d.object.first(messageKeys, isText); ok {
		m.Msg = trimNewline(d.text(v)) // Docker's and Kubernetes' log ends in one
	} else {
		m.Msg = m.Raw
	}
	return true
}

// readObject reads s, which must be an object and nothing else, into d.object, and returns it as what the fields record.*
// are read from: without blanks around it, and with a quoted "NaN" for NaN, which no other reader would take.
func (d *Decoder) readObject(s []byte) (record []byte, ok bool) {
	d.object.have = 0
	r := &d.json
	r.start(s)
	if r.peek() != '{' {
		return nil, false
	}
	from := r.i
	for more := r.open(); more; {
		name, ok := r.key()
		if !ok {
			return nil, false
		}
		v, ok := r.value()
		if !ok {
			return nil, false
		}
		if k := keyNamed(d.text(name)); k != keyNone && !d.object.has(k) {
			d.object.have |= 1 << k
			d.object.values[k] = v
		}
		if more, ok = r.next('}'); !ok {
			return nil, false
		}
	}
	record = s[from:r.i]
	if r.peek() != 0 || r.i < len(s) {
		return nil, false
	}
	if r.bare > 0 {
		n := len(d.arena)
		d.arena = appendQuotedBare(d.arena, record)
		record = d.made(n)
	}
	return record, true
}

// appendQuotedBare appends s, which is JSON but for NaN, Infinity and -Infinity, with quotes around these.
func appendQuotedBare(dst, s []byte) []byte {
	r := reader{s: s} // of which only str is used
	from := 0
	for r.i < len(s) {
		end := r.i
		switch c := s[r.i]; {
		case c == '"':
			r.str()
			continue
		case c == 'N':
			end += len("NaN")
		case c == 'I':
			end += len("Infinity")
		case c == '-' && s[r.i+1] == 'I':
			end += len("-Infinity")
		default:
			r.i++
			continue
		}
		dst = append(append(dst, s[from:r.i]...), '"')
		dst = append(append(dst, s[r.i:end]...), '"')
		r.i, from = end, end
	}
	return append(dst, s[from:]...)
}

// text is the text of a string: a part of the payload if nothing is escaped in it, else made in the arena.
func (d *Decoder) text(v value) []byte {
	if !v.escaped {
		return v.text()
	}
	n := len(d.arena)
	d.arena = appendUnquoted(d.arena, v.text())
	return d.made(n)
}

// trimNewline takes one newline, or CR LF, off the end.
func trimNewline(s []byte) []byte {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		if n--; n > 0 && s[n-1] == '\r' {
			n--
		}
		return s[:n]
	}
	return s
}
