package writer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Empty blocks are kept as long as they are needed now and then. Those that are not go, but for a few.
func TestSpares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const few = 2
		var s spares
		for _, c := range []struct{ needed, left int }{{10, 10}, {10, 10}, {4, 10}, {4, 4}, {3, 4}, {0, 3}, {0, few}, {0, few}} {
			held := make([]*Block, c.needed)
			for i := range held {
				held[i] = s.pop()
			}
			for _, b := range held {
				s.put(b)
			}
			if s.n != c.left {
				t.Errorf("%d are kept where %d were needed last, want %d", s.n, c.needed, c.left)
			}
			due := s.trim(few)
			if s.n <= few != due.IsZero() {
				t.Errorf("%d are left, and the next look is at %v", s.n, due)
			}
			if n := s.n; s.trim(few) != due || s.n != n {
				t.Error("a second look in the same moment has given something back")
			}
			time.Sleep(sparesKept)
		}
	})
}
