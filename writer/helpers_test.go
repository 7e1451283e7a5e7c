package writer

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/syslog"
)

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lacks skips the test because the machine lacks what it needs, or fails it where CI says that nothing may be lacking.
func lacks(t testing.TB, what any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// bubble runs a test under its own time, which passes when everybody waits. A goroutine that is left over fails it.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// newQueue returns a queue of the format `message` whose messages go to path, which may be empty.
func newQueue(t testing.TB, o QueueOptions, path string) *Queue {
	t.Helper()
	template, err := syslog.FormatSpec{Text: "message", Zone: time.UTC}.Compile()
	fatal(t, err)
	p, err := CompilePath(path, time.UTC)
	fatal(t, err)
	return NewQueue(o, template, p)
}

// batchOf returns a batch of messages with these texts, from a reader of this patience.
func batchOf(patience syslog.Patience, texts ...string) *syslog.Batch {
	b := &syslog.Batch{Feed: &syslog.Feed{Patience: patience}}
	for _, text := range texts {
		b.Messages = append(b.Messages, syslog.Message{Msg: []byte(text)})
	}
	return b
}

// indexes are the indexes of all messages of b.
func indexes(b *syslog.Batch) []int32 {
	all := make([]int32, len(b.Messages))
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// put appends messages with these texts and returns how many there was no room for, and the position.
func put(q *Queue, texts ...string) (rest int, position uint64) {
	b := batchOf(syslog.Patiently, texts...)
	left, position := q.Append(b, indexes(b))
	return len(left), position
}

// texts are the messages of b.
func texts(b *Block) []string {
	var all []string
	for i, end := range b.Ends {
		all = append(all, string(b.Text[b.start(uint32(i)):end]))
	}
	return all
}

// drain takes and settles what the queue holds, and returns it.
func drain(q *Queue) []string {
	var all []string
	for {
		b, _ := q.tryTake()
		if b == nil {
			return all
		}
		all = append(all, texts(b)...)
		q.settle()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A line is a message and the file it goes to.
type line struct{ path, text string }

// blockOf returns a block of these lines.
func blockOf(lines ...line) *Block {
	b := newBlock()
	for _, l := range lines {
		b.Text = append(b.Text, l.text...)
		if l.path != "" {
			b.paths.add(l.path, b.Count())
		}
		b.add()
	}
	return b
}

// numbered is n lines of about size bytes for one path, each of which says its number.
func numbered(path, name string, n, size int) []line {
	lines := make([]line, n)
	for i := range lines {
		text := fmt.Sprintf("%s %d ", name, i)
		lines[i] = line{path, text + strings.Repeat("x", max(0, size-len(text)))}
	}
	return lines
}

// content is what the lines make a file hold.
func content(lines ...line) string {
	var s strings.Builder
	for _, l := range lines {
		s.WriteString(l.text + "\n")
	}
	return s.String()
}

// holds checks what a file holds.
func holds(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	fatal(t, err)
	if string(got) == want {
		return
	}
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	t.Errorf("%s holds %d bytes, want %d; they differ at byte %d: %.60q, want %.60q", path, len(got), len(want), n, got[n:], want[n:])
}

// take is takeOr for a taker that has nothing else to do.
func (q *Queue) take(ctx context.Context) *Block {
	return q.takeOr(ctx, func() time.Duration { return 0 })
}
