package writer

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A file that cannot be rotated is written on to. That is said once, tried again after a minute, and said when it is over.
func TestRotateFault(t *testing.T) {
	for _, c := range []struct {
		name, word string
		do, undo   func(t *testing.T, dir string)
	}{
		{"a folder that nothing may be made in", "operation not permitted",
			func(t *testing.T, dir string) { chattr(t, "+i", dir) }, func(t *testing.T, dir string) { chattr(t, "-i", dir) }},
		{"a folder of another", "permission denied",
			func(t *testing.T, dir string) { asRoot(func() { fatal(t, os.Chmod(dir, 0o555)) }) },
			func(t *testing.T, dir string) { asRoot(func() { fatal(t, os.Chmod(dir, 0o777)) }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			fatal(t, os.Chmod(filepath.Dir(dir), 0o755))
			fatal(t, os.Chmod(dir, 0o777))
			now.set(t, "2026-11-20 23:59:00")
			asNobody(t, func() {
				path := filepath.Join(dir, "log")
				s, said := rotating(t, path, Rotation{Every: Day}, now)
				fatal(t, s.Write(blockOf(line{"", "a"})))
				fatal(t, os.Chtimes(path, now.now(), now.now()))
				c.do(t, dir)
				for _, at := range []string{"2026-11-21 00:00:00", "2026-11-21 00:00:30", "2026-11-21 00:01:30"} {
					now.set(t, at)
					fatal(t, s.Write(blockOf(line{"", "b"})))
				}
				if n := strings.Count(said.String(), "cannot rotate, writing on"); n != 1 || !strings.Contains(said.String(), c.word) {
					t.Errorf("said %d times: %s", n, said)
				}
				c.undo(t, dir)
				now.set(t, "2026-11-21 00:02:00")
				fatal(t, s.Write(blockOf(line{"", "b"})))
				now.set(t, "2026-11-21 00:03:00")
				fatal(t, s.Write(blockOf(line{"", "c"})))
				sameFiles(t, dir, map[string]string{"log.2026-11-20": "a\nb\nb\nb\nb\n", "log": "c\n"})
				if !strings.Contains(said.String(), "rotating again") {
					t.Error("not said that it is over")
				}
			})
		})
	}
}

// asRoot ends for a while what asNobody began.
func asRoot(f func()) {
	if os.Getuid() == 0 {
		unix.Setfsuid(0)
		defer unix.Setfsuid(65534)
	}
	f()
}

// chattr sets what even root must not do to a folder. A test process that may not is no root.
func chattr(t *testing.T, flag, dir string) {
	t.Helper()
	asRoot(func() {
		if out, err := exec.Command("chattr", flag, dir).CombinedOutput(); err != nil {
			lacks(t, string(out))
		}
	})
	if flag == "+i" {
		t.Cleanup(func() { exec.Command("chattr", "-i", dir).Run() })
	}
}

// A disk too full to compress, or to rename: the old file stays, and so does what is written.
func TestCompressDiskFull(t *testing.T) {
	dir, filler := smallDisk(t, 8)
	now := &clock{}
	now.set(t, "2026-11-20 15:30:00")
	path := filepath.Join(dir, "log")
	random := make([]byte, 6*page)
	for i := range random { // that nothing compresses
		random[i] = byte(i*i>>3 ^ i*7919>>5 ^ i*104729>>7)
	}
	fatal(t, os.WriteFile(path+".1", random, 0o600))
	s, _ := rotating(t, path, Rotation{Size: 4096, Compress: Gzip}, now)
	err := s.rotator.janitor.sweep(t.Context())
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	holds(t, path+".1", string(random))
	if _, err := os.Stat(path + ".1.gz.partial"); err == nil {
		t.Error("half of it is left, on a full disk")
	}
	fatal(t, os.Remove(filler))
	sweep(t, s)
	sameFiles(t, dir, map[string]string{"log": "", "log.1.gz": string(random)})
}

// A file system that becomes read-only: everything fails, nothing is lost, and all of it is written when that is over.
func TestReadOnly(t *testing.T) {
	dir, filler := smallDisk(t, 60)
	fatal(t, os.Remove(filler))
	remount := func(flags uintptr) {
		t.Helper()
		fatal(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|flags, "size=256k"))
	}
	now := &clock{}
	now.set(t, "2026-11-20 23:59:00")
	path := filepath.Join(dir, "log")
	s, said := rotating(t, path, Rotation{Every: Day}, now)
	fatal(t, s.Write(blockOf(line{"", "a"})))
	fatal(t, os.Chtimes(path, now.now(), now.now()))
	fatal(t, s.fixed.close()) // a file that is open for writing keeps its file system so
	remount(unix.MS_RDONLY)
	b := blockOf(line{"", "b"})
	for range 3 {
		if err := s.Write(b); !errors.Is(err, unix.EROFS) {
			t.Fatal(err)
		}
	}
	remount(0)
	now.set(t, "2026-11-21 00:00:00")
	fatal(t, s.Write(b))
	fatal(t, s.Write(blockOf(line{"", "c"})))
	sameFiles(t, dir, map[string]string{"log.2026-11-20": "a\n", "log": "b\nc\n"})
	if said.Len() > 0 {
		t.Error("said", said)
	}
}

