//go:build !race

package spool

import (
	"testing"
	"time"
)

// A spool in steady state allocates nothing for a record: not when it is appended, read, released, or read again.
func TestAllocatesNothing(t *testing.T) {
	for _, fsync := range []time.Duration{0, time.Hour} {
		s := open(t, memory(t), Options{Size: 1 << 30, Fsync: fsync}, quiet)
		r, got := block(), new(Record)
		round := func() {
			for range 3 {
				fatal(t, s.Append(r))
			}
			for range 2 {
				for range 3 {
					if ok, err := s.Next(got); !ok || err != nil {
						t.Fatal(ok, err)
					}
				}
				s.Rewind()
			}
			s.Next(got)
			s.Next(got)
			s.Release(2)
			s.Next(got)
			s.Release(1)
		}
		for range 10 {
			round()
		}
		if n := testing.AllocsPerRun(50, round); n != 0 {
			t.Errorf("fsync %v: %v allocations", fsync, n)
		}
	}
}
