package writer

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk that takes a write and cannot keep it: a file system in a file of a disk that is full. It says so once, at
// fdatasync, and forgets. When there is room again the text is on the disk, once, as it is after a power cut.
func TestSyncFault(t *testing.T) {
	for _, kind := range []string{"fixed", "templated"} {
		t.Run(kind, func(t *testing.T) {
			below, filler := smallDisk(t, 0)
			fatal(t, os.Remove(filler))
			fatal(t, unix.Mount("tmpfs", below, "tmpfs", unix.MS_REMOUNT, "size=2m"))
			image, dir := filepath.Join(below, "image"), t.TempDir()
			fatal(t, os.WriteFile(image, nil, 0o600))
			fatal(t, os.Truncate(image, 8<<20))
			program(t, "mkfs.ext4", "-q", "-O", "^has_journal", image)
			mount := func() { t.Helper(); program(t, "mount", "-o", "loop,errors=continue", image, dir) }
			mount()
			t.Cleanup(func() { exec.Command("umount", dir).Run() })
			path := filepath.Join(dir, "log")
			o := DefaultFileOptions()
			o.Fsync = true
			s, fixed := (*FileSink)(nil), path
			if kind == "templated" {
				fixed = ""
			}
			s = openFile(t, fixed, o)
			first, second, third := numbered(path, "first", 100, 100), numbered(path, "second", 2000, 100), numbered(path, "third", 100, 100)
			fatal(t, s.Write(blockOf(first...)))
			fillDisk(t, filler)
			b := blockOf(second...)
			if err := s.Write(b); !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EIO) {
				t.Fatalf("the disk is full: %v", err)
			}
			fatal(t, os.Remove(filler))
			fatal(t, s.Write(b))
			fatal(t, s.Write(blockOf(third...)))
			fatal(t, s.Close())
			program(t, "umount", dir) // what only memory knew is gone
			mount()
			holds(t, path, content(append(append(first, second...), third...)...))
			program(t, "umount", dir)
		})
	}
}

func program(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		lacks(t, args[0]+": "+err.Error()+": "+string(out))
	}
}

// fillDisk takes all the room that a disk has.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	fatal(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, page))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}
