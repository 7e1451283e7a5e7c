package ingest

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// A logbook keeps log lines.
type logbook struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
}

func newLogbook() *logbook {
	l := &logbook{}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	return l.text.Write(p)
}

// wait waits until the log holds text.
func (l *logbook) wait(t testing.TB, text string) {
	t.Helper()
	timer := time.AfterFunc(patience, l.changed.Broadcast)
	defer timer.Stop()
	start := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for !strings.Contains(l.text.String(), text) {
		if time.Since(start) > patience {
			t.Fatalf("the log does not say %q:\n%s", text, l.text.String())
		}
		l.changed.Wait()
	}
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
