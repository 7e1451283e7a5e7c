package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

// A shelf is a target whose messages come to rest when the test says so.
type shelf struct {
	mu   sync.Mutex
	rest chan struct{}
}

func newShelf() *shelf { return &shelf{rest: make(chan struct{})} }

func (s *shelf) Settled(uint64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rest
}

// marks makes the sink of c put all it is given on t.
func marks(c *RedisConfig, t syslog.Target) { c.Handler.(*sink).target = t }

// settle brings all to rest that was handed over or will be, until unsettle.
func (s *shelf) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.rest)
}

// unsettle undoes settle, for what is handed over from now on.
func (s *shelf) unsettle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = make(chan struct{})
}

// pending is how many entries of a stream a group has not acknowledged.
func (s *redisServer) pending(stream string) int64 {
	s.t.Helper()
	p, err := s.XPending(s.t.Context(), stream, "sluice").Result()
	if err != nil {
		return -1
	}
	return p.Count
}

// add adds an entry with one field, as uWSGI does.
func (s *redisServer) add(stream, text string) string {
	s.t.Helper()
	return s.do("XADD", stream, "*", "msg", text).(string)
}

func lines(stream, text string, from, to int) (l []string) {
	for i := from; i < to; i++ {
		l = append(l, fmt.Sprintf("%s %s %d", stream, text, i))
	}
	return l
}

// What is in a stream when the group is made is read, and what comes then; an entry is acknowledged when it is at rest
// and not before, while reading goes on.
func TestStream(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	for i := range 300 {
		s.add("ulog", fmt.Sprint("old ", i))
	}
	shelf := newShelf()
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Streams = []string{"ulog"}; marks(c, shelf) })
	f.sink.wait(t, 300)
	for i := range 300 {
		s.add("ulog", fmt.Sprint("new ", i))
	}
	f.sink.wait(t, 600)
	if n := s.pending("ulog"); n != 600 {
		t.Errorf("%d are pending while none is at rest", n)
	}
	shelf.settle()
	eventually(t, "acknowledgements", func() bool { return s.pending("ulog") == 0 })
	shelf.unsettle()
	s.add("ulog", "last")
	f.sink.wait(t, 601)
	go shelf.settle()
	f.stop() // waits for that
	if n := s.pending("ulog"); n != 0 {
		t.Errorf("%d are pending after the end", n)
	}
	want := append(append(lines("ulog", "old", 0, 300), lines("ulog", "new", 0, 300)...), "ulog last")
	if diff := cmp.Diff(want, f.sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// At most so many entries are open; the rest stays where it is.
func TestStreamBound(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	pipe := s.Pipeline()
	const many = maxOpen + 500
	for i := range many {
		pipe.Do(t.Context(), "XADD", "ulog", "*", "msg", fmt.Sprint("text ", i))
	}
	_, err := pipe.Exec(t.Context())
	fatal(t, err)
	shelf := newShelf()
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Streams = []string{"ulog"}; marks(c, shelf) })
	f.sink.wait(t, maxOpen)
	if n := s.pending("ulog"); n != maxOpen {
		t.Errorf("%d are open", n)
	}
	shelf.settle()
	f.sink.wait(t, many)
	eventually(t, "acknowledgements", func() bool { return s.pending("ulog") == 0 })
	if !slices.Equal(f.sink.wait(t, many), lines("ulog", "text", 0, many)) {
		t.Error("not each once, in order")
	}
}

// Whatever is not at rest when we end is read again: by us when we come back, by another consumer after a while.
func TestStreamPending(t *testing.T) {
	t.Parallel()
	for name, consumer := range map[string]string{"same consumer": "web1", "another consumer": "web2"} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t)
			s.add("ulog", "text 0")
			gone := s.add("ulog", "trimmed")
			s.add("ulog", "text 1")
			// A consumer that was given all of them and died.
			s.do("XGROUP", "CREATE", "ulog", "sluice", "0")
			s.do("XREADGROUP", "GROUP", "sluice", "web1", "STREAMS", "ulog", ">")
			s.do("XDEL", "ulog", gone)
			s.add("ulog", "text 2")
			f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) {
				c.Streams, c.Consumer, c.ClaimAfter = []string{"ulog"}, consumer, 200*time.Millisecond
				marks(c, atRest{})
			})
			f.sink.wait(t, 3)
			eventually(t, "acknowledgements", func() bool { return s.pending("ulog") == 0 })
			f.stop()
			slices.Sort(f.sink.lines)
			if diff := cmp.Diff(lines("ulog", "text", 0, 3), f.sink.lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := f.Counters().Gone.Load(); n != 1 || !strings.Contains(f.logs.String(), "no longer in their stream") {
				t.Errorf("%d were gone; log:\n%s", n, f.logs)
			}
		})
	}
}

