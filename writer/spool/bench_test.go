package spool

import (
	"testing"
	"time"
)

// block is a record as the writer makes them: 300 messages of 200 bytes.
func block() *Record {
	return numbered(1, 300, 200)
}

func perMessage(b *testing.B, r *Record) {
	messages := float64(b.N) * float64(len(r.Ends))
	b.ReportMetric(messages/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkAppend appends to a spool that drops what is oldest, as it does when the collector is down for long.
func BenchmarkAppend(b *testing.B) {
	for _, on := range []struct {
		name  string
		dir   func(testing.TB) string
		fsync time.Duration
	}{
		{"memory, fsync 1s", memory, time.Second},
		{"disk, fsync 1s", func(t testing.TB) string { return t.(*testing.B).TempDir() }, time.Second},
		{"disk, fsync 0", func(t testing.TB) string { return t.(*testing.B).TempDir() }, 0},
	} {
		b.Run(on.name, func(b *testing.B) {
			s := open(b, on.dir(b), Options{Size: 1 << 30, Fsync: on.fsync}, quiet)
			r := block()
			for b.Loop() {
				for err := s.Append(r); err != nil; err = s.Append(r) {
					if err != ErrFull {
						b.Fatal(err)
					}
					s.DropOldest()
				}
			}
			perMessage(b, r)
		})
	}
}

// BenchmarkReplay reads and releases what waits, 128 blocks behind.
func BenchmarkReplay(b *testing.B) {
	s := open(b, memory(b), Options{Size: 1 << 30, Fsync: time.Second}, quiet)
	r := block()
	for s.Append(r) == nil {
	}
	var got Record
	flight := 0
	for b.Loop() {
		ok, err := s.Next(&got)
		fatal(b, err)
		if !ok { // once around
			b.StopTimer()
			s.Release(flight)
			flight = 0
			for s.Append(r) == nil {
			}
			b.StartTimer()
			continue
		}
		if flight++; flight > 128 {
			s.Release(1)
			flight--
		}
	}
	perMessage(b, r)
}

// BenchmarkOpen opens a spool of 1 GiB that was closed.
func BenchmarkOpen(b *testing.B) {
	s := open(b, memory(b), Options{Size: 1 << 30, Fsync: time.Second}, quiet)
	r := block()
	for s.Append(r) == nil {
	}
	fatal(b, s.Close())
	for b.Loop() {
		s, err := Open(s.dir, lazy, quiet)
		fatal(b, err)
		fatal(b, s.Close())
	}
}
