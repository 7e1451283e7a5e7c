package writer

import (
	"testing"
	"time"

	"sluice/syslog"
)

// A queue that is full, with a writer that waits for its disk, answers; one whose lock is never given back does not.
func TestProbe(t *testing.T) {
	q := newQueue(t, QueueOptions{Memory: 1, WhenFull: DropNewest}, "")
	b := batchOf(syslog.Never, "one", "two")
	q.Append(b, indexes(b))
	q.hands.Lock() // as for a disk
	q.Probe()
	q.hands.Unlock()
	q.mu.Lock()
	answered := make(chan struct{})
	go func() {
		q.Probe()
		close(answered)
	}()
	select {
	case <-answered:
		t.Error("a wedged queue answers")
	case <-time.After(50 * time.Millisecond):
	}
	q.mu.Unlock()
	<-answered
}
