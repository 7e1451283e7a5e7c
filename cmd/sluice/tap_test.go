package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/syslog"
	"sluice/writer"
)

func standardTap(t testing.TB, target string) *tap {
	t.Helper()
	format, err := syslog.FormatSpec{Text: "message", Zone: time.UTC}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return newTap(nil, target, format)
}

// batch holds numbered messages.
func numberedBatch(from, n int) *syslog.Batch {
	b := &syslog.Batch{}
	for i := range n {
		b.Messages = append(b.Messages, syslog.Message{Origin: &syslog.Origin{}, Msg: fmt.Appendf(nil, "%d %s", from+i, strings.Repeat("x", 100))})
	}
	return b
}

// Who is too slow gets a bounded number of messages, and is told how many he did not get; together they are all.
func TestTapSlow(t *testing.T) {
	var all taps
	one := standardTap(t, "")
	all.add(one)
	const inputs, batches = 4, 200
	var senders sync.WaitGroup
	for range inputs {
		senders.Go(func() {
			for n := range batches {
				all.show(numberedBatch(n*100, 100), nil, nil)
			}
		})
	}
	senders.Wait()
	text, missed := one.fetch(nil)
	shown := strings.Count(string(text), "\n")
	if len(text) > tapRoom+200 || missed == 0 || uint64(shown)+missed != inputs*batches*100 {
		t.Errorf("%d bytes, %d shown, %d missed", len(text), shown, missed)
	}
	all.show(numberedBatch(0, 1), nil, nil)
	if text, missed := one.fetch(text); len(text) == 0 || missed != 0 {
		t.Errorf("%q, %d missed", text, missed)
	}
	all.remove(one)
	all.show(numberedBatch(0, 1), nil, nil)
	if text, _ := one.fetch(nil); len(text) > 0 || all.current.Load() != nil {
		t.Errorf("%q came to one who has left", text)
	}
}

// Only what goes to the target is shown.
func TestTapTarget(t *testing.T) {
	one := standardTap(t, "b")
	one.copy(numberedBatch(0, 5), one.there([][]int32{{0, 1, 2}, {1, 4}}, []*writer.Target{{Name: "a"}, {Name: "b"}}))
	text, _ := one.fetch(nil)
	var got string
	for line := range strings.Lines(string(text)) {
		got += line[:1]
	}
	if got != "14" {
		t.Errorf("shown: %s", got)
	}
}

// While nobody watches it costs one load.
func BenchmarkTapNobody(b *testing.B) {
	var all taps
	batch := numberedBatch(0, 128)
	for b.Loop() {
		all.show(batch, nil, nil)
	}
}
