package writer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// makeFiles makes files of these names below dir that hold their own names, each a second older than the one before it; a
// name that ends in a slash is a folder.
func makeFiles(t testing.TB, dir string, newest time.Time, names ...string) {
	t.Helper()
	for i, name := range names {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			fatal(t, os.MkdirAll(path, 0o700))
			continue
		}
		fatal(t, os.MkdirAll(filepath.Dir(path), 0o700))
		at := newest.Add(-time.Duration(i) * time.Second)
		fatal(t, os.WriteFile(path, []byte(name+"\n"), 0o600))
		fatal(t, os.Chtimes(path, at, at))
	}
}

// What a janitor leaves of what it finds.
func TestKeep(t *testing.T) {
	for _, c := range []struct {
		name, path string
		r          Rotation
		there      string // names, the newest first
		left       string
	}{
		{"by number", "log", Rotation{Every: Day, Keep: Keep{Files: 2}},
			"log log.2026-11-19 log.2026-11-18.gz log.2026-11-17 log.2026-11-16.zst", "log log.2026-11-19 log.2026-11-18.gz"},
		{"a date says more than a time", "log", Rotation{Every: Day, Keep: Keep{Files: 1}}, "log.2026-11-18 log.2026-11-19", "log.2026-11-19"},
		{"numbers of a date", "log", Rotation{Every: Day, Size: 4096, Keep: Keep{Files: 2}},
			"log.2026-11-19 log.2026-11-19.1 log.2026-11-19.10 log.2026-11-19.9", "log.2026-11-19.10 log.2026-11-19.9"},
		{"numbers", "log", Rotation{Size: 4096, Keep: Keep{Files: 2}}, "log.10 log.2.gz log.1", "log.2.gz log.1"},
		{"what another period left", "log", Rotation{Every: Day, Keep: Keep{Files: 2}}, "log.1 log.2026-11-19_15 log.2026-10 log.2", "log.1 log.2026-11-19_15"},
		{"by age", "log", Rotation{Every: Day, Keep: Keep{Age: 3 * time.Second}}, "log log.2026-11-20 log.2026-11-19 log.2026-11-18 log.2026-11-17", "log log.2026-11-20 log.2026-11-19 log.2026-11-18"},
		{"all", "log", Rotation{Every: Day}, "log log.1 log.2026-11-19", "log log.1 log.2026-11-19"},
		{"in total", "{hostname}/log", Rotation{Every: Day, MaxTotal: 60}, // the names are 19 bytes
			"a/log a/log.2026-11-19 b/log.2026-11-18 a/log.2026-11-17 b/log.2026-11-16", "a/log a/log.2026-11-19 b/log.2026-11-18 a/log.2026-11-17"},
		{"each path for itself", "{hostname}.log", Rotation{Every: Day, Keep: Keep{Files: 1}},
			"a.log.2026-11-19 a.log.2026-11-18 b.log.2026-11-18 b.log.2026-11-17", "a.log.2026-11-19 b.log.2026-11-18"},
		{"names of others", "log", Rotation{Size: 4096, Keep: Keep{Files: 1}},
			"log.1 log.2 log.01 log.0 log.-1 log.+2 log.1x log.old log. alog.2 log.2.bz2 log.2026-13-01 log.2.partial log/",
			"log.1 log.01 log.0 log.-1 log.+2 log.1x log.old log. alog.2 log.2.bz2 log.2026-13-01 log.2.partial"},
		{"what a crash left of compression", "log", Rotation{Size: 4096}, "log.1 log.1.gz.partial log.2026-11-19.zst.partial x.1.gz.partial", "log.1 x.1.gz.partial"},
		{"a date in the path", "{hostname}-{date}.log", Rotation{Keep: Keep{Files: 1}},
			"a-2026-11-20.log a-2026-11-19.log a-2026-11-18.log b-2026-11-17.log b-2026-11-16.log.gz a-2026-11-21.log",
			"a-2026-11-20.log a-2026-11-19.log b-2026-11-17.log a-2026-11-21.log"},
		{"a date in the folders", "{year}/{month}/{hostname}/{day}.log", Rotation{Keep: Keep{Files: 1}},
			"2026/11/a/20.log 2026/11/a/19.log 2026/10/a/31.log 2026/10/b/31.log 2026/10/b/30.log 2026/13/b/01.log 2026/02/a/30.log x/11/a/19.log 2026/1/a/19.log",
			"2026/11/a/20.log 2026/11/a/19.log 2026/10/b/31.log 2026/13/b/01.log 2026/02/a/30.log x/11/a/19.log 2026/1/a/19.log"},
		{"a date twice", "{year}/{hostname}-{date}", Rotation{Keep: Keep{Age: 24 * time.Hour}}, "2025/a-2025-01-01 2025/a-2024-01-01", "2025/a-2024-01-01"},
		{"the age of a date in the path", "{date}.log", Rotation{Keep: Keep{Age: 48 * time.Hour}}, "2026-11-20.log 2026-11-19.log 2026-11-18.log 2026-11-17.log", "2026-11-20.log 2026-11-19.log 2026-11-18.log"},
		{"months", "{received|%Y-%m}.log", Rotation{Keep: Keep{Files: 1}}, "2026-11.log 2026-10.log 2026-09.log", "2026-11.log 2026-10.log"},
		{"years", "{year}.log", Rotation{Keep: Keep{Files: 1}}, "2026.log 2025.log 2024.log", "2026.log 2025.log"},
		{"hours", "{date}/{hour}.log", Rotation{Keep: Keep{Files: 1}}, "2026-11-20/15.log 2026-11-20/14.log 2026-11-20/13.log 2026-11-20/24.log", "2026-11-20/15.log 2026-11-20/14.log 2026-11-20/24.log"},
		{"read in two ways", "{hostname}-{date}-{app_name}.log", Rotation{Keep: Keep{Age: time.Hour}},
			"a-2026-11-01-2026-11-20-b.log a-2026-11-01-b.log", "a-2026-11-01-2026-11-20-b.log"},
		{"a date in the path, and a size", "{hostname}-{date}.log", Rotation{Size: 4096, Keep: Keep{Files: 3}},
			"a-2026-11-20.log a-2026-11-20.log.1 a-2026-11-20.log.2.gz a-2026-11-19.log a-2026-11-19.log.1 a-2026-11-18.log",
			"a-2026-11-20.log a-2026-11-20.log.1 a-2026-11-20.log.2.gz a-2026-11-19.log"},
		{"what a date must look like", "{received|%F}.log", Rotation{Keep: Keep{Files: 1}},
			"2026-11-20.log dpkg.log alternatives.log 2026-11-19.log kern.log 2026-11-18.log", "2026-11-20.log dpkg.log alternatives.log 2026-11-19.log kern.log"},
		{"in total, by date", "{hostname}-{date}.log", Rotation{MaxTotal: 30}, // the names are 17 bytes
			"a-2026-11-20.log a-2026-11-18.log b-2026-11-19.log", "a-2026-11-20.log b-2026-11-19.log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			now.set(t, "2026-11-20 15:30:00")
			makeFiles(t, dir, now.now(), strings.Fields(c.there)...)
			s := keeping(t, filepath.Join(dir, c.path), c.r, now)
			for range 2 {
				sweep(t, s)
			}
			want := map[string]string{}
			for _, name := range strings.Fields(c.left) {
				want[name] = name + "\n"
			}
			got := map[string]string{}
			fatal(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() {
					name, _ := filepath.Rel(dir, path)
					got[name] = ""
				}
				return err
			}))
			for name := range want {
				if _, ok := got[name]; !ok {
					t.Errorf("%s is gone", name)
				}
				delete(got, name)
			}
			for name := range got {
				t.Errorf("%s is left", name)
			}
		})
	}
}

