package ingest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"

	ogórek "github.com/kisielk/og-rek"
)

// Whatever bytes come: no panic, and what is written is an object that this package's own reader takes, of the length that
// was allowed. Where og-rek, which builds what it reads, makes a map of the bytes, its texts and ints are in ours.
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
		if whole {
			agree(t, pickle, record)
		}
		again, _ := u.append(nil, root, limit)
		if !bytes.Equal(got, again) {
			t.Errorf("written twice:\n%s\n%s", got, again)
		}
	})
}

// agree compares with what og-rek makes of the pickle.
func agree(t *testing.T, pickle, record []byte) {
	defer func() { _ = recover() }() // it panics over some
	v, err := ogórek.NewDecoder(bytes.NewReader(pickle)).Decode()
	theirs, ok := v.(map[any]any)
	if err != nil || !ok {
		return
	}
	var ours map[string]any
	numbers := json.NewDecoder(bytes.NewReader(record))
	numbers.UseNumber()
	if err := numbers.Decode(&ours); err != nil {
		t.Fatal(err)
	}
	for k, v := range theirs {
		name, ok := k.(string)
		if !ok {
			return // 1 and "1" are one key in JSON
		}
		switch v := v.(type) {
		case string:
			if utf8.ValidString(name) && utf8.ValidString(v) && ours[name] != v {
				t.Errorf("%q is %q for og-rek, %v for us: %s", name, v, ours[name], record)
			}
		case int64:
			if utf8.ValidString(name) && ours[name] != json.Number(strconv.FormatInt(v, 10)) {
				t.Errorf("%q is %d for og-rek, %v for us: %s", name, v, ours[name], record)
			}
		}
	}
}
