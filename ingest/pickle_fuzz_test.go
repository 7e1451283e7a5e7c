package ingest

import (
	"bytes"
	"encoding/json"
	"testing"

	ogórek "github.com/kisielk/og-rek"
)

// Whatever bytes come: no panic, and what is written is an object that this package's own reader takes, of the length that
// was allowed. Where og-rek, which builds what it reads, makes a map of as many keys out of the bytes, so do we.
func FuzzUnpickle(f *testing.F) {
	for _, c := range handmade {
		if len(c.pickle) < 1<<12 {
			f.Add([]byte(c.pickle))
		}
	}
	f.Add([]byte(benchPickles[0].pickle))
	f.Fuzz(func(t *testing.T, pickle []byte) {
		const limit = 1 << 16
		u := newUnpickler(limit / 4)
		root, err := u.read(pickle)
		if err != nil {
			if m, ok := ogrekMap(pickle); ok && err != errPickleParts && err != errPickleMemo {
				t.Errorf("og-rek reads %d keys, and we: %v", len(m), err)
			}
			return
		}
		got, whole := u.append(nil, root, limit)
		if whole && len(got) > limit {
			t.Errorf("%d bytes", len(got))
		}
		d := NewDecoder(JSON, newParser(t, redisOptions()))
		record, ok := d.readObject(got)
		if !ok {
			t.Fatalf("not read again: %.1000s", got)
		}
		if !json.Valid(record) {
			t.Fatalf("no JSON: %.1000s", record)
		}
		again, _ := u.append(nil, root, limit)
		if !bytes.Equal(got, again) {
			t.Errorf("written twice:\n%s\n%s", got, again)
		}
	})
}

// ogrekMap is what og-rek makes of a pickle that it takes whole and that says its protocol, if that is a map with text
// for keys only. It is asked about nothing that shares, for it copies none and follows cycles for ever.
func ogrekMap(pickle []byte) (m map[any]any, ok bool) {
	defer func() {
		if recover() != nil { // it does, over some
			m, ok = nil, false
		}
	}()
	v, err := ogórek.NewDecoder(bytes.NewReader(pickle)).Decode()
	if err != nil {
		return nil, false
	}
	m, ok = v.(map[any]any)
	for k := range m {
		if _, text := k.(string); !text {
			return nil, false
		}
	}
	return m, ok
}
