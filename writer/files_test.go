package writer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Each file gets its messages, in their order, however they are mixed.
func TestFilesGroup(t *testing.T) {
	for _, c := range []struct {
		name   string
		blocks []string // a letter is a line for the file of that name; its text is the letter and its number
	}{
		{"one file", []string{"aaaa"}},
		{"runs", []string{"aaabbbcc"}},
		{"in turn", []string{"abababab"}},
		{"the same again", []string{"abcabc", "cba", "b", "abc"}},
		{"ever more", []string{"a", "ab", "abc", "abcdefghijklmnopqrstuvwxyz", "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openFile(t, "", DefaultFileOptions())
			want := map[string]string{}
			number := 0
			for _, letters := range c.blocks {
				var lines []line
				for _, l := range letters {
					path := filepath.Join(dir, string(l), "log")
					lines = append(lines, line{path, string(l) + strconv.Itoa(number)})
					want[path] += string(l) + strconv.Itoa(number) + "\n"
					number++
				}
				fatal(t, s.Write(blockOf(lines...)))
			}
			for path, text := range want {
				holds(t, path, text)
			}
		})
	}
}

// From the message to the file: the queue's paths are those of the messages.
func TestFilesOfQueue(t *testing.T) {
	dir := t.TempDir()
	q := newQueue(t, QueueOptions{Memory: 1 << 20}, dir+"/{hostname}/{app_name}.log")
	b := batchOf(0, "one", "two", "three", "four")
	for i, name := range []string{"web1 nginx", "../.. x/y", "web1 nginx", "  "} {
		host, app, _ := strings.Cut(name, " ")
		b.Messages[i].Hostname, b.Messages[i].AppName = []byte(host), []byte(strings.TrimSpace(app))
	}
	q.Append(b, indexes(b))
	s := openFile(t, "", DefaultFileOptions())
	block, _ := q.tryTake()
	fatal(t, s.Write(block))
	q.settle()
	for path, want := range map[string]string{"web1/nginx.log": "one\nthree\n", ".._../x_y.log": "two\n", "-/-.log": "four\n"} {
		holds(t, filepath.Join(dir, path), want)
	}
}

// A thousand paths and 16 descriptors: no more are ever open, and nothing is kept of the files that are closed. The
// process may have a few more than that: a walk to a file holds its folder, and what else a test binary opens.
func TestFilesMaxOpen(t *testing.T) {
	const paths, maxOpen, others, rounds = 1000, 16, 8, 3
	dir := t.TempDir()
	o := DefaultFileOptions()
	o.MaxOpen = maxOpen
	s := openFile(t, "", o)
	want := make([]string, paths)
	before := openDescriptors(t)
	limitDescriptors(t, maxOpen+others)
	for r := range rounds {
		var lines []line
		for i := range 2 * paths {
			i = (i*7 + i/paths*13) % paths
			text := fmt.Sprint(r, i)
			lines = append(lines, line{filepath.Join(dir, strconv.Itoa(i)), text})
			want[i] += text + "\n"
		}
		fatal(t, s.Write(blockOf(lines...)))
		if n := s.many.opened.Len(); n != maxOpen || len(s.many.known) != maxOpen {
			t.Errorf("%d files are open and %d known, want %d", n, len(s.many.known), maxOpen)
		}
	}
	fatal(t, s.Close())
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors at the end, %d at the beginning", after, before)
	}
	for i, text := range want {
		holds(t, filepath.Join(dir, strconv.Itoa(i)), text)
	}
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	fatal(t, err)
	return len(entries)
}

// limitDescriptors lets the process have n descriptors more than it has.
func limitDescriptors(t testing.TB, n int) {
	t.Helper()
	f, err := os.Open("/dev/null") // gets the lowest number that is free
	fatal(t, err)
	lowest := int(f.Fd())
	f.Close()
	entries, err := os.ReadDir("/proc/self/fd")
	fatal(t, err)
	beyond := 0
	for _, e := range entries {
		if number, err := strconv.Atoi(e.Name()); err == nil && number > lowest {
			beyond++
		}
	}
	var old unix.Rlimit
	fatal(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	fatal(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(lowest + beyond + n), Max: old.Max}))
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

// The file that was not written to for the longest time is closed first; one that is in use stays open.
func TestFilesKeepsBusyOpen(t *testing.T) {
	dir := t.TempDir()
	o := DefaultFileOptions()
	o.MaxOpen = 3
	s := openFile(t, "", o)
	busy := filepath.Join(dir, "busy")
	var first *os.File
	for i := range 20 {
		fatal(t, s.Write(blockOf(line{busy, "x"}, line{filepath.Join(dir, strconv.Itoa(i)), "x"})))
		if f := s.many.known[busy]; f == nil || first != nil && f.f != first {
			t.Fatal("the busy file was closed")
		} else {
			first = f.f
		}
	}
	holds(t, busy, strings.Repeat("x\n", 20))
}

