package syslog

import (
	"strconv"
	"testing"
)

func fieldsNamed(t *testing.T, names ...string) (fields []Field) {
	t.Helper()
	for _, name := range names {
		f, err := FieldNamed(name)
		fatal(t, err)
		fields = append(fields, f)
	}
	return fields
}

// Only the first of messages that look alike is not known. When hardly any is, the next few thousand are not looked up.
func TestRecall(t *testing.T) {
	r := NewRecall[string](false, fieldsNamed(t, "tag", "hostname")...)
	known := func(n, different int) (found int) {
		t.Helper()
		for i := range n {
			tag := "svc" + strconv.Itoa(i%different)
			m := &Message{Tag: []byte(tag), Hostname: []byte("web"), Msg: []byte(strconv.Itoa(i)), tagged: true}
			made, ok := r.Find(m)
			if !ok {
				r.Keep(tag)
				continue
			}
			found++
			if *made != tag {
				t.Errorf("%s is known as %s", tag, *made)
			}
		}
		return found
	}
	if n := known(recallRound, 5); n != recallRound-5 {
		t.Errorf("%d messages were known", n)
	}
	if n := known(recallRound, recallRound); n != 5 {
		t.Errorf("of new ones %d were known", n)
	}
	if n := known(recallRest, 5); n > 0 {
		t.Errorf("%d messages were known during the rest", n)
	}
	if n := known(recallRound, 5); n < recallRound-5 {
		t.Errorf("after the rest %d messages were known", n)
	}
}

// Many that look different have each other forgotten, but are not taken for each other; and nothing is kept of what was not asked for.
func TestRecallTellsApart(t *testing.T) {
	long := make([]byte, recallLooks)
	messages := []*Message{
		{Tag: []byte("ab"), Hostname: []byte("c")},
		{Tag: []byte("a"), Hostname: []byte("bc")},
		{Tag: []byte(""), Hostname: []byte("abc")},
		{Tag: []byte("ab"), Hostname: []byte("c"), Severity: 1},
		{Tag: []byte("ab"), Hostname: []byte("c"), Facility: 1},
		{Tag: long, Hostname: []byte("1")},
		{Tag: long, Hostname: []byte("2")},
	}
	for i := range 3 * recallMemos {
		messages = append(messages, &Message{Tag: strconv.AppendInt(nil, int64(i), 10)})
	}
	r := NewRecall[int](true, fieldsNamed(t, "tag", "hostname")...)
	for range 3 {
		r.asked, r.rest = 0, 0
		for i, m := range messages {
			m.tagged = true
			if made, ok := r.Find(m); ok && *made != i {
				t.Fatalf("message %d is known as %d", i, *made)
			} else if !ok {
				r.Keep(i)
			}
			r.Keep(-1)
		}
	}
}

// Where values do not recur, nothing is remembered.
func TestNewRecall(t *testing.T) {
	for _, c := range []struct {
		fields []string
		want   bool
	}{
		{[]string{"hostname"}, true},
		{[]string{"hostname", "date", "input", "facility"}, true},
		{[]string{"hostname", "date", "input", "facility", "tag"}, false},
		{[]string{"hostname", "message"}, false},
		{[]string{"timestamp"}, false},
		{[]string{"record.user"}, false},
		{nil, false},
	} {
		if r := NewRecall[int](false, fieldsNamed(t, c.fields...)...); (r != nil) != c.want {
			t.Errorf("%v: %t", c.fields, r != nil)
		}
	}
}
