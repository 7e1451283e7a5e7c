package writer

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// openFile returns a sink for one file that is closed with the test.
func openFile(t testing.TB, path string, o FileOptions) *FileSink {
	t.Helper()
	s, err := NewFileSink(path, o)
	fatal(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// A file is appended to, whoever else wrote to it.
func TestFileAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	fatal(t, os.WriteFile(path, []byte("before\n"), 0o600))
	for _, fsync := range []bool{false, true} {
		o := DefaultFileOptions()
		o.Fsync = fsync
		s := openFile(t, path, o)
		fatal(t, s.Write(blockOf(line{"", "one"}, line{"", ""})))
		other, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		fatal(t, err)
		other.WriteString("other\n")
		other.Close()
		fatal(t, s.Write(blockOf(line{"", "two"})))
		fatal(t, s.Close())
		fatal(t, s.Close())
	}
	holds(t, path, "before\none\n\nother\ntwo\none\n\nother\ntwo\n")
}

// A block is one write call, and so is the part of it that goes to one of several files.
func TestFileOneWrite(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	var mixed []line
	for i := range 300 {
		mixed = append(mixed, line{[]string{a, b}[i%2], "x"})
	}
	const blocks = 100
	for _, c := range []struct {
		name   string
		path   string
		block  *Block
		writes int
	}{
		{"one file", filepath.Join(dir, "fixed"), blockOf(numbered("", "x", 300, 200)...), blocks},
		{"one of many files", "", blockOf(numbered(a, "x", 300, 200)...), blocks},
		{"two files in turn", "", blockOf(mixed...), 2 * blocks},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openFile(t, c.path, DefaultFileOptions())
			runtime.LockOSThread() // calls are counted by thread
			defer runtime.UnlockOSThread()
			before := writeCalls(t)
			for range blocks {
				fatal(t, s.Write(c.block))
			}
			if n := writeCalls(t) - before; n < c.writes || n > c.writes+10 { // the runtime writes now and then
				t.Errorf("%d write calls for %d blocks, want %d", n, blocks, c.writes)
			}
		})
	}
}

func writeCalls(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		lacks(t, err)
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`syscw: (\d+)`).FindSubmatch(text)[1]))
	fatal(t, err)
	return n
}

// What cannot be opened is said when the sink is made, with the path, and never hangs.
func TestFileCannotOpen(t *testing.T) {
	dir := t.TempDir()
	join := func(name string) string { return filepath.Join(dir, name) }
	fatal(t, os.WriteFile(join("plain"), nil, 0o600))
	fatal(t, os.Symlink(join("loop"), join("loop")))
	fatal(t, unix.Mkfifo(join("fifo"), 0o600))
	for _, c := range []struct {
		name, path string
		want       error
	}{
		{"a folder", dir, unix.EISDIR},
		{"a file where a folder should be", join("plain/log"), unix.ENOTDIR},
		{"deeper still", join("plain/a/b/log"), unix.ENOTDIR},
		{"a loop", join("loop"), unix.ELOOP},
		{"a name too long", join(string(bytes.Repeat([]byte("x"), 256))), unix.ENAMETOOLONG},
		{"a folder's name too long", join(string(bytes.Repeat([]byte("x"), 256)) + "/log"), unix.ENAMETOOLONG},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewFileSink(c.path, DefaultFileOptions())
			var path *fs.PathError
			if !errors.Is(err, c.want) || !errors.As(err, &path) {
				t.Errorf("%v, want %v and the path", err, c.want)
			}
		})
	}
}

func TestFileUnknownOwner(t *testing.T) {
	for _, o := range []FileOptions{{Owner: "no-such-user"}, {Group: "no-such-group"}} {
		if _, err := NewFileSink(filepath.Join(t.TempDir(), "log"), o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// A file in place of the fixed path that takes nothing, and one that takes everything.
func TestFileDevices(t *testing.T) {
	o := DefaultFileOptions()
	o.Fsync = true // means nothing to a device
	full, null := openFile(t, "/dev/full", o), openFile(t, "/dev/null", o)
	for range 3 {
		if err := full.Write(blockOf(line{"", "x"})); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("/dev/full: %v", err)
		}
		fatal(t, null.Write(blockOf(line{"", "x"})))
	}
}
