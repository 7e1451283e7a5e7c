package writer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// A rotating is a file target that rotates, on a clock of its own, and what its log says.
type rotating struct {
	*FileSink
	t   *testing.T
	dir string
	at  atomic.Int64 // in s since 1970
	log *logText
}

// A logText is a log that two goroutines write to.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newRotating returns one for a path below a folder of its own.
func newRotating(t *testing.T, dir, path string, r Rotation, at time.Time) *rotating {
	t.Helper()
	o := DefaultFileOptions()
	o.Rotate = r
	full := filepath.Join(dir, path)
	fixed := full
	if strings.Contains(path, "{") {
		fixed = ""
	}
	sink, err := NewFileSink(fixed, o)
	fatal(t, err)
	w := &rotating{FileSink: sink, t: t, dir: dir, log: &logText{}}
	w.set(at)
	sink.now = func() time.Time { return time.Unix(w.at.Load(), 0) }
	fatal(t, sink.UseRotation(full, at.Location(), slog.New(slog.NewTextHandler(w.log, nil))))
	t.Cleanup(func() { sink.Close() })
	return w
}

// set sets the clock.
func (w *rotating) set(at time.Time) { w.at.Store(at.Unix()) }

// touch gives a file the age that the clock tells: the machine's is another.
func (w *rotating) touch(path string) { fatal(w.t, os.Chtimes(path, w.now(), w.now())) }

// write writes lines to a fixed path, in one block.
func (w *rotating) write(lines ...string) {
	w.t.Helper()
	var all []line
	for _, l := range lines {
		all = append(all, line{"", l})
	}
	fatal(w.t, w.Write(blockOf(all...)))
	w.touch(w.fixed.path)
}

