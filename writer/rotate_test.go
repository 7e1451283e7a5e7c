package writer

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A clock is set by a test.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) set(t testing.TB, text string) {
	at := utc(t, text)
	c.at.Store(&at)
}

func (c *clock) now() time.Time { return *c.at.Load() }

// rotating returns a sink that rotates by this clock, and the log of what it says. It is closed with the test.
func rotating(t testing.TB, path string, r Rotation, c *clock) (*FileSink, *strings.Builder) {
	t.Helper()
	fatal(t, r.Check(path, time.UTC))
	o := DefaultFileOptions()
	o.Rotate = r
	fixed := path
	if p, _ := CompilePath(path, time.UTC); p != nil {
		fixed = ""
	}
	s := openFile(t, fixed, o)
	s.now = c.now
	said := &strings.Builder{}
	fatal(t, s.UseRotation(path, time.UTC, slog.New(slog.NewTextHandler(said, nil))))
	return s, said
}

// sweep does at once what the janitor does when it finds the time.
func sweep(t testing.TB, s *FileSink) {
	t.Helper()
	fatal(t, s.rotator.janitor.sweep(t.Context()))
}

// tree is what the files below dir hold, compressed ones unpacked.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	fatal(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		var r io.Reader = f
		switch filepath.Ext(path) {
		case ".gz":
			r, err = gzip.NewReader(f) // the standard library's: another's word for it
		case ".zst":
			r, err = zstd.NewReader(f)
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	}))
	return files
}

func sameFiles(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	if maps.Equal(got, want) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[name]; !ok || w != got[name] {
			t.Errorf("%s holds %.80q, want %.80q (%v)", name, got[name], w, ok)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing; it should hold %.80q", name, want[name])
		}
	}
}

// step is something that happens to a sink.
type step struct {
	at   string // the time it is
	text string // is written; "tick": nothing is, for a while
}

