package ingest

import (
	"encoding/binary"
	"math"
	"testing"

	"sluice/syslog"
)

// A pickleWriter writes dicts as Python's pickler does in protocol 1, in which SocketHandler does.
type pickleWriter struct {
	b    []byte
	memo byte
}

func (w *pickleWriter) put() {
	w.b = append(w.b, opBinPut, w.memo)
	w.memo++
}

func (w *pickleWriter) text(s string) {
	w.b = binary.LittleEndian.AppendUint32(append(w.b, opBinUnicode), uint32(len(s)))
	w.b = append(w.b, s...)
	w.put()
}

func (w *pickleWriter) value(v any) {
	switch v := v.(type) {
	case nil:
		w.b = append(w.b, opNone)
	case string:
		w.text(v)
	case int:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, opBinInt), uint32(v))
	case float64:
		w.b = binary.BigEndian.AppendUint64(append(w.b, opBinFloat), math.Float64bits(v))
	}
}

// pickleOf pickles names and values in turn.
func pickleOf(pairs ...any) string {
	w := pickleWriter{b: []byte{opEmptyDict}}
	w.put()
	w.b = append(w.b, opMark)
	for _, v := range pairs {
		w.value(v)
	}
	w.b = append(w.b, opSetItems, opStop)
	return string(w.b)
}

// recordPickle is what SocketHandler sends for a record with this message.
func recordPickle(msg, traceback any) string {
	return pickleOf("name", "shop.orders", "msg", msg, "args", nil, "levelname", "INFO", "levelno", 20,
		"pathname", "/srv/shop/orders/views.py", "filename", "views.py", "module", "views", "exc_info", nil,
		"exc_text", traceback, "stack_info", nil, "lineno", 117, "funcName", "pay", "created", 1795188272.0031238,
		"msecs", 3.0, "relativeCreated", 518231.99701309204, "thread", 1396379768, "threadName", "MainThread",
		"processName", "MainProcess", "process", 4711)
}

var benchPickles = []struct{ name, pickle string }{
	{"Record", recordPickle("GET /orders/17 took 12 ms and found nothing new for anybody", nil)},
	{"Traceback", recordPickle("failed", "Traceback (most recent call last):\n  File \"x.py\", line 3, in f\n    {}[1]\nKeyError: 1")},
}

// From pickle to message: at most 5 µs, for 200,000 a second on one core.
func BenchmarkPickle(b *testing.B) {
	for _, c := range benchPickles {
		b.Run(c.name, func(b *testing.B) {
			run := newPickleRun(b)
			pickle := []byte(c.pickle)
			b.SetBytes(int64(len(pickle)))
			b.ReportAllocs()
			for b.Loop() {
				run.decode(b, pickle)
			}
		})
	}
}

// A pickleRun is what a connection does with its records.
type pickleRun struct {
	u     *unpickler
	d     *Decoder
	batch *syslog.Batch
}

func newPickleRun(tb testing.TB) *pickleRun {
	return &pickleRun{newUnpickler(1 << 20), NewDecoder(JSON, newParser(tb, redisOptions())), syslog.NewBatch()}
}

func (r *pickleRun) decode(tb testing.TB, pickle []byte) {
	if r.batch.Full() {
		r.batch.Reset()
		r.d.Reset()
	}
	payload, guess, err := r.d.unpickle(r.u, pickle, 1<<20)
	if err != nil || guess != 0 {
		tb.Fatal(err, guess)
	}
	r.d.Decode(r.batch.Next(), payload, nil, origins["redis"])
}
