//go:build !race

package ingest

import "testing"

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