// tree is what the files below dir hold, a compressed one unpacked.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	fatal(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
			return nil
		} else if err != nil {
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
			return nil
		} else if err != nil {
			return err
		}
		defer f.Close()
		var r io.Reader = f
		switch filepath.Ext(path) {
		case ".gz":
			r, err = gzip.NewReader(f)
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

// becomes waits until the files are those.
func (w *rotating) becomes(want map[string]string) {
	w.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for {
		got := tree(w.t, w.dir)
		if cmp.Equal(got, want) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("(-want +got):\n%s\n%s", cmp.Diff(want, got), w.log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func day(t *testing.T, s string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	fatal(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	fatal(t, err)
	return at
}

// When a period begins, and what it is called.
func TestPeriods(t *testing.T) {
	for _, c := range []struct{ every, at, start, name string }{
		{"day", "2026-11-20 15:17", "2026-11-20 00:00", "2026-11-20"},
		{"day", "2026-03-29 03:30", "2026-03-29 00:00", "2026-03-29"}, // a day of 23 hours
		{"24h", "2026-10-25 23:59", "2026-10-25 00:00", "2026-10-25_00"},
		{"hour", "2026-11-20 15:17", "2026-11-20 15:00", "2026-11-20_15"},
		{"week", "2026-11-22 23:59", "2026-11-16 00:00", "2026-11-16"}, // a Sunday
		{"week", "2026-11-23 00:00", "2026-11-23 00:00", "2026-11-23"},
		{"month", "2026-11-20 15:17", "2026-11-01 00:00", "2026-11"},
		{"6h", "2026-11-20 15:17", "2026-11-20 12:00", "2026-11-20_12"},
		{"7h", "2026-11-20 22:17", "2026-11-20 21:00", "2026-11-20_21"}, // counted from midnight anew each day
		{"15m", "2026-11-20 15:17", "2026-11-20 15:15", "2026-11-20_15-15"},
		{"90m", "2026-11-20 05:59", "2026-11-20 04:30", "2026-11-20_04-30"},
	} {
		var p Period
		fatal(t, p.UnmarshalText([]byte(c.every)))
		start := p.start(day(t, c.at))
		if !start.Equal(day(t, c.start)) || p.name(start) != c.name {
			t.Errorf("every %s at %s: began %s, called %s; want %s, %s", c.every, c.at, start, p.name(start), c.start, c.name)
		}
	}
	for _, wrong := range []string{"", "daily", "30s", "25h", "90s", "-1h", "1d"} {
		if err := new(Period).UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}

func TestKeepText(t *testing.T) {
	for text, want := range map[string]Keep{"30": {Files: 30}, "30d": {Age: 720 * time.Hour}, "12h": {Age: 12 * time.Hour}} {
		var k Keep
		if err := k.UnmarshalText([]byte(text)); err != nil || k != want {
			t.Errorf("%s is read as %v, %v", text, k, err)
		}
	}
	for _, wrong := range []string{"", "0", "-1", "d", "30x", "99999999999d", "1.5d"} {
		if err := new(Keep).UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}

// A file goes by the day, by its size, or by both; the old ones are numbered or dated, and only so many are kept.
func TestRotate(t *testing.T) {
	long := strings.Repeat("x", 3000)
	var daily, hourly Period
	fatal(t, daily.UnmarshalText([]byte("day")))
	fatal(t, hourly.UnmarshalText([]byte("hour")))
	type step struct {
		at    string
		lines []string
	}
	for _, c := range []struct {
		name     string
		rotation Rotation
		steps    []step
		want     map[string]string
	}{
		{"by the day", Rotation{Every: daily}, []step{
			{"2026-11-20 23:59", []string{"a", "b"}}, {"2026-11-20 23:59", []string{"c"}}, {"2026-11-21 00:00", []string{"d"}}, {"2026-11-25 12:00", []string{"e"}},
		}, map[string]string{"x.log.2026-11-20": "a\nb\nc\n", "x.log.2026-11-21": "d\n", "x.log": "e\n"}},
		{"by the hour, when clocks are set back", Rotation{Every: hourly}, []step{
			{"2026-10-25 01:30", []string{"a"}}, {"2026-10-25 02:30", []string{"b"}}, {"2026-10-25 03:30", []string{"c"}},
		}, map[string]string{"x.log.2026-10-25_01": "a\n", "x.log.2026-10-25_02": "b\n", "x.log": "c\n"}},
		{"by size", Rotation{Size: 8 << 10}, []step{
			{"2026-11-20 12:00", []string{"a" + long}}, {"2026-11-20 12:00", []string{"b" + long}}, {"2026-11-20 12:00", []string{"c" + long}},
			{"2026-11-20 12:00", []string{"d" + long, "e" + long}}, {"2026-11-20 12:00", []string{"f"}},
		}, map[string]string{"x.log.2": "a" + long + "\nb" + long + "\n", "x.log.1": "c" + long + "\n", "x.log": "d" + long + "\ne" + long + "\nf\n"}},
		{"a block larger than the size", Rotation{Size: 4 << 10}, []step{
			{"2026-11-20 12:00", []string{"a" + long, "b" + long}}, {"2026-11-20 12:00", []string{"c"}},
		}, map[string]string{"x.log.1": "a" + long + "\nb" + long + "\n", "x.log": "c\n"}},
		{"by both: the day's second file is numbered", Rotation{Size: 4 << 10, Every: daily}, []step{
			{"2026-11-20 12:00", []string{"a" + long}}, {"2026-11-20 13:00", []string{"b" + long}}, {"2026-11-20 14:00", []string{"c" + long}}, {"2026-11-21 00:00", []string{"d"}},
		}, map[string]string{"x.log.2026-11-20": "a" + long + "\n", "x.log.2026-11-20.1": "b" + long + "\n", "x.log.2026-11-20.2": "c" + long + "\n", "x.log": "d\n"}},
		{"two are kept", Rotation{Every: daily, Keep: Keep{Files: 2}}, []step{
			{"2026-11-17 12:00", []string{"a"}}, {"2026-11-18 12:00", []string{"b"}}, {"2026-11-19 12:00", []string{"c"}}, {"2026-11-20 12:00", []string{"d"}},
		}, map[string]string{"x.log.2026-11-18": "b\n", "x.log.2026-11-19": "c\n", "x.log": "d\n"}},
		{"what is younger than 2 days is kept", Rotation{Every: daily, Keep: Keep{Age: 48 * time.Hour}}, []step{
			{"2026-11-17 12:00", []string{"a"}}, {"2026-11-18 13:00", []string{"b"}}, {"2026-11-19 12:00", []string{"c"}}, {"2026-11-20 12:00", []string{"d"}},
		}, map[string]string{"x.log.2026-11-18": "b\n", "x.log.2026-11-19": "c\n", "x.log": "d\n"}},
		{"6 KB are kept in all", Rotation{Every: daily, MaxTotal: 6500}, []step{
			{"2026-11-17 12:00", []string{"a" + long}}, {"2026-11-18 12:00", []string{"b" + long}}, {"2026-11-19 12:00", []string{"c" + long}}, {"2026-11-20 12:00", []string{"d"}},
		}, map[string]string{"x.log.2026-11-18": "b" + long + "\n", "x.log.2026-11-19": "c" + long + "\n", "x.log": "d\n"}},
		{"gzip", Rotation{Every: daily, Compress: CompressGzip}, []step{
			{"2026-11-19 12:00", []string{"a"}}, {"2026-11-20 12:00", []string{"b"}},
		}, map[string]string{"x.log.2026-11-19.gz": "a\n", "x.log": "b\n"}},
		{"zstd, by size", Rotation{Size: 4 << 10, Compress: CompressZstd, Keep: Keep{Files: 2}}, []step{
			{"2026-11-19 12:00", []string{"a" + long}}, {"2026-11-19 13:00", []string{"b" + long}}, {"2026-11-19 14:00", []string{"c" + long}}, {"2026-11-20 12:00", []string{"d" + long}},
		}, map[string]string{"x.log.2.zst": "b" + long + "\n", "x.log.1.zst": "c" + long + "\n", "x.log": "d" + long + "\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRotating(t, t.TempDir(), "x.log", c.rotation, day(t, c.steps[0].at))
			for _, s := range c.steps {
				w.set(day(t, s.at))
				w.write(s.lines...)
			}
			w.becomes(c.want)
			if w.log.String() != "" {
				t.Error(w.log)
			}
		})
	}
}

// A daemon that was down at midnight lays yesterday's file aside before it writes today's first line.
func TestRotateAfterTheFact(t *testing.T) {
	dir := t.TempDir()
	fatal(t, os.WriteFile(dir+"/x.log", []byte("old\n"), 0o640))
	fatal(t, os.Chtimes(dir+"/x.log", day(t, "2026-11-17 12:00"), day(t, "2026-11-17 12:00")))
	var daily Period
	fatal(t, daily.UnmarshalText([]byte("day")))
	w := newRotating(t, dir, "x.log", Rotation{Every: daily}, day(t, "2026-11-20 12:00"))
	w.write("new")
	w.becomes(map[string]string{"x.log.2026-11-17": "old\n", "x.log": "new\n"})
}

// A file that nothing is written to goes when its time has come; an empty one stays.
func TestRotateQuiet(t *testing.T) {
	var daily Period
	fatal(t, daily.UnmarshalText([]byte("day")))
	w := newRotating(t, t.TempDir(), "x.log", Rotation{Every: daily}, day(t, "2026-11-20 12:00"))
	if w.Tick() {
		t.Error("an empty file has to be looked at again")
	}
	w.write("a")
	if !w.Tick() {
		t.Error("nobody looks again")
	}
	w.set(day(t, "2026-11-21 00:00"))
	w.Tick()
	w.becomes(map[string]string{"x.log.2026-11-20": "a\n", "x.log": ""})
	w.set(day(t, "2026-11-22 00:00"))
	w.Tick()
	w.becomes(map[string]string{"x.log.2026-11-20": "a\n", "x.log": ""})
}

// Each file of a path with fields is rotated for itself, and what is kept is counted for each.
func TestRotateEach(t *testing.T) {
	var daily Period
	fatal(t, daily.UnmarshalText([]byte("day")))
	w := newRotating(t, t.TempDir(), "{hostname}/{app_name}.log", Rotation{Every: daily, Keep: Keep{Files: 1}}, day(t, "2026-11-18 12:00"))
	for _, at := range []string{"2026-11-18 12:00", "2026-11-19 12:00", "2026-11-20 12:00"} {
		w.set(day(t, at))
		var lines []line
		for _, path := range []string{"a/x.log", "b/x.log", "b/y.log"} {
			lines = append(lines, line{filepath.Join(w.dir, path), at + " " + path})
		}
		fatal(t, w.Write(blockOf(lines...)))
		for _, l := range lines {
			w.touch(l.path)
		}
	}
	want := map[string]string{}
	for _, path := range []string{"a/x.log", "b/x.log", "b/y.log"} {
		want[path] = "2026-11-20 12:00 " + path + "\n"
		want[path+".2026-11-19"] = "2026-11-19 12:00 " + path + "\n"
	}
	w.becomes(want)
}

// A path with the date in it is not rotated, but honours keep: for each of its paths, and only files that it can have made.
func TestKeepDatedPaths(t *testing.T) {
	dir := t.TempDir()
	others := []string{"web/log-2026-11-01.txt", "web/log-yesterday.log", "web/sub/log-2026-11-01.log", "log-2026-11-01.log", "web/log-2026-11-01.log.bak"}
	want := map[string]string{}
	for _, name := range others {
		fatal(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		fatal(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644))
		want[name] = "mine"
	}
	fatal(t, os.Mkdir(dir+"/db", 0o755))
	for _, host := range []string{"web", "db"} {
		for d := 14; d <= 20; d++ {
			name := fmt.Sprintf("%s/log-2026-11-%d.log", host, d)
			fatal(t, os.WriteFile(filepath.Join(dir, name), []byte(host), 0o644))
			at := time.Date(2026, 11, d, 23, 0, 0, 0, time.UTC)
			fatal(t, os.Chtimes(filepath.Join(dir, name), at, at))
			if d >= 18 {
				want[name] = host
			}
		}
	}
	fatal(t, os.Symlink("web", dir+"/linked"))
	w := newRotating(t, dir, "{hostname}/log-{date}.log", Rotation{Keep: Keep{Files: 2}}, day(t, "2026-11-20 23:30"))
	fatal(t, os.Remove(dir+"/linked"))
	w.becomes(want)
}

// What a crash left half done is found and finished: a temporary file, a gap in the numbers, a file that was not compressed
// yet, one that was.
func TestRotateTidies(t *testing.T) {
	dir := t.TempDir()
	gz := func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(text))
		w.Close()
		return b.Bytes()
	}
	for name, text := range map[string][]byte{
		"x.log": []byte("new\n"), "x.log.2": []byte("b\n"), "x.log.2.gz.tmp": gz("b\n")[:10], "x.log.3.gz": gz("c\n"), "x.log.3": []byte("c\n"), "x.log.5.gz": gz("e\n"),
		"x.log.old": []byte("mine"), "x.log.1x": []byte("mine"),
	} {
		fatal(t, os.WriteFile(filepath.Join(dir, name), text, 0o640))
	}
	w := newRotating(t, dir, "x.log", Rotation{Size: 4 << 10, Compress: CompressGzip}, day(t, "2026-11-20 12:00"))
	w.becomes(map[string]string{"x.log": "new\n", "x.log.2.gz": "b\n", "x.log.3.gz": "c\n", "x.log.5.gz": "e\n", "x.log.old": "mine", "x.log.1x": "mine"})
	w.write(strings.Repeat("x", 5000))
	w.becomes(map[string]string{
		"x.log": strings.Repeat("x", 5000) + "\n", "x.log.1.gz": "new\n", "x.log.2.gz": "b\n", "x.log.3.gz": "c\n", "x.log.5.gz": "e\n", "x.log.old": "mine", "x.log.1x": "mine",
	})
}

// A compressed file has the owner, the mode and the age of what it was made of.
func TestCompressedLikeTheOriginal(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "another owner needs root")
	}
	dir, at := t.TempDir(), day(t, "2026-11-17 12:00")
	fatal(t, os.WriteFile(dir+"/x.log.1", []byte("old\n"), 0o640))
	fatal(t, os.Chown(dir+"/x.log.1", 1234, 4321))
	fatal(t, os.Chmod(dir+"/x.log.1", 0o604))
	fatal(t, os.Chtimes(dir+"/x.log.1", at, at))
	w := newRotating(t, dir, "x.log", Rotation{Size: 4 << 10, Compress: CompressZstd}, day(t, "2026-11-20 12:00"))
	w.becomes(map[string]string{"x.log": "", "x.log.1.zst": "old\n"})
	var st unix.Stat_t
	fatal(t, unix.Stat(dir+"/x.log.1.zst", &st))
	if st.Uid != 1234 || st.Gid != 4321 || st.Mode&0o7777 != 0o604 || st.Mtim.Sec != at.Unix() {
		t.Errorf("owner %d:%d, mode %o, written %s", st.Uid, st.Gid, st.Mode&0o7777, time.Unix(st.Mtim.Sec, 0))
	}
}

// Where a file cannot be renamed, writing goes on in it; it is said once and tried again a minute later.
func TestRotateCannot(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "mounting needs root")
	}
	dir := t.TempDir()
	fatal(t, os.WriteFile(dir+"/x.log", nil, 0o640))
	if err := unix.Mount(dir+"/x.log", dir+"/x.log", "", unix.MS_BIND, ""); err != nil { // a mount point cannot be renamed
		lacks(t, err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			unix.Unmount(dir+"/x.log", unix.MNT_DETACH)
		}
	}
	t.Cleanup(unmount)
	w := newRotating(t, dir, "x.log", Rotation{Size: 4 << 10}, day(t, "2026-11-20 12:00"))
	long := strings.Repeat("x", 3000)
	for range 3 {
		w.write(long)
	}
	holds(t, dir+"/x.log", strings.Repeat(long+"\n", 3))
	if n := strings.Count(w.log.String(), "cannot rotate"); n != 1 {
		t.Errorf("said %d times:\n%s", n, w.log)
	}
	unmount()
	w.write(long) // the path leads to another file system now: to the same file, in another way
	w.set(w.now().Add(2 * time.Minute))
	w.write("last")
	w.becomes(map[string]string{"x.log.1": strings.Repeat(long+"\n", 4), "x.log": "last\n"})
}

// Somebody who rotates with us, or plants things in our way, costs no line.
func TestRotateBesideOthers(t *testing.T) {
	dir := t.TempDir()
	w := newRotating(t, dir, "x.log", Rotation{Size: 4 << 10}, day(t, "2026-11-20 12:00"))
	long := strings.Repeat("x", 3000)
	w.write("a" + long)
	fatal(t, os.Rename(dir+"/x.log", dir+"/mine"))
	w.write("b" + long)
	fatal(t, os.WriteFile(dir+"/x.log.1", []byte("planted"), 0o600))
	fatal(t, os.Mkdir(dir+"/x.log.2", 0o700))
	w.write("c" + long)
	w.becomes(map[string]string{"mine": "a" + long + "\n", "x.log.2": "planted", "x.log.1": "b" + long + "\n", "x.log": "c" + long + "\n"})
	if names, _ := filepath.Glob(dir + "/x.log.3"); len(names) != 1 {
		t.Error("the folder was not moved out of the way")
	}
}

// Many blocks, small files, compression running behind: every line is somewhere, once.
func TestRotateUnderLoad(t *testing.T) {
	dir := t.TempDir()
	w := newRotating(t, dir, "x.log", Rotation{Size: 64 << 10, Compress: CompressZstd}, day(t, "2026-11-20 12:00"))
	const blocks, each = 200, 100
	for b := range blocks {
		var lines []line
		for i := range each {
			lines = append(lines, line{"", fmt.Sprintf("%07d %s", b*each+i, strings.Repeat("x", 100))})
		}
		fatal(t, w.Write(blockOf(lines...)))
	}
	fatal(t, w.Close())
	var got []string
	for name, text := range tree(t, dir) {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is left", name)
		}
		for l := range strings.Lines(text) {
			got = append(got, l[:7])
		}
	}
	slices.Sort(got)
	if len(got) != blocks*each || len(slices.Compact(got)) != blocks*each {
		t.Errorf("%d lines, %d different, want %d", len(got), len(slices.Compact(got)), blocks*each)
	}
	if w.log.String() != "" {
		t.Error(w.log)
	}
}
