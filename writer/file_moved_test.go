package writer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Somebody does something to the file between two blocks. The next block goes to where the path leads then, and nothing
// is lost or doubled.
func TestFileMoved(t *testing.T) {
	one, two := line{"", "one"}, line{"", "two"}
	for _, c := range []struct {
		name string
		do   func(path string) error
		want map[string]string // what files hold at the end, by what follows the path
	}{
		{"nothing", func(string) error { return nil }, map[string]string{"": "one\ntwo\n"}},
		{"removed", os.Remove, map[string]string{"": "two\n"}},
		{"renamed, as logrotate does", func(p string) error { return os.Rename(p, p+".1") }, map[string]string{"": "two\n", ".1": "one\n"}},
		{"renamed, and another is there", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p, []byte("new\n"), 0o600))
		}, map[string]string{"": "new\ntwo\n", ".1": "one\n"}},
		{"replaced by rename", func(p string) error {
			return errors.Join(os.WriteFile(p+".new", []byte("new\n"), 0o600), os.Rename(p+".new", p))
		}, map[string]string{"": "new\ntwo\n"}},
		{"truncated, as copytruncate does", func(p string) error { return os.Truncate(p, 0) }, map[string]string{"": "two\n"}},
		{"a symbolic link to another file", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p+".2", nil, 0o600), os.Symlink(p+".2", p))
		}, map[string]string{".1": "one\n", ".2": "two\n"}},
		{"a symbolic link to itself, renamed", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.Symlink(p+".1", p))
		}, map[string]string{".1": "one\ntwo\n"}},
		{"a hard link", func(p string) error { return os.Link(p, p+".1") }, map[string]string{"": "one\ntwo\n", ".1": "one\ntwo\n"}},
		{"its folder is removed", func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, map[string]string{"": "two\n"}},
		{"its folder is removed and made", func(p string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(p)), os.Mkdir(filepath.Dir(p), 0o700))
		}, map[string]string{"": "two\n"}},
		{"its folder is renamed", func(p string) error {
			return os.Rename(filepath.Dir(p), filepath.Dir(p)+".1")
		}, map[string]string{"": "two\n", "/../../folder.1/log": "one\n"}},
	} {
		for kind, open := range sinks {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "folder", "log")
				s := open(t, path)
				fatal(t, s.Write(blockOf(line{path, one.text})))
				fatal(t, c.do(path))
				fatal(t, s.Write(blockOf(line{path, two.text})))
				for behind, want := range c.want {
					holds(t, filepath.Clean(path+behind), want)
				}
			})
		}
	}
}

// The two kinds of sinks that write files.
var sinks = map[string]func(t testing.TB, path string) *FileSink{
	"fixed":     func(t testing.TB, path string) *FileSink { return openFile(t, path, DefaultFileOptions()) },
	"templated": func(t testing.TB, path string) *FileSink { return openFile(t, "", DefaultFileOptions()) },
}

// The path cannot be written to for a while. The block is written once, when it can.
func TestFileAway(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(path string) error
		undo    func(path string) error
		survive bool // what was written before is still there
	}{
		{"a folder in its place", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, os.Remove, false},
		{"a link to nowhere", func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/nowhere/at/all", p)) }, os.Remove, false},
		{"a file in place of its folder", func(p string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(p)), os.WriteFile(filepath.Dir(p), nil, 0o600))
		}, func(p string) error { return os.Remove(filepath.Dir(p)) }, false},
		{"a loop for a while", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.Symlink(p, p))
		}, func(p string) error { return os.Rename(p+".1", p) }, true},
	} {
		for kind, open := range sinks {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "folder", "log")
				s := open(t, path)
				fatal(t, s.Write(blockOf(line{path, "one"})))
				fatal(t, c.do(path))
				two := blockOf(line{path, "two"}, line{path, "three"})
				if s.many != nil { // of many files one waits beside the others
					fatal(t, s.Write(two))
					fatal(t, c.undo(path))
					s.many.settle(false)
				} else {
					for range 3 {
						if s.Write(two) == nil {
							t.Fatal("written where nothing can be")
						}
					}
					fatal(t, c.undo(path))
					fatal(t, s.Write(two))
				}
				fatal(t, s.Write(blockOf(line{path, "four"})))
				want := "two\nthree\nfour\n"
				if c.survive {
					want = "one\n" + want
				}
				holds(t, path, want)
			})
		}
	}
}