// keeping is a sink that only keeps the old files of a path; it opens none.
func keeping(t testing.TB, path string, r Rotation, c *clock) *FileSink {
	t.Helper()
	fatal(t, r.Check(path, time.UTC))
	o := DefaultFileOptions()
	o.Rotate = r
	s := openFile(t, "", o)
	s.now = c.now
	fatal(t, s.UseRotation(path, time.UTC, slog.New(slog.DiscardHandler)))
	return s
}

// Of a file whose date has passed nothing is left but a compressed one, with owner, mode and time as before.
func TestCompress(t *testing.T) {
	for _, c := range []Compression{Gzip, Zstd} {
		t.Run(c.String(), func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			now.set(t, "2026-11-20 15:30:00")
			path := filepath.Join(dir, "a-2026-11-19.log")
			text := content(numbered("", "x", 10000, 100)...)
			fatal(t, os.WriteFile(path, []byte(text), 0o640))
			fatal(t, os.Chmod(path, 0o604))
			if os.Getuid() == 0 {
				fatal(t, os.Chown(path, 12345, 54321))
			}
			at := utc(t, "2026-11-19 12:00:00")
			fatal(t, os.Chtimes(path, at, at))
			before, err := os.Stat(path)
			fatal(t, err)
			sweep(t, keeping(t, filepath.Join(dir, "{hostname}-{date}.log"), Rotation{Compress: c}, now))
			packed := "a-2026-11-19.log" + extensions[c]
			sameFiles(t, dir, map[string]string{packed: text})
			after, err := os.Stat(filepath.Join(dir, packed))
			fatal(t, err)
			b, a := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
			if a.Uid != b.Uid || a.Gid != b.Gid || after.Mode() != before.Mode() || !after.ModTime().Equal(at) || after.Size() > before.Size()/4 {
				t.Errorf("%d:%d %v %v %d bytes, want %d:%d %v %v", a.Uid, a.Gid, after.Mode(), after.ModTime(), after.Size(), b.Uid, b.Gid, before.Mode(), at)
			}
		})
	}
}

