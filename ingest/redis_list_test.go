package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

// Lists, on a server that knows BLMPOP and on one that is too old for it: what was pushed before we came, more than a
// batch, and while we wait; a list that is none is said and is nothing to the others.
func TestLists(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"Redis 7": nil,
		"older":   {"--rename-command", "BLMPOP", "", "--rename-command", "LMPOP", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t, args...)
			s.do("SET", "wrong", "a string")
			var want []string
			for i := range 3*syslog.BatchSize + 1 {
				s.do("RPUSH", "logs", fmt.Sprint("text ", i))
				want = append(want, fmt.Sprint("logs text ", i))
			}
			f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) {
				c.Lists, c.MaxMessageSize = []string{"logs", "wrong", "other"}, 100
			})
			f.sink.wait(t, len(want))
			s.do("RPUSH", "other", "<134>app: with a header")
			f.sink.wait(t, len(want)+1)
			s.do("RPUSH", "logs", strings.Repeat("x", 101))
			f.sink.wait(t, len(want)+2)
			f.stop()
			want = append(want, "other with a header", "logs "+strings.Repeat("x", 100)+" [cut]")
			if diff := cmp.Diff(want, f.sink.lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := s.do("LLEN", "logs"); n != int64(0) {
				t.Errorf("%v are left in the list", n)
			}
			if text := f.logs.String(); !strings.Contains(text, "list wrong: the key holds something else") || strings.Count(text, "\n") > 2 {
				t.Errorf("log:\n%s", text)
			}
		})
	}
}

// While a target is full nothing is popped, and what waits in the list survives us.
func TestListWaits(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Lists = []string{"logs"} })
	f.ready(t)
	held, in := make(chan struct{}), make(chan struct{}, 10)
	f.sink.first(func(b *syslog.Batch) {
		if b.Feed.Patience != syslog.Patiently {
			t.Error("a list can wait")
		}
		in <- struct{}{}
		<-held
	})
	s.do("RPUSH", "logs", "first")
	<-in
	for i := range 1000 {
		s.do("RPUSH", "logs", i)
	}
	if n := s.do("LLEN", "logs"); n != int64(1000) {
		t.Errorf("%v are left in the list, not all that were pushed while the target was full", n)
	}
	f.Close() // as Run's context would
	close(held)
	f.stop()
	left := s.do("LLEN", "logs").(int64)
	if got := len(f.sink.lines); got+int(left) != 1001 || got == 0 {
		t.Errorf("%d came and %d are left", got, left)
	}
}

// A server that crashes and comes back.
func TestListReconnects(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Lists = []string{"logs"} })
	f.ready(t)
	s.kill()
	f.connected(t, 0)
	s.start()
	f.ready(t)
	s.do("RPUSH", "logs", "after a crash")
	f.sink.wait(t, 1)
	if f.Counters().Reconnects.Load() != 1 || !strings.Contains(f.logs.String(), "reads from Redis again") {
		t.Errorf("%d reconnects, log:\n%s", f.Counters().Reconnects.Load(), f.logs)
	}
}
