package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A marked block of README.md: <!-- test: NAME --> and the block behind it.
var markedBlock = regexp.MustCompile("(?s)<!-- test: (\\S+) -->\n```\\w+\n(.*?)```")

// TestReadme does what README.md tells its reader to do. A block marked with a file's name becomes that file, one
// marked run is given to a shell, and the one marked output behind it is what must come of it. What is called a .yaml has
// to be one that sluice check has nothing against, but for wrong.yaml.
func TestReadme(t *testing.T) {
	for program, in := range map[string]string{"openssl": "openssl", "systemd-socket-activate": "systemd"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "true" {
			t.Skipf("%s is missing: install Debian's package %s", program, in)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "sluice")); err != nil {
		t.Fatal(err)
	}
	blocks := markedBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 6 {
		t.Fatalf("README.md has %d marked blocks", len(blocks))
	}
	var got string
	for _, b := range blocks {
		switch name, text := b[1], b[2]; name {
		case "run":
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			shell := exec.CommandContext(ctx, "bash", "-euc", text)
			shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
			shell.Dir = dir
			shell.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TZ=UTC")
			out, err := shell.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s\nprinted\n%s", err, text, out)
			}
			got = string(out)
		case "output":
			if diff := cmp.Diff(text, got); diff != "" {
				t.Errorf("(-README +output):\n%s", diff)
			}
		default:
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	configs, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	for _, file := range configs {
		if filepath.Base(file) == "wrong.yaml" {
			continue
		}
		if cfg, err := LoadConfig(file); err != nil {
			t.Error(err)
		} else if len(cfg.Warnings) > 0 {
			t.Error(cfg.Warnings)
		}
	}
}
