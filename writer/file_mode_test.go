package writer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// underUmask runs the test with this umask. It is the whole process's, so no such test is parallel.
func underUmask(t *testing.T, mask int) {
	old := unix.Umask(mask)
	t.Cleanup(func() { unix.Umask(old) })
}

// The modes of what sluice makes are those of the options, whatever the umask; what is there already keeps its own.
func TestFileModes(t *testing.T) {
	for _, c := range []struct {
		name          string
		umask         int
		mode, dirMode fs.FileMode
	}{
		{"the defaults", 0o022, 0o640, 0o750},
		{"a tight umask", 0o777, 0o666, 0o777},
		{"no umask", 0, 0o600, 0o700},
		{"no mode at all", 0o022, 0o000, 0o700},
		{"folders that hand down their group", 0o077, 0o664, 0o775 | fs.ModeSetgid},
		{"the sticky bit", 0o077, 0o644, 0o777 | fs.ModeSticky},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fatal(t, os.Mkdir(filepath.Join(dir, "old"), 0o711))
			underUmask(t, c.umask)
			o := DefaultFileOptions()
			o.Mode, o.DirMode = c.mode, c.dirMode
			openFile(t, filepath.Join(dir, "old/new/deep/log"), o)
			for path, want := range map[string]fs.FileMode{
				"old": 0o711 | fs.ModeDir, "old/new": c.dirMode | fs.ModeDir, "old/new/deep": c.dirMode | fs.ModeDir, "old/new/deep/log": c.mode,
			} {
				st, err := os.Stat(filepath.Join(dir, path))
				fatal(t, err)
				if st.Mode() != want {
					t.Errorf("%s has mode %v, want %v", path, st.Mode(), want)
				}
			}
		})
	}
}

func TestFileKeepsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	fatal(t, os.WriteFile(path, nil, 0o604))
	fatal(t, os.Chmod(path, 0o604))
	openFile(t, path, DefaultFileOptions())
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o604 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

// Owner and group go to what sluice makes, and to nothing else.
func TestFileOwner(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "only root gives files away")
	}
	for _, c := range []struct {
		name, owner, group string
		uid, gid           uint32
	}{
		{"by number", "12345", "54321", 12345, 54321},
		{"by name", "daemon", "daemon", 1, 1},
		{"the owner alone", "12345", "", 12345, 0},
		{"the group alone", "", "54321", 0, 54321},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			o := DefaultFileOptions()
			o.Owner, o.Group, o.DirMode = c.owner, c.group, 0o750|fs.ModeSetgid
			fatal(t, os.WriteFile(filepath.Join(dir, "old"), nil, 0o600))
			openFile(t, filepath.Join(dir, "old"), o)
			openFile(t, filepath.Join(dir, "new/log"), o)
			for path, want := range map[string][2]uint32{".": {}, "old": {}, "new": {c.uid, c.gid}, "new/log": {c.uid, c.gid}} {
				st, err := os.Stat(filepath.Join(dir, path))
				fatal(t, err)
				sys := st.Sys().(*syscall.Stat_t)
				if sys.Uid != want[0] || sys.Gid != want[1] {
					t.Errorf("%s belongs to %d:%d, want %v", path, sys.Uid, sys.Gid, want)
				}
			}
			if st, err := os.Stat(filepath.Join(dir, "new")); err != nil || st.Mode() != o.DirMode|fs.ModeDir {
				t.Errorf("the folder has mode %v, %v", st.Mode(), err)
			}
		})
	}
}

// asNobody runs f as a user who may not do everything; the files it names must be under a folder of mode 0777.
func asNobody(t *testing.T, f func()) {
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fatal(t, unix.Setfsuid(65534))
	defer unix.Setfsuid(0)
	f()
}

// What may not be done is an error each time it is tried, and leaves nothing behind that a second try would take for right.
func TestFileNoPermission(t *testing.T) {
	for _, c := range []struct {
		name, path string
		owner      string
		want       error
		absent     string
	}{
		{"a file of another", "theirs", "", fs.ErrPermission, ""},
		{"a folder of another", "closed/log", "", fs.ErrPermission, "closed/log"},
		{"folders in a folder of another", "closed/a/b/log", "", fs.ErrPermission, "closed/a"},
		{"a file that may not be given away", "mine", "12345", fs.ErrPermission, "mine"},
		{"a folder that may not be given away", "new/log", "12345", fs.ErrPermission, "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fatal(t, os.Chmod(filepath.Dir(dir), 0o755))
			fatal(t, os.Chmod(dir, 0o777))
			fatal(t, os.WriteFile(filepath.Join(dir, "theirs"), nil, 0o400))
			fatal(t, os.Mkdir(filepath.Join(dir, "closed"), 0o555))
			o := DefaultFileOptions()
			o.Owner = c.owner
			for try := range 2 {
				var err error
				asNobody(t, func() { _, err = NewFileSink(filepath.Join(dir, c.path), o) })
				if !errors.Is(err, c.want) {
					t.Errorf("try %d: %v, want %v", try, err, c.want)
				}
			}
			if c.absent != "" {
				if _, err := os.Lstat(filepath.Join(dir, c.absent)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is left behind: %v", c.absent, err)
				}
			}
		})
	}
}