// A process that was killed at any step of compression loses nothing, and the next one finishes what it began.
func TestCompressAfterCrash(t *testing.T) {
	gz := func(t *testing.T, path, text string) {
		f, err := os.Create(path)
		fatal(t, err)
		_, err = pack(f, strings.NewReader(text), Gzip)
		fatal(t, err)
		fatal(t, f.Close())
	}
	for _, c := range []struct {
		name  string
		crash func(t *testing.T, path string)
		want  map[string]string
		fault bool
	}{
		{"before anything", func(*testing.T, string) {}, map[string]string{"log.1.gz": "one\n"}, false},
		{"while it was written", func(t *testing.T, path string) {
			gz(t, path+".gz.partial", "one\n")
			fatal(t, os.Truncate(path+".gz.partial", 5))
		}, map[string]string{"log.1.gz": "one\n"}, false},
		{"before it got its name", func(t *testing.T, path string) { gz(t, path+".gz.partial", "one\n") }, map[string]string{"log.1.gz": "one\n"}, false},
		{"before the file went", func(t *testing.T, path string) { gz(t, path+".gz", "one\n") }, map[string]string{"log.1.gz": "one\n"}, false},
		{"it is another's", func(t *testing.T, path string) { gz(t, path+".gz", "two\n") }, map[string]string{"log.1.gz": "two\n", "log.1": "one\n"}, true},
		{"it is longer", func(t *testing.T, path string) { gz(t, path+".gz", "one\ntwo\n") }, map[string]string{"log.1.gz": "one\ntwo\n", "log.1": "one\n"}, true},
		{"it is shorter", func(t *testing.T, path string) { gz(t, path+".gz", "one") }, map[string]string{"log.1.gz": "one", "log.1": "one\n"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			now.set(t, "2026-11-20 15:30:00")
			path := filepath.Join(dir, "log.1")
			fatal(t, os.WriteFile(path, []byte("one\n"), 0o600))
			c.crash(t, path)
			s := keeping(t, filepath.Join(dir, "log"), Rotation{Size: 4096, Compress: Gzip}, now)
			for range 2 {
				if err := s.rotator.janitor.sweep(t.Context()); (err != nil) != c.fault {
					t.Error(err)
				}
			}
			sameFiles(t, dir, c.want)
		})
	}
}

