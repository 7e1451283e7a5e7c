package writer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/syslog"
)

// A memorySink keeps what it is given. Every seventh try fails.
type memorySink struct {
	tries int
	lines []string
}

func (s *memorySink) Write(b *Block) error {
	if s.tries++; s.tries%7 == 0 {
		return errors.New("not now")
	}
	s.lines = append(s.lines, texts(b)...)
	return nil
}

func (s *memorySink) Close() error { return nil }

// Many readers append at once to two targets that cannot keep up. What each sent comes out in its order, once; what does
// not come out is counted.
func TestConcurrentAppenders(t *testing.T) {
	const appenders, batches = 8, 300
	for _, c := range []struct {
		name     string
		whenFull WhenFull
		patience syslog.Patience
		lossless bool
	}{
		{"senders wait", BlockSenders, syslog.Patiently, true},
		{"senders cannot wait", BlockSenders, syslog.Never, false},
		{"drop_oldest", DropOldest, syslog.Patiently, false},
		{"drop_newest", DropNewest, syslog.Patiently, false},
	} {
		bubble(t, c.name, func(t *testing.T) { // its time: the waits between tries cost nothing
			var targets []*Target
			var sinks []*memorySink
			var writers, readers sync.WaitGroup
			for i := range 2 {
				o := QueueOptions{Memory: int64(3000 + 200_000*i), WhenFull: c.whenFull, BlockFor: time.Hour}
				sink := &memorySink{}
				target := NewTarget("memory", newQueue(t, o, ""), sink, slog.New(slog.NewTextHandler(io.Discard, nil)))
				targets, sinks = append(targets, target), append(sinks, sink)
				writers.Go(func() { target.Run(context.Background()) })
			}
			tickets := make(chan syslog.Ticket, appenders)
			for a := range appenders {
				readers.Go(func() {
					number, feed := 0, &syslog.Feed{Patience: c.patience}
					for n := range batches {
						b := &syslog.Batch{Feed: feed}
						for range 1 + (n+a)%40 {
							b.Messages = append(b.Messages, syslog.Message{Msg: fmt.Appendf(nil, "%d %d", a, number)})
							number++
						}
						var full []Offer
						for _, target := range targets {
							rest, position := target.Append(b, indexes(b))
							feed.Mark(target.Queue, position)
							if len(rest) > 0 {
								full = append(full, Offer{Queue: target.Queue, Rest: rest})
							}
						}
						new(Waiter).Offers(t.Context(), b, full)
						if n%50 == 49 {
							feed.Sync().Wait(t.Context())
						}
					}
					tickets <- feed.Sync()
				})
			}
			readers.Wait()
			for _, target := range targets {
				target.Finish()
			}
			writers.Wait()
			for range appenders {
				for _, done := range <-tickets {
					if !closed(done) {
						t.Error("a ticket is not done")
					}
				}
			}
			want := 0
			for a := range appenders {
				for n := range batches {
					want += 1 + (n+a)%40
				}
			}
			for i, sink := range sinks {
				last := [appenders]int{}
				for _, l := range sink.lines {
					var a, number int
					if n, _ := fmt.Sscan(strings.ReplaceAll(l, " ", "\n"), &a, &number); n != 2 {
						t.Fatalf("a torn line: %q", l)
					}
					if number++; number <= last[a] || c.lossless && number != last[a]+1 {
						t.Fatalf("target %d: message %d of appender %d follows %d", i, number, a, last[a])
					}
					last[a] = number
				}
				dropped := int(targets[i].Dropped())
				if len(sink.lines)+dropped != want || c.lossless && dropped > 0 {
					t.Errorf("target %d: %d written and %d dropped, want %d together", i, len(sink.lines), dropped, want)
				}
				if m := targets[i].Messages(); m != uint64(len(sink.lines)) || targets[i].QueueBytes() != 0 {
					t.Errorf("target %d: counts %d written, has %d bytes left", i, m, targets[i].QueueBytes())
				}
			}
		})
	}
}