// What files there are after some lines, and after the janitor has been there.
func TestRotate(t *testing.T) {
	k := strings.Repeat("x", 3000)
	for _, c := range []struct {
		name  string
		r     Rotation
		steps []step
		want  map[string]string
	}{
		{"by day", Rotation{Every: Day},
			[]step{{"2026-11-20 10:00:00", "a"}, {"2026-11-20 23:59:59", "b"}, {"2026-11-21 00:00:00", "c"}, {"2026-11-23 12:00:00", "d"}},
			map[string]string{"log.2026-11-20": "a\nb\n", "log.2026-11-21": "c\n", "log": "d\n"}},
		{"a quiet file", Rotation{Every: Day},
			[]step{{"2026-11-20 10:00:00", "a"}, {"2026-11-20 23:59:59", "tick"}, {"2026-11-21 00:00:00", "tick"}, {"2026-11-22 00:00:00", "tick"}},
			map[string]string{"log.2026-11-20": "a\n", "log": ""}},
		{"by hour", Rotation{Every: Hour}, []step{{"2026-11-20 15:59:59", "a"}, {"2026-11-20 16:00:00", "b"}}, map[string]string{"log.2026-11-20_15": "a\n", "log": "b\n"}},
		{"by minute", Rotation{Every: 1}, []step{{"2026-11-20 15:04:59", "a"}, {"2026-11-20 15:05:00", "b"}}, map[string]string{"log.2026-11-20_15-04": "a\n", "log": "b\n"}},
		{"by week", Rotation{Every: Week}, []step{{"2026-11-22 10:00:00", "a"}, {"2026-11-23 00:00:00", "b"}}, map[string]string{"log.2026-11-16": "a\n", "log": "b\n"}},
		{"by month", Rotation{Every: Month}, []step{{"2026-11-22 10:00:00", "a"}, {"2026-12-01 00:00:00", "b"}}, map[string]string{"log.2026-11": "a\n", "log": "b\n"}},
		{"the clock goes back", Rotation{Every: Day},
			[]step{{"2026-11-20 10:00:00", "a"}, {"2026-11-21 10:00:00", "b"}, {"2026-11-20 12:00:00", "c"}, {"2026-11-22 00:00:00", "d"}},
			map[string]string{"log.2026-11-20": "a\n", "log.2026-11-21": "b\nc\n", "log": "d\n"}},
		{"by size", Rotation{Size: 4096},
			[]step{{"2026-11-20 10:00:00", "1" + k}, {"", "2" + k}, {"", "3" + k}, {"", "4"}, {"", "5" + k}},
			map[string]string{"log.3": "1" + k + "\n", "log.2": "2" + k + "\n", "log.1": "3" + k + "\n4\n", "log": "5" + k + "\n"}},
		{"one line larger than the size", Rotation{Size: 4096},
			[]step{{"2026-11-20 10:00:00", k + k}, {"", "b"}, {"", k + k}}, map[string]string{"log.2": k + k + "\n", "log.1": "b\n", "log": k + k + "\n"}},
		{"by size, some kept", Rotation{Size: 4096, Keep: Keep{Files: 2}},
			[]step{{"2026-11-20 10:00:00", "1" + k}, {"", "2" + k}, {"", "3" + k}, {"", "4" + k}, {"", "5" + k}},
			map[string]string{"log.2": "3" + k + "\n", "log.1": "4" + k + "\n", "log": "5" + k + "\n"}},
		{"by day, some kept", Rotation{Every: Day, Keep: Keep{Files: 2}},
			[]step{{"2026-11-20 10:00:00", "1"}, {"2026-11-21 10:00:00", "2"}, {"2026-11-22 10:00:00", "3"}, {"2026-11-23 10:00:00", "4"}},
			map[string]string{"log.2026-11-22": "3\n", "log.2026-11-21": "2\n", "log": "4\n"}},
		{"by day and size", Rotation{Every: Day, Size: 4096, Keep: Keep{Files: 3}},
			[]step{{"2026-11-20 10:00:00", "1" + k}, {"2026-11-20 11:00:00", "2" + k}, {"2026-11-20 12:00:00", "3" + k}, {"2026-11-20 13:00:00", "4" + k}, {"", "5" + k}, {"2026-11-21 10:00:00", "6" + k}, {"", "7"}},
			map[string]string{"log.2026-11-20.2": "3" + k + "\n", "log.2026-11-20.3": "4" + k + "\n", "log.2026-11-20.4": "5" + k + "\n", "log": "6" + k + "\n7\n"}},
		{"compressed", Rotation{Every: Day, Compress: Gzip}, []step{{"2026-11-20 10:00:00", "a"}, {"2026-11-21 10:00:00", "b"}}, map[string]string{"log.2026-11-20.gz": "a\n", "log": "b\n"}},
		{"compressed by size", Rotation{Size: 4096, Compress: Zstd, Keep: Keep{Files: 2}},
			[]step{{"2026-11-20 10:00:00", "1" + k}, {"", "2" + k}, {"", "3" + k}, {"", "4" + k}},
			map[string]string{"log.2.zst": "2" + k + "\n", "log.1.zst": "3" + k + "\n", "log": "4" + k + "\n"}},
	} {
		for kind, name := range map[string]string{"fixed": "log", "templated": "{hostname}/log"} {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				for _, often := range []bool{false, true} {
					dir, now := t.TempDir(), &clock{}
					now.set(t, "2026-11-20 10:00:00")
					s, said := rotating(t, filepath.Join(dir, name), c.r, now)
					path := filepath.Join(dir, strings.ReplaceAll(name, "{hostname}", "web1"))
					for _, step := range c.steps {
						if step.at != "" {
							now.set(t, step.at)
						}
						if step.text == "tick" {
							s.Tick()
						} else {
							fatal(t, s.Write(blockOf(line{path, step.text})))
						}
						setTimes(t, path, now.now())
						if often {
							sweep(t, s)
						}
					}
					sweep(t, s)
					fatal(t, s.Close())
					want := maps.Clone(c.want)
					if kind == "templated" && want["log"] == "" {
						delete(want, "log") // it is made when there is something to write
					}
					sameFiles(t, filepath.Dir(path), want)
					if said.Len() > 0 {
						t.Error("said", said)
					}
				}
			})
		}
	}
}