// atRest is a target where all is at rest at once.
type atRest struct{}

func (atRest) Settled(uint64) <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// What is open when the connection breaks is neither handed over again nor forgotten, and what is at rest meanwhile is
// acknowledged over the next; our own is not claimed from ourselves either.
func TestStreamReconnects(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	shelf := newShelf()
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) {
		c.Streams, c.ClaimAfter = []string{"ulog"}, 100*time.Millisecond
		marks(c, shelf)
	})
	for i := range 5 {
		f.ready(t)
		s.add("ulog", fmt.Sprint("text ", i))
		f.sink.wait(t, i+1)
		breaks := f.Counters().Reconnects.Load()
		eventually(t, "the break", func() bool {
			if f.Counters().Reconnects.Load() > breaks {
				return true
			}
			// Between two commands the library connects again without a word.
			s.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			return false
		})
	}
	if n := s.pending("ulog"); n != 5 {
		t.Errorf("%d are pending", n)
	}
	shelf.settle()
	eventually(t, "acknowledgements", func() bool { return s.pending("ulog") == 0 })
	f.stop()
	if diff := cmp.Diff(lines("ulog", "text", 0, 5), f.sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The group and the stream may go away, and the key may be something else for a time.
func TestStreamFaults(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	s.do("SET", "ulog", "a string")
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Streams = []string{"ulog", "other"}; marks(c, atRest{}) })
	f.ready(t) // the other one
	eventually(t, "to be told", func() bool {
		return strings.Contains(f.logs.String(), "stream ulog: the key holds something else")
	})
	s.add("other", "is read")
	f.sink.wait(t, 1)
	s.do("DEL", "ulog")
	f.connected(t, 2)
	s.add("ulog", "a stream now")
	f.sink.wait(t, 2)
	s.do("FLUSHALL")
	s.add("ulog", "from the start")
	f.sink.wait(t, 3)
	f.connected(t, 2)
	f.stop()
	want := []string{"other is read", "ulog a stream now", "ulog from the start"}
	if diff := cmp.Diff(want, f.sink.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A server without XAUTOCLAIM, and a user who may not make groups.
func TestStreamWithLess(t *testing.T) {
	t.Parallel()
	s := startRedis(t, "--rename-command", "XAUTOCLAIM", "")
	s.do("ACL", "SETUSER", "web", "on", ">pw", "~ulog", "-@all", "+xreadgroup", "+xack")
	s.do("XGROUP", "CREATE", "ulog", "sluice", "0", "MKSTREAM")
	for _, user := range []string{"", "web:pw@"} {
		f := openRedis(t, "redis://"+user+s.addr(), func(c *RedisConfig) { c.Streams = []string{"ulog"}; marks(c, atRest{}) })
		s.add("ulog", "text")
		f.sink.wait(t, 1)
		eventually(t, "the acknowledgement", func() bool { return s.pending("ulog") == 0 })
		f.stop()
		if !strings.Contains(f.logs.String(), "will not be claimed") {
			t.Errorf("log:\n%s", f.logs)
		}
	}
}

// A server that never answers holds the end up for a bounded time, and entries without a receipt stay pending.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Streams = []string{"ulog"}; marks(c, newShelf()) }) // nothing there is ever at rest
	s.add("ulog", "text")
	f.sink.wait(t, 1)
	begin := time.Now()
	f.stop()
	if d := time.Since(begin); d < redisGrace {
		t.Errorf("it waited only %s for what is not at rest", d)
	}
	if n := s.pending("ulog"); n != 1 {
		t.Errorf("%d are pending", n)
	}
}

// openEntries on its own: order, merging, limits.
func TestOpenEntries(t *testing.T) {
	o := newOpenEntries(3)
	done, not := make(chan struct{}), make(chan struct{})
	close(done)
	o.add([]string{"1", "2"}, syslog.Ticket{done})
	o.add([]string{"3"}, syslog.Ticket{done})
	o.add([]string{"4"}, syslog.Ticket{not})
	if n := o.room(over); n != 0 || !o.has("3") || o.has("5") {
		t.Errorf("room for %d", n)
	}
	ids := o.settled(t.Context())
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" {
		t.Error(diff)
	}
	answered := o.ask()
	o.remove(ids)
	if n := o.room(t.Context()); n != 2 || !o.has("3") {
		t.Errorf("room for %d, and what was closed while Redis was asked is forgotten", n)
	}
	answered()
	if o.has("3") {
		t.Error("what was closed is still known")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if ids := o.settled(ctx); ids != nil {
		t.Errorf("%q are at rest", ids)
	}
	close(not)
	o.remove(o.settled(t.Context()))
	o.drain(patience)
	if len(o.is) != 0 || len(o.receipts) != 0 {
		t.Errorf("left: %v", o.is)
	}
}
