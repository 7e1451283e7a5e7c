package ingest

import (
	"bytes"

	"sluice/syslog"
)

// logRecordText makes the message of a LogRecord as logging.Formatter does: message if a handler has made it already,
// else msg % args; then the traceback and the stack, each behind a newline. QueueHandler has formatted both into message
// and leaves stack_info where it is: what the text ends with is not added again.
func (d *Decoder) logRecordText(m *syslog.Message) {
	o := &d.object
	switch {
	case o.has(keyMessage) && o.values[keyMessage].kind == str:
		m.Msg = d.text(o.values[keyMessage])
	case o.has(keyMsg):
		m.Msg = d.formatted(o.values[keyMsg], len(m.Raw))
	default:
		m.Msg = m.Raw
		return
	}
	extra := [...]key{keyExcText, keyStackInfo}
	if !o.has(keyExcText) || o.values[keyExcText].kind != str {
		extra[0] = keyExcInfo
	}
	n := -1 // where the message begins in the arena, once it is there to be added to
	for _, k := range extra {
		if !o.has(k) || !isName(o.values[k]) {
			continue
		}
		if n < 0 {
			n = len(d.arena)
			d.arena = append(d.arena, m.Msg...)
		}
		end := len(d.arena)
		if end > n && d.arena[end-1] != '\n' {
			d.arena = append(d.arena, '\n')
		}
		begin := len(d.arena)
		d.arena = appendUnquoted(d.arena, o.values[k].text())
		if bytes.HasSuffix(d.arena[n:end], d.arena[begin:]) {
			d.arena = d.arena[:end]
		}
		m.Msg = d.made(n)
	}
}

// formatted is msg % args. A msg that is no text is written as Python's str does. Where args do not fit, msg stays as it
// is: Python prints an error in the place of the message then, which helps nobody here.
func (d *Decoder) formatted(msg value, size int) []byte {
	n := len(d.arena)
	if msg.kind != str {
		d.arena = appendStr(d.arena, msg)
		return d.made(n)
	}
	text := d.text(msg)
	args := d.object.values[keyArgs]
	if !d.object.has(keyArgs) || isFalse(args) {
		return text
	}
	n = len(d.arena)
	limit := n + 4*size + 64<<10 // a few %(name)s could make gigabytes of a megabyte
	whole, ok := appendPercent(d.arena, text, args, limit)
	if !ok {
		return text
	}
	d.arena = whole
	return d.made(n)
}
