package writer

import (
	"strings"
	"testing"
	"time"
)

// Names in a folder are whatever somebody made. What is taken for an old file must be a name that this path makes: with the
// date put back where it stood, and what rotation and compression put behind it.
func FuzzOldNames(f *testing.F) {
	for _, name := range []string{"a-2026-11-19.log", "a-2026-11-19-2026-11-20.log.gz", "a.log.1", "a.log.2026-11-19.3.zst.partial", "-2026-02-30.log", ".1", "a.log.99999999999999999999", ""} {
		f.Add(name)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	dated, err := newPattern("/l/{hostname}-{date}.log", time.UTC)
	fatal(f, err)
	plain, err := newPattern("/l/{hostname}.log", time.UTC)
	fatal(f, err)
	f.Fuzz(func(t *testing.T, name string) {
		o := old{name: name}
		if dated.sort(&o, "", date{}, now, &found{}) != nil {
			end := o.when.AddDate(0, 0, -1).Format(time.DateOnly)
			rest := strings.Split(o.path, "/")
			if o.when.After(now) || strings.Count(name, end) < 1 || rest[0] == "-" || !strings.HasPrefix(name, rest[0]) {
				t.Errorf("%q is taken for one of %s, %q", name, end, o.path)
			}
		}
		o = old{name: name}
		if plain.sort(&o, "", date{}, now, &found{}) != nil && (!strings.HasPrefix(name, o.path) || !strings.HasSuffix(o.path, ".log") || o.path == ".log") {
			t.Errorf("%q is taken for one of %q", name, o.path)
		}
	})
}