// setTimes gives a file the time that the test thinks it is.
func setTimes(t testing.TB, path string, at time.Time) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		fatal(t, os.Chtimes(path, at, at))
	}
}

// A daemon that was down at midnight rotates yesterday's file before it writes today's first line, and one that is not
// written to at all as well.
func TestRotateAfterRestart(t *testing.T) {
	for _, c := range []struct {
		name, before, after, text string
		want                      map[string]string
	}{
		{"the same day", "2026-11-20 10:00:00", "2026-11-20 11:00:00", "b", map[string]string{"web1.log": "a\nb\n"}},
		{"the next day", "2026-11-20 10:00:00", "2026-11-21 00:00:00", "b", map[string]string{"web1.log.2026-11-20": "a\n", "web1.log": "b\n"}},
		{"a year later", "2026-11-20 10:00:00", "2027-11-20 00:00:00", "b", map[string]string{"web1.log.2026-11-20": "a\n", "web1.log": "b\n"}},
		{"nothing comes", "2026-11-20 10:00:00", "2026-11-21 00:00:00", "", map[string]string{"web1.log.2026-11-20": "a\n"}},
		{"its time is in the future", "2030-11-20 10:00:00", "2026-11-20 00:00:00", "b", map[string]string{"web1.log": "a\nb\n"}},
	} {
		for _, name := range []string{"web1.log", "{hostname}.log"} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				dir, now := t.TempDir(), &clock{}
				path := filepath.Join(dir, "web1.log")
				fatal(t, os.WriteFile(path, []byte("a\n"), 0o600))
				fatal(t, os.Chtimes(path, utc(t, c.before), utc(t, c.before)))
				now.set(t, c.after)
				s, _ := rotating(t, filepath.Join(dir, name), Rotation{Every: Day}, now)
				if c.text == "" {
					s.rotator.tick(s)
					sweepDone(t, s)
					s.rotator.tick(s)
				} else {
					fatal(t, s.Write(blockOf(line{path, c.text})))
				}
				fatal(t, s.Close())
				want := maps.Clone(c.want)
				if c.text == "" && name == "web1.log" {
					want[name] = ""
				}
				sameFiles(t, dir, want)
			})
		}
	}
}

// sweepDone waits until the janitor rests: it sweeps once more, and finds nothing then.
func sweepDone(t testing.TB, s *FileSink) {
	t.Helper()
	rested := make(chan struct{})
	j := s.rotator.janitor
	j.stop()
	j.cancel, j.done = nil, make(chan struct{})
	j.nap = func(ctx context.Context, _ <-chan struct{}, _ time.Duration) bool {
		close(rested)
		<-ctx.Done()
		return false
	}
	j.start()
	<-rested
}

func TestRotationWords(t *testing.T) {
	for text, want := range map[string]Keep{"30": {Files: 30}, "30d": {Age: 720 * time.Hour}, "12h": {Age: 12 * time.Hour}, "1d12h": {Age: 36 * time.Hour}, "all": {}} {
		k := Keep{Files: 7}
		if err := k.UnmarshalText([]byte(text)); err != nil || k != want {
			t.Errorf("keep %s is read as %v, %v", text, k, err)
		}
	}
	for _, wrong := range []string{"", "0", "-1", "d", "30x", "99999999999d", "1.5d", "0d", "-3d", "1s"} {
		if err := new(Keep).UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("keep %q is read", wrong)
		}
	}
	for _, wrong := range []string{"", "daily", "30s", "25h", "90s", "-1h", "2d"} {
		if err := new(Period).UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("every %q is read", wrong)
		}
	}
}