// What is no regular file is not rotated, and that is said.
func TestRotateFIFO(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "fifo"), &clock{}
	now.set(t, "2026-11-20 15:30:00")
	fatal(t, unix.Mkfifo(path, 0o600))
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	fatal(t, err)
	defer r.Close()
	for _, path := range []string{path, "/dev/null"} {
		s, said := rotating(t, path, Rotation{Size: 4096, Every: Day, Keep: Keep{Files: 1}}, now)
		for range 3 {
			fatal(t, s.Write(blockOf(numbered("", "x", 50, 100)...)))
			now.set(t, "2026-11-22 15:30:00")
			s.Tick()
		}
		if !strings.Contains(said.String(), "rotate has no effect") {
			t.Error("not said:", path)
		}
	}
}

// Somebody else rotates as well. Nothing is rotated twice, and nothing lost.
func TestRotateBesideLogrotate(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(path string) error
		want map[string]string
	}{
		{"create", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p, nil, 0o600))
		}, map[string]string{"log.1": "a\n", "log": "b\n"}},
		{"nocreate", func(p string) error { return os.Rename(p, p+".1") }, map[string]string{"log.1": "a\n", "log": "b\n"}},
		{"copytruncate", func(p string) error { return os.Truncate(p, 0) }, map[string]string{"log": "b\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, now := t.TempDir(), &clock{}
			path := filepath.Join(dir, "log")
			now.set(t, "2026-11-20 23:59:00")
			s, said := rotating(t, path, Rotation{Every: Day}, now)
			fatal(t, s.Write(blockOf(line{"", "a"})))
			fatal(t, os.Chtimes(path, now.now(), now.now()))
			now.set(t, "2026-11-21 00:00:00")
			fatal(t, c.do(path))
			fatal(t, s.Write(blockOf(line{"", "b"})))
			now.set(t, "2026-11-21 00:05:00")
			fatal(t, os.Chtimes(path, now.now(), now.now()))
			s.rotator.tick(s)
			sameFiles(t, dir, c.want)
			if said.Len() > 0 {
				t.Error("said", said)
			}
		})
	}
}

// The daemon's own way: the janitor runs beside the writes, and all lines are there in the end, in order, in files of the
// size that was asked for.
func TestRotateUnderLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	const size, lines, per = 64 << 10, 20000, 100
	now := &clock{}
	at := time.Now()
	now.at.Store(&at)
	s, said := rotating(t, path, Rotation{Size: size, Compress: Zstd}, now)
	var want strings.Builder
	all := numbered("", "line", lines, 100)
	for from := 0; from < lines; from += per {
		b := blockOf(all[from : from+per]...)
		want.Write(b.Text)
		fatal(t, s.Write(b))
		s.Tick()
	}
	sweepDone(t, s)
	fatal(t, s.Close())
	got := tree(t, dir)
	var text strings.Builder
	for n := len(got) - 1; n > 0; n-- {
		part, ok := got["log."+strconv.Itoa(n)+".zst"]
		if !ok || len(part) > size {
			t.Errorf("log.%d.zst: %v, %d bytes", n, ok, len(part))
		}
		text.WriteString(part)
	}
	text.WriteString(got["log"])
	if text.String() != want.String() {
		t.Errorf("%d files hold %d bytes, want %d, or in another order", len(got), text.Len(), want.Len())
	}
	if said.Len() > 0 {
		t.Error("said", said)
	}
}