// A process that was killed between two renames of a chain leaves a gap, and the next rotation closes it.
func TestChainAfterCrash(t *testing.T) {
	for _, c := range []struct {
		name, there string
		want        string // as name=content, of which content is the name it had
	}{
		{"no crash", "1 2 3", "1=log 2=1 3=2 4=3"},
		{"after the first", "1 2 4", "1=log 2=1 3=2 4=4"},
		{"after the second", "1 3 4", "1=log 2=1 3=3 4=4"},
		{"before the last", "2 3 4", "1=log 2=2 3=3 4=4"},
		{"some are compressed", "1 2.gz 3.zst 5", "1=log 2=1 3.gz=2.gz 4.zst=3.zst 5=5"},
		{"both ways", "1 1.gz 2", "1=log 2=1 2.gz=1.gz 3=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			now.set(t, "2026-11-20 15:30:00")
			path := filepath.Join(dir, "log")
			for _, n := range strings.Fields(c.there) {
				fatal(t, os.WriteFile(path+"."+n, []byte(n), 0o600))
			}
			s, _ := rotating(t, path, Rotation{Size: 4096}, now)
			fatal(t, s.Write(blockOf(line{"", "log"})))
			fatal(t, s.Write(blockOf(numbered("", "x", 100, 100)...)))
			for _, w := range strings.Fields(c.want) {
				name, text, _ := strings.Cut(w, "=")
				if text == "log" {
					text = "log\n"
				}
				holds(t, path+"."+name, text)
			}
			names, _ := filepath.Glob(path + ".*")
			if len(names) != len(strings.Fields(c.want)) {
				t.Error("there are", names)
			}
		})
	}
}

// The files move on while one of them is being compressed.
func TestCompressMoving(t *testing.T) {
	dir, now := t.TempDir(), &clock{}
	now.set(t, "2026-11-20 15:30:00")
	path := filepath.Join(dir, "log")
	s, _ := rotating(t, path, Rotation{Size: 4096, Compress: Gzip}, now)
	j := s.rotator.janitor
	for i, c := range []struct {
		meanwhile func(o old)
		want      map[string]string
	}{
		{func(old) {}, map[string]string{"log": "", "log.1.gz": "one\n"}},
		{func(old) { fatal(t, os.Rename(path+".1", path+".7")) }, map[string]string{"log": "", "log.7.gz": "one\n"}},
		{func(old) { fatal(t, os.Remove(path+".1")) }, map[string]string{"log": ""}},
		{func(old) { fatal(t, os.Rename(path+".1", path+".x")) }, map[string]string{"log": "", "log.x": "one\n"}},
		{func(old) {
			fatal(t, errors.Join(os.Rename(path+".1", path+".2"), os.WriteFile(path+".1", []byte("two\n"), 0o600)))
		}, map[string]string{"log": "", "log.1": "two\n", "log.2.gz": "one\n"}},
		{func(old) {
			f, err := os.OpenFile(path+".1", os.O_APPEND|os.O_WRONLY, 0)
			fatal(t, err)
			_, err = f.WriteString("late\n")
			fatal(t, errors.Join(err, f.Close()))
		}, map[string]string{"log": "", "log.1": "one\nlate\n"}},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			fatal(t, os.WriteFile(path+".1", []byte("one\n"), 0o600))
			all, err := j.pattern.walk(t.Context(), now.now())
			fatal(t, err)
			o := all.olds[0]
			at, err := j.pattern.open(o.folder)
			fatal(t, err)
			defer at.Close()
			in, err := hold(at, o)
			fatal(t, err)
			defer in.Close()
			const temporary = "log.1.gz.partial"
			out, err := makePartial(at, temporary)
			fatal(t, err)
			n, err := pack(out, in, Gzip)
			fatal(t, err)
			fatal(t, out.Close())
			c.meanwhile(o)
			if err := j.exchange(at, o, in, n, temporary, ".gz"); err != nil && !errors.Is(err, errMoved) {
				t.Error(err)
			}
			os.Remove(filepath.Join(dir, temporary))
			sameFiles(t, dir, c.want)
			for name := range c.want {
				if name != "log" {
					os.Remove(filepath.Join(dir, name))
				}
			}
		})
	}
}

