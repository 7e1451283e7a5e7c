package writer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/syslog"
)

// benchBatch is a full batch of RFC 3164 messages of 200 bytes from so many hosts in turn.
func benchBatch(hosts int) *syslog.Batch {
	now := time.Date(2026, 11, 20, 15, 18, 0, 0, time.UTC)
	o := syslog.DefaultParseOptions()
	o.Location = time.UTC
	p := syslog.NewParser(o, time.UTC)
	p.SetNow(now)
	origin := &syslog.Origin{Input: "bench", Transport: syslog.TCP, Source: []byte("10.0.0.7"), Host: []byte("10.0.0.7")}
	b := syslog.NewBatch()
	b.Feed = &syslog.Feed{Patience: syslog.Never}
	for i := 0; !b.Full(); i++ {
		raw := fmt.Sprintf("<134>Nov 20 15:17:52 host%d ServerLog[1234]: ", i%hosts)
		p.Parse(b.Next(), []byte(raw+strings.Repeat("x", 200-len(raw))), origin)
	}
	return b
}

// standardQueue is a queue of the default format.
func standardQueue(tb testing.TB, path string) *Queue {
	template, err := syslog.FormatSpec{Text: "standard", Zone: time.UTC}.Compile()
	fatal(tb, err)
	p, err := CompilePath(path, time.UTC)
	fatal(tb, err)
	return NewQueue(DefaultFileOptions().Queue, template, p)
}

// The kinds of queue that are measured.
var warm = []struct {
	name, path string
	hosts      int
}{
	{"one file", "", 1},
	{"one host", "/{hostname}/messages", 1},
	{"a hundred hosts", "/{hostname}/messages", 100},
}

// A queue whose taker keeps up allocates nothing.
func TestAppendAllocatesNothing(t *testing.T) {
	for _, c := range warm {
		t.Run(c.name, func(t *testing.T) {
			q, b := standardQueue(t, c.path), benchBatch(c.hosts)
			all := indexes(b)
			round := func() {
				for range 10 {
					q.Append(b, all)
				}
				for block, _ := q.tryTake(); block != nil; block, _ = q.tryTake() {
					q.settle()
				}
			}
			for range fewSpares {
				round()
			}
			if n := testing.AllocsPerRun(100, round); n != 0 {
				t.Errorf("%v allocations for %d messages", n, 10*len(all))
			}
		})
	}
}

// BenchmarkAppend is a message's way into a block: ns/op is for one of 200 bytes, in full batches.
func BenchmarkAppend(b *testing.B) {
	for _, c := range warm {
		b.Run(c.name, func(b *testing.B) {
			benchQueue(b, c.path, c.hosts, func(*Block) error { return nil })
		})
	}
}

// BenchmarkWrite is its way on into a file, or a hundred files, on the disk and in memory.
func BenchmarkWrite(b *testing.B) {
	for _, c := range warm {
		for where, dir := range map[string]string{"disk": b.TempDir(), "memory": "/dev/shm"} {
			b.Run(c.name+"/"+where, func(b *testing.B) {
				dir, err := os.MkdirTemp(dir, "sluice")
				fatal(b, err)
				b.Cleanup(func() { os.RemoveAll(dir) })
				fixed, path := filepath.Join(dir, "log"), ""
				if c.path != "" {
					fixed, path = "", dir+c.path
				}
				sink := openFile(b, fixed, DefaultFileOptions())
				blocks := 0
				benchQueue(b, path, c.hosts, func(block *Block) error {
					if blocks++; blocks%4096 == 0 { // 256 MB
						files, _ := filepath.Glob(filepath.Join(dir, "*"))
						for _, f := range files {
							os.RemoveAll(f)
						}
					}
					return sink.Write(block)
				})
			})
		}
	}
}

func benchQueue(b *testing.B, path string, hosts int, write func(*Block) error) {
	q, batch := standardQueue(b, path), benchBatch(hosts)
	all := indexes(batch)
	b.SetBytes(200)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(all) {
		q.Append(batch, all)
		for q.full.head != nil {
			block, _ := q.tryTake()
			fatal(b, write(block))
			q.settle()
		}
	}
}
