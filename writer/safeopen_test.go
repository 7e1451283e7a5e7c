package writer

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A user who can write to the folder plants links there. Nothing is written through them, and nothing changes its owner.
func TestPlantedLinks(t *testing.T) {
	if os.Getuid() != 0 {
		lacks(t, "only root can be led astray")
	}
	const stranger = 54321
	for _, c := range []struct {
		name  string
		plant func(folder, secret string) error
		want  string
	}{
		{"a symbolic link", func(folder, secret string) error { return os.Symlink(secret, folder+"/log") }, "symbolic link"},
		{"a hard link", func(folder, secret string) error { return os.Link(secret, folder+"/log") }, "hard link"},
		{"a link to nowhere", func(folder, secret string) error { return os.Symlink(secret+".new", folder+"/log") }, "symbolic link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			folder, secret := filepath.Join(dir, "theirs"), filepath.Join(dir, "secret")
			fatal(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
			fatal(t, os.Mkdir(folder, 0o755))
			fatal(t, os.Chown(folder, stranger, stranger))
			fatal(t, c.plant(folder, secret))
			if st, _ := os.Lstat(folder + "/log"); st.Mode()&os.ModeSymlink != 0 {
				fatal(t, os.Lchown(folder+"/log", stranger, stranger))
			}
			o := DefaultFileOptions()
			o.Owner, o.Mode = "54321", 0o666
			_, err := NewFileSink(folder+"/log", o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), folder+"/log") {
				t.Errorf("%v, want one about a %s", err, c.want)
			}
			text, _ := os.ReadFile(secret)
			st, _ := os.Stat(secret)
			if string(text) != "secret\n" || st.Mode().Perm() != 0o600 || st.Sys().(*syscall.Stat_t).Uid != 0 {
				t.Errorf("the secret became %q, %v", text, st.Mode())
			}
			if _, err := os.Stat(secret + ".new"); err == nil {
				t.Error("a file was made through the link")
			}
		})
	}
}

// A link that root made, in a folder that only root can write to, is followed, for the file and for its folders.
func TestOwnLinks(t *testing.T) {
	dir := t.TempDir()
	fatal(t, os.Mkdir(dir+"/disk", 0o755))
	fatal(t, os.Symlink("disk", dir+"/logs"))
	fatal(t, os.Symlink(dir+"/logs/real", dir+"/log"))
	for _, path := range []string{dir + "/logs/app/log", dir + "/log"} {
		_, err := NewFileSink(path, DefaultFileOptions())
		if strings.HasSuffix(path, "app/log") { // behind a link nothing is made
			if err == nil {
				t.Error("made a folder behind a link")
			}
			fatal(t, os.Mkdir(dir+"/disk/app", 0o755))
			_, err = NewFileSink(path, DefaultFileOptions())
		}
		fatal(t, err)
	}
	for _, file := range []string{"/disk/app/log", "/disk/real"} {
		if _, err := os.Stat(dir + file); err != nil {
			t.Error(err)
		}
	}
	fatal(t, os.Symlink("loop", dir+"/loop"))
	if _, err := NewFileSink(dir+"/loop", DefaultFileOptions()); err == nil || !strings.Contains(err.Error(), "too many levels") {
		t.Errorf("a loop: %v", err)
	}
}

// A line that a crash tore is ended when the file is opened again, and counted.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	fatal(t, os.WriteFile(path, []byte("whole\nto"), 0o600))
	s, err := NewFileSink(path, DefaultFileOptions())
	fatal(t, err)
	fatal(t, s.Write(blockOf(line{path, "next"})))
	fatal(t, s.Close())
	holds(t, path, "whole\nto\nnext\n")
	if n := s.Torn(); n != 1 {
		t.Errorf("%d torn lines counted", n)
	}
	s, err = NewFileSink(path, DefaultFileOptions())
	fatal(t, err)
	fatal(t, s.Close())
	if n := s.Torn(); n != 0 {
		t.Errorf("%d torn lines counted in a whole file", n)
	}
}