// A janitor that is told to leave leaves in the middle of a large file, and the next one begins it again.
func TestCompressAborted(t *testing.T) {
	dir, now := t.TempDir(), &clock{}
	now.set(t, "2026-11-20 15:30:00")
	text := content(numbered("", "x", 3000, 100)...)
	fatal(t, os.WriteFile(filepath.Join(dir, "log.1"), []byte(text), 0o600))
	s := keeping(t, filepath.Join(dir, "log"), Rotation{Size: 4096, Compress: Zstd}, now)
	for looks := 1; ; looks++ {
		err := s.rotator.janitor.sweep(&impatient{t.Context(), looks})
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := tree(t, dir); len(got) != 1 || got["log.1"] != text && got["log.1.zst"] != text {
			t.Fatalf("after %d looks there are %d files, or not the same text", looks, len(got))
		}
		if looks > 100 {
			t.Fatal("it never ends")
		}
	}
	sameFiles(t, dir, map[string]string{"log.1.zst": text})
}

// An impatient context ends when it was asked so often.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A user who can write to the folder plants what looks like old files. Nothing outside of it is touched.
func TestJanitorPlanted(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "only root can be led astray")
	}
	dir, now := t.TempDir(), &clock{}
	now.set(t, "2026-11-20 15:30:00")
	secret, elsewhere := filepath.Join(dir, "secret"), filepath.Join(dir, "elsewhere")
	folder := filepath.Join(dir, "theirs")
	fatal(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	makeFiles(t, elsewhere, now.now(), "log", "log.1", "log.2", "log.3")
	fatal(t, os.Mkdir(folder, 0o755))
	fatal(t, os.Chown(folder, 54321, 54321))
	path := filepath.Join(folder, "log")
	fatal(t, os.Symlink(secret, path+".1"))
	fatal(t, os.Link(secret, path+".2"))
	fatal(t, os.MkdirAll(path+".3/full", 0o755))
	fatal(t, os.Symlink(elsewhere, path+".4"))
	fatal(t, unix.Mkfifo(path+".5", 0o666))
	fatal(t, os.Symlink(secret, path+".1.gz.partial"))
	s, _ := rotating(t, path, Rotation{Size: 4096, Compress: Gzip, Keep: Keep{Files: 3}}, now)
	for i := range 5 {
		fatal(t, s.Write(blockOf(numbered("", fmt.Sprint("block ", i), 100, 100)...)))
		fatal(t, s.rotator.janitor.sweep(t.Context()))
	}
	holds(t, secret, "secret\n")
	for _, name := range []string{"log", "log.1", "log.2", "log.3"} {
		holds(t, filepath.Join(elsewhere, name), name+"\n")
	}
	templated := filepath.Join(folder, "{hostname}", "log")
	fatal(t, os.Symlink(elsewhere, filepath.Join(folder, "web1")))
	fatal(t, keeping(t, templated, Rotation{Size: 4096, Compress: Gzip, Keep: Keep{Files: 1}}, now).rotator.janitor.sweep(t.Context()))
	for _, name := range []string{"log", "log.1", "log.2", "log.3"} {
		holds(t, filepath.Join(elsewhere, name), name+"\n")
	}
}
