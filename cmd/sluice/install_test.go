package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runMake runs make in the top folder of the source, and leaves nothing there.
func runMake(t *testing.T, source string, args ...string) {
	t.Helper()
	needs(t, "make", "make")
	dir := t.TempDir()
	args = append([]string{"-s", "BIN=" + filepath.Join(dir, "bin"), "VERSION=v0.1.0-3-gabcdef0", "SOURCE_DATE_EPOCH=1795188272",
		"MAINTAINER=A Maintainer <maintainer@sluice.invalid.org>"}, args...)
	cmd := exec.CommandContext(t.Context(), "make", args...)
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// printed runs a program, which must exit with 0, and returns all it printed.
func printed(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// modes is what there must be below a folder, and as what: each line is a mode and a path.
func modes(t *testing.T, dir string, want string) {
	t.Helper()
	for line := range strings.Lines(want) {
		mode, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		info, err := os.Lstat(filepath.Join(dir, path))
		if err != nil {
			t.Error(err)
		} else if info.Mode().String() != mode {
			t.Errorf("%s is %s, want %s", path, info.Mode(), mode)
		}
	}
}

// installed is what make install, and so the package, puts where.
const installed = `-rwxr-xr-x usr/bin/sluice
-rw-r--r-- usr/lib/systemd/system/sluice.service
-rw-r--r-- usr/lib/systemd/system/sluice.socket
drwxr-xr-x etc/sluice/conf.d
-rw-r--r-- etc/sluice/sluice.yaml
-rw-r--r-- usr/share/man/man1/sluice.1.gz
-rw-r--r-- usr/share/man/man1/sluice-spool-purge.1.gz
-rw-r--r-- usr/share/bash-completion/completions/sluice
-rw-r--r-- usr/share/zsh/vendor-completions/_sluice
-rw-r--r-- usr/share/fish/vendor_completions.d/sluice.fish
-rw-r--r-- usr/share/doc/sluice/README.md.gz
-rw-r--r-- usr/share/doc/sluice/examples/sluice.yaml
-rw-r--r-- usr/share/doc/sluice/examples/sluice.schema.json
-rw-r--r-- usr/share/doc/sluice/examples/logrotate.sluice
-rw-r--r-- usr/share/doc/sluice/examples/dynamic-user.conf`

// TestInstall installs into a folder, and reads what is there with the programs that it is for.
func TestInstall(t *testing.T) {
	root := t.TempDir()
	runMake(t, "../..", "install", "DESTDIR="+root)
	modes(t, root, installed)
	for shell, file := range map[string]string{"bash": "bash-completion/completions/sluice", "zsh": "zsh/vendor-completions/_sluice", "fish": "fish/vendor_completions.d/sluice.fish"} {
		t.Run(shell, func(t *testing.T) {
			needs(t, shell, shell)
			printed(t, shell, "-n", filepath.Join(root, "usr/share", file))
		})
	}
	t.Run("completion", func(t *testing.T) {
		if out := printed(t, filepath.Join(root, "usr/bin/sluice"), "__complete", "st"); !strings.HasPrefix(out, "status\t") {
			t.Errorf("st completes to %s", out)
		}
	})
	t.Run("man", func(t *testing.T) {
		needs(t, "man", "man-db")
		pages, _ := filepath.Glob(filepath.Join(root, "usr/share/man/man1/*"))
		for _, page := range pages {
			if out := printed(t, "sh", "-c", `man --warnings -E UTF-8 -Tutf8 -Z -l "$1" >/dev/null`, "sh", page); out != "" {
				t.Errorf("%s: %s", filepath.Base(page), out)
			}
		}
		page := printed(t, "man", "-P", "cat", "-l", filepath.Join(root, "usr/share/man/man1/sluice.1.gz"))
		for _, want := range []string{"SIGHUP", "/etc/sluice/sluice.yaml", "sluice-run(1)", "Nov 2026"} {
			if !strings.Contains(page, want) {
				t.Errorf("sluice(1) has no %s:\n%s", want, page)
			}
		}
	})
	t.Run("again", func(t *testing.T) {
		config := filepath.Join(root, "etc/sluice/sluice.yaml")
		if err := os.WriteFile(config, []byte("# mine\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		runMake(t, "../..", "install", "DESTDIR="+root, "prefix=/usr/local")
		if text, _ := os.ReadFile(config); string(text) != "# mine\n" {
			t.Errorf("the configuration that was there is now\n%s", text)
		}
		unit, _ := os.ReadFile(filepath.Join(root, "usr/local/lib/systemd/system/sluice.service"))
		if !strings.Contains(string(unit), "ExecStart=/usr/local/bin/sluice run") {
			t.Errorf("the unit of another prefix is\n%s", unit)
		}
	})
}
