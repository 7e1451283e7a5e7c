package syslog

import (
	"testing"
	"time"
)

func TestFault(t *testing.T) {
	var f Fault
	now := time.Unix(1000, 0)
	says := func(after time.Duration, wantUnsaid uint64, want bool) {
		t.Helper()
		now = now.Add(after)
		if unsaid, ok := f.Due(now); unsaid != wantUnsaid || ok != want {
			t.Errorf("%d, %v; want %d, %v", unsaid, ok, wantUnsaid, want)
		}
	}
	if f.Resolved() {
		t.Error("resolved before it was there")
	}
	says(0, 0, true)
	says(1, 0, false)
	says(faultPause/2, 0, false)
	says(faultPause/2, 2, true)
	if !f.Resolved() || f.Resolved() {
		t.Error("resolved is not said once")
	}
	says(faultPause, 0, true)
}
