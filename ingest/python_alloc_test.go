//go:build !race

package ingest

import (
	"io"
	"runtime"
	"strings"
	"testing"
)

// From pickle to message nothing is allocated, once the desk has its memory.
func TestPickleAllocatesNothing(t *testing.T) {
	for _, c := range benchPickles {
		run, pickle := newPickleRun(t), []byte(c.pickle)
		for range 1000 {
			run.decode(t, pickle)
		}
		if n := testing.AllocsPerRun(1000, func() { run.decode(t, pickle) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// A pickle of a megabyte costs some tens of them, whatever it does, and nothing once the next has come.
func TestPickleMemory(t *testing.T) {
	const size, bound = 1 << 20, 64 << 20
	for name, pickle := range map[string]string{
		"values":          strings.Repeat("N", size),
		"marks":           strings.Repeat("(", size),
		"tuples":          ")" + strings.Repeat("\x85", size),
		"lists":           strings.Repeat("]", size),
		"lists, popped":   strings.Repeat("]0", size/2),
		"the memo":        "N" + strings.Repeat("\x94", size),
		"one, appended":   "](" + strings.Repeat("Ne(", size/3),
		"two, appended":   "]q\x00]q\x01" + strings.Repeat("h\x00Na0h\x01Na0", size/10),
		"a high number":   strings.Repeat("N", size/8) + "r\xff\xff\x01\x00",
		"names":           strings.Repeat("N", 2) + strings.Repeat("2\x93", size/2),
		"growing by twos": ")" + strings.Repeat("2\x86", size/2),
	} {
		u := newUnpickler(size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = u.read([]byte(pickle))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > bound {
			t.Errorf("%s: %d MiB", name, n>>20)
		}
		_, _ = u.read([]byte("}."))
		if n := cap(u.stack) + cap(u.marks) + cap(u.memo) + cap(u.sequence) + cap(u.segments) + cap(u.cells); n > 6*keepParts {
			t.Errorf("%s: room for %d is kept", name, n)
		}
	}
}

// A connection that has nothing to say holds little, though it has said something before.
func TestPythonIdleMemory(t *testing.T) {
	const many, bound = 400, 24 << 10 // both ends of it, and what the runtime keeps
	f := startPython(t, nil)
	_, err := io.WriteString(f.dial(t), one("first"))
	fatal(t, err)
	f.sink.wait(t, 1)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range many {
		_, err := io.WriteString(f.dial(t), one("hello"))
		fatal(t, err)
		f.sink.wait(t, 2+i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := (int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse)) / many; n > bound {
		t.Errorf("%d bytes a connection", n)
	} else {
		t.Logf("%d bytes a connection", n)
	}
}