// Some paths of a block cannot be written. The block is done all the same, and with it the others; what is owed to those
// paths follows, in order, when they can be written.
func TestFilesOneBad(t *testing.T) {
	for _, maxOpen := range []int{1, 2, 256} {
		t.Run(fmt.Sprint("max_open ", maxOpen), func(t *testing.T) {
			dir := t.TempDir()
			join := func(name string) string { return filepath.Join(dir, name) }
			fatal(t, os.Mkdir(join("bad"), 0o700))
			fatal(t, os.Symlink("loop", join("loop")))
			o := DefaultFileOptions()
			o.MaxOpen = maxOpen
			s := openFile(t, "", o)
			fatal(t, s.Write(blockOf(line{join("a"), "1"}, line{join("bad"), "2"}, line{join("b"), "3"}, line{join("loop"), "4"}, line{join("a"), "5"}, line{join("bad"), "6"})))
			fatal(t, s.Write(blockOf(line{join("bad"), "7"}, line{join("b"), "8"})))
			holds(t, join("a"), "1\n5\n")
			holds(t, join("b"), "3\n8\n")
			fatal(t, os.Remove(join("bad")))
			if !s.Tick() {
				t.Error("nothing more is due, though the loop is still there")
			}
			holds(t, join("bad"), "2\n6\n7\n")
			fatal(t, s.Write(blockOf(line{join("bad"), "9"}, line{join("loop"), "10"})))
			fatal(t, os.Remove(join("loop")))
			s.many.settle(false)
			holds(t, join("bad"), "2\n6\n7\n9\n")
			holds(t, join("loop"), "4\n10\n")
			if n, _ := s.Shed(); n > 0 || len(s.many.owing) > 0 || s.many.aside > 0 {
				t.Errorf("%d messages shed, %d bytes owed", n, s.many.aside)
			}
		})
	}
}

// What a path owes is given up after a minute, at the end, and when all paths owe too much. It is counted, and the reason told.
func TestFilesShed(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	fatal(t, os.Mkdir(bad, 0o700))
	s := openFile(t, "", DefaultFileOptions())
	sheds := func(what string, want uint64) {
		t.Helper()
		if n, fault := s.Shed(); n != want || !errors.Is(fault, unix.EISDIR) {
			t.Errorf("%s: %d messages shed for %v, want %d", what, n, fault, want)
		}
	}
	fatal(t, s.Write(blockOf(line{bad, "1"}, line{bad, "2"})))
	sheds("at once", 0)
	s.many.owing[0].aside.since = s.many.owing[0].aside.since.Add(-asideFor)
	s.Tick()
	sheds("after a minute", 2)
	long := strings.Repeat("x", asideMax/2)
	fatal(t, s.Write(blockOf(line{bad, long})))
	fatal(t, s.Write(blockOf(line{bad, long})))
	sheds("too much", 3)
	fatal(t, s.Close())
	sheds("at the end", 4)
}

// The copy that groups a block is one, whatever the number of files, and no larger than the block.
func TestFilesMemory(t *testing.T) {
	dir := t.TempDir()
	s := openFile(t, "", DefaultFileOptions())
	for i := range 200 {
		var lines []line
		for n := range 600 {
			lines = append(lines, line{filepath.Join(dir, strconv.Itoa((i+n%2)%200)), strings.Repeat("x", 100)})
		}
		fatal(t, s.Write(blockOf(lines...)))
	}
	held := cap(s.many.text)
	for _, f := range s.many.known {
		held += cap(f.part)
	}
	if held > 2*blockSize {
		t.Errorf("%d bytes are held for 200 files", held)
	}
}

// A file that nothing was written to for idle_close is closed; the next message opens it again.
func TestFilesIdleClose(t *testing.T) {
	dir := t.TempDir()
	s := openFile(t, "", DefaultFileOptions())
	old, busy := filepath.Join(dir, "old"), filepath.Join(dir, "busy")
	fatal(t, s.Write(blockOf(line{old, "1"}, line{busy, "1"})))
	s.many.known[old].used = s.many.known[old].used.Add(-s.options.IdleClose)
	if !s.Tick() || s.many.known[old] != nil || s.many.known[busy] == nil {
		t.Errorf("known are %v", s.many.known)
	}
	fatal(t, s.Write(blockOf(line{old, "2"}, line{busy, "2"})))
	holds(t, old, "1\n2\n")
	holds(t, busy, "1\n2\n")
}

// The process may have fewer descriptors than max_open says: then fewer files are open, and all are written.
func TestFilesTooManyForTheProcess(t *testing.T) {
	dir := t.TempDir()
	s := openFile(t, "", DefaultFileOptions())
	limitDescriptors(t, 12)
	var lines []line
	for i := range 100 {
		lines = append(lines, line{filepath.Join(dir, strconv.Itoa(i)), "x"})
	}
	fatal(t, s.Write(blockOf(lines...)))
	for i := range 100 {
		holds(t, filepath.Join(dir, strconv.Itoa(i)), "x\n")
	}
}
