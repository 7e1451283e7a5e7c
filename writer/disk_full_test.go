package writer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const page = 4096 // what the disk gives at once

// smallDisk mounts a file system of 256 KiB and fills all but some pages of it with a file that makes room when removed.
func smallDisk(t *testing.T, free int) (dir, filler string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=0755"); err != nil {
		lacks(t, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	filler = filepath.Join(dir, "filler")
	fatal(t, os.WriteFile(filler, make([]byte, 256<<10-free*page), 0o600))
	return dir, filler
}

// A disk fills in the middle of a block. The block goes on at its exact byte when there is room, or where the file went.
func TestDiskFull(t *testing.T) {
	block := numbered("", "a", 120, 200) // 24 KB: six pages
	text := content(block...)
	type files map[string]string
	for _, c := range []struct {
		name string
		free int // pages
		room func(path, filler string) error
		want files // at the end, by what follows the path; the block and a line "end" behind it were written
	}{
		{"room for nothing", 0, func(_, filler string) error { return os.Remove(filler) }, files{"": text + "end\n"}},
		{"room for a page", 1, func(_, filler string) error { return os.Remove(filler) }, files{"": text + "end\n"}},
		{"room for a part", 4, func(_, filler string) error { return os.Remove(filler) }, files{"": text + "end\n"}},
		{"room comes in steps", 2, func(_, filler string) error { return os.Truncate(filler, 252<<10-2*page) }, files{"": text + "end\n"}},
		{"rotated meanwhile: only the next block goes to the new file", 3, func(path, filler string) error {
			return errors.Join(os.Rename(path, path+".1"), os.Remove(filler))
		}, files{".1": text, "": "end\n"}},
		{"rotated before anything was written", 0, func(path, filler string) error {
			return errors.Join(os.Rename(path, path+".1"), os.Remove(filler))
		}, files{".1": "", "": text + "end\n"}},
		{"deleted to make room: what went with it is written again", 3, func(path, filler string) error {
			return errors.Join(os.Remove(path), os.Remove(filler))
		}, files{"": text + "end\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, filler := smallDisk(t, c.free)
			path := filepath.Join(dir, "log")
			s := openFile(t, path, DefaultFileOptions())
			b := blockOf(block...)
			for range 3 {
				if err := s.Write(b); !errors.Is(err, unix.ENOSPC) {
					t.Fatalf("a full disk: %v", err)
				}
			}
			holds(t, path, text[:c.free*page])
			fatal(t, c.room(path, filler))
			for tries := 0; ; tries++ {
				err := s.Write(b)
				if err == nil {
					break
				}
				if tries == 100 || !errors.Is(err, unix.ENOSPC) {
					t.Fatal(err)
				}
				st, err := os.Stat(filler)
				fatal(t, err)
				fatal(t, os.Truncate(filler, st.Size()-page))
			}
			fatal(t, s.Write(blockOf(line{"", "end"})))
			for behind, want := range c.want {
				holds(t, path+behind, want)
			}
		})
	}
}

// The log itself fills the disk. Whoever deletes it to get room back gets it, though a write to it was cut short.
func TestDiskFullOfTheLog(t *testing.T) {
	dir, filler := smallDisk(t, 3)
	fatal(t, os.Remove(filler))
	path := filepath.Join(dir, "log")
	fatal(t, os.WriteFile(path, make([]byte, 253<<10), 0o600))
	s := openFile(t, path, DefaultFileOptions())
	block := numbered("", "a", 120, 200)
	b := blockOf(block...)
	if err := s.Write(b); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	fatal(t, os.Remove(path))
	fatal(t, s.Write(b))
	holds(t, path, content(block...))
}

// Who was killed on a full disk, in the middle of a line, starts on it, and ends that line when there is room.
func TestStartOnFullDisk(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"a torn line", "torn", "torn\nmore\n"},
		{"no file yet", "", "more\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, filler := smallDisk(t, 0)
			path := filepath.Join(dir, "log")
			if c.before != "" {
				fatal(t, os.Truncate(filler, 252<<10-page))
				fatal(t, os.WriteFile(path, []byte(strings.Repeat("x", page-len(c.before)-1)+"\n"+c.before), 0o600))
				c.after = strings.Repeat("x", page-len(c.before)-1) + "\n" + c.after
				rest, err := os.OpenFile(filler, os.O_WRONLY|os.O_APPEND, 0)
				fatal(t, err)
				for err == nil {
					_, err = rest.Write(make([]byte, page))
				}
				rest.Close()
			}
			s, err := NewFileSink(path, DefaultFileOptions())
			fatal(t, err)
			t.Cleanup(func() { s.Close() })
			b := blockOf(line{"", "more"})
			if err := s.Write(b); !errors.Is(err, unix.ENOSPC) {
				t.Fatalf("a full disk: %v", err)
			}
			fatal(t, os.Remove(filler))
			fatal(t, s.Write(b))
			holds(t, path, c.after)
		})
	}
}

// Many files on a full disk: some get all, one a part, others nothing. Later each has its own once.
func TestDiskFullMany(t *testing.T) {
	dir, filler := smallDisk(t, 9)
	var lines []line
	want := map[string]string{}
	for i := range 5 { // three pages each, in turn
		path := filepath.Join(dir, string(rune('a'+i)))
		of := numbered(path, "m", 60, 200)
		lines = append(lines, of...)
		want[path] = content(of...)
	}
	for i := range lines {
		j := i * 61 % len(lines) // 61 and 300 share no factor
		lines[i], lines[j] = lines[j], lines[i]
	}
	for path := range want {
		var of []line
		for _, l := range lines {
			if l.path == path {
				of = append(of, l)
			}
		}
		want[path] = content(of...)
	}
	s := openFile(t, "", DefaultFileOptions())
	b := blockOf(lines...)
	for range 4 {
		if err := s.Write(b); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("a full disk: %v", err)
		}
	}
	fatal(t, os.Remove(filler))
	fatal(t, s.Write(b))
	for path, text := range want {
		holds(t, path, text)
	}
}
