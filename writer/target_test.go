package writer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A scriptedSink does what its script says for each try: a word is an error, a dash is none. Behind the script all goes well.
type scriptedSink struct {
	script []string
	begin  time.Time
	tries  []time.Duration
	lines  []string
	closed int
	hold   time.Duration // how long each try takes
}

func (s *scriptedSink) Write(b *Block) error {
	s.tries = append(s.tries, time.Since(s.begin))
	if s.hold > 0 {
		<-time.After(s.hold)
	}
	if len(s.script) > 0 {
		word := s.script[0]
		s.script = s.script[1:]
		if word != "-" {
			return errors.New(word)
		}
	}
	s.lines = append(s.lines, texts(b)...)
	return nil
}

func (s *scriptedSink) Close() error {
	s.closed++
	return nil
}

// newTarget returns a target that writes to sink, and its log, which tells no time.
func newTarget(t testing.TB, sink Sink, memory int64) (*Target, *bytes.Buffer) {
	log := &bytes.Buffer{}
	h := slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return NewTarget("archive", newQueue(t, QueueOptions{Memory: memory}, ""), sink, slog.New(h)), log
}

// What Run does about a sink that fails: when it tries, what it says, what it counts.
func TestTargetRetries(t *testing.T) {
	const broken, mended = "level=ERROR msg=\"cannot write, trying again\" target=archive error=%\n", "level=INFO msg=\"writing again\" target=archive\n"
	say := func(errs ...string) string {
		log := ""
		for _, e := range errs {
			log += strings.ReplaceAll(broken, "%", e) + mended
		}
		return log
	}
	ms := func(list ...int) (d []time.Duration) {
		for _, n := range list {
			d = append(d, time.Duration(n)*time.Millisecond)
		}
		return d
	}
	for _, c := range []struct {
		name   string
		script string
		tries  []time.Duration
		errors uint64
		log    string
	}{
		{"no fault", "- - -", ms(0, 0, 0), 0, ""},
		{"one fault", "full - -", ms(0, 100, 100, 100), 1, say("full")},
		{"a fault is said once, and the waits grow to 5 s", "full full full full full full full full", ms(0, 100, 300, 700, 1500, 3100, 6300, 11300, 16300, 16300, 16300), 8, say("full")},
		{"another fault meanwhile is the same outage", "full broken -", ms(0, 100, 300, 300, 300), 2, say("full")},
		{"a new outage begins with short waits again, and is not said so soon", "full full - - full -", ms(0, 100, 300, 300, 300, 400), 3, say("full")},
	} {
		bubble(t, c.name, func(t *testing.T) {
			sink := &scriptedSink{script: strings.Fields(c.script), begin: time.Now()}
			target, log := newTarget(t, sink, 1<<20)
			big := strings.Repeat("x", blockSize)
			put(target.Queue, "1"+big, "2"+big, "3")
			target.Finish()
			fatal(t, target.Run(t.Context()))
			if len(sink.lines) != 3 || sink.lines[0][0] != '1' || sink.lines[1][0] != '2' || sink.lines[2] != "3" {
				t.Errorf("%d messages are written, want 3 in their order", len(sink.lines))
			}
			if !slices.Equal(sink.tries, c.tries) {
				t.Errorf("tries at %v, want %v", sink.tries, c.tries)
			}
			if diff := cmp.Diff(c.log, log.String()); diff != "" {
				t.Error(diff)
			}
			if target.Errors() != c.errors || target.Messages() != 3 || target.Bytes() != uint64(2*len(big)+6) || target.Dropped() != 0 || !target.Up() {
				t.Errorf("counts %d errors, %d messages, %d bytes, %d dropped, up %v", target.Errors(), target.Messages(), target.Bytes(), target.Dropped(), target.Up())
			}
			if sink.closed != 1 {
				t.Errorf("the sink is closed %d times", sink.closed)
			}
		})
	}
}

// While its sink fails a target is down, and the message waits.
func TestTargetDown(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		target, _ := newTarget(t, &scriptedSink{script: []string{"full", "full"}, begin: time.Now()}, 1<<20)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- target.Run(ctx) }()
		_, position := put(target.Queue, "m")
		<-time.After(150 * time.Millisecond)
		if target.Up() || target.Errors() != 2 || target.QueueBytes() == 0 || closed(target.Settled(position)) {
			t.Errorf("up %v, %d errors, %d bytes", target.Up(), target.Errors(), target.QueueBytes())
		}
		<-target.Settled(position)
		if !target.Up() || target.Messages() != 1 || target.QueueBytes() != 0 {
			t.Errorf("up %v, %d messages, %d bytes", target.Up(), target.Messages(), target.QueueBytes())
		}
		cancel()
		fatal(t, <-done)
	})
}

// A message that comes alone is written at once, and those that come while a write lasts go together.
func TestTargetLatency(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		sink := &scriptedSink{begin: time.Now(), hold: time.Second}
		target, _ := newTarget(t, sink, 1<<20)
		done := make(chan error)
		go func() { done <- target.Run(context.Background()) }()
		for range 5 {
			put(target.Queue, "m")
			synctest.Wait()
		}
		target.Finish()
		fatal(t, <-done)
		if want := []time.Duration{0, time.Second}; !slices.Equal(sink.tries, want) || len(sink.lines) != 5 {
			t.Errorf("%d messages at %v, want 5 at %v", len(sink.lines), sink.tries, want)
		}
	})
}

// At the end of its context a target leaves, whatever its sink does, and what is left is counted. The bubble
// fails if a goroutine stays behind.
func TestTargetGivesUp(t *testing.T) {
	const down = "level=ERROR msg=\"cannot write, trying again\" target=archive error=full\n"
	for _, c := range []struct {
		name    string
		script  string
		hold    time.Duration
		after   time.Duration // when the context ends
		finish  bool
		written uint64
		dropped uint64
		took    time.Duration
		log     string
	}{
		{"before anything", "", 0, 0, false, 0, 3, 0, ""},
		{"between two tries", "full full full full", 0, time.Second, true, 0, 3, time.Second, down},
		{"during a slow write", "", time.Minute, 90 * time.Second, false, 2, 1, 2 * time.Minute, ""},
		{"idle", "", 0, time.Hour, false, 3, 0, time.Hour, ""},
		{"finished before", "", time.Minute, time.Hour, true, 3, 0, 3 * time.Minute, ""},
	} {
		bubble(t, c.name, func(t *testing.T) {
			sink := &scriptedSink{script: strings.Fields(c.script), begin: time.Now(), hold: c.hold}
			target, log := newTarget(t, sink, 1<<20)
			big := strings.Repeat("x", blockSize)
			_, position := put(target.Queue, big, big, "3")
			if c.finish {
				target.Finish()
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.after)
			defer cancel()
			fatal(t, target.Run(ctx))
			if took := time.Since(sink.begin); took != c.took {
				t.Errorf("left after %v, want %v", took, c.took)
			}
			if target.Messages() != c.written || target.Dropped() != c.dropped || target.QueueBytes() != 0 {
				t.Errorf("%d written, %d dropped, %d bytes left; want %d, %d, 0", target.Messages(), target.Dropped(), target.QueueBytes(), c.written, c.dropped)
			}
			if diff := cmp.Diff(c.log, log.String()); diff != "" {
				t.Error(diff)
			}
			if !closed(target.Settled(position)) || sink.closed != 1 {
				t.Errorf("the ticket is not done, or the sink is closed %d times", sink.closed)
			}
		})
	}
}
