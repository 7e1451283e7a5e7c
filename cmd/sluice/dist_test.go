package main

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDist builds the tarball twice, the second time from a copy of the source elsewhere, made by somebody with another umask in
// another time zone: the bytes must be the same.
func TestDist(t *testing.T) {
	const name = "sluice-v0.1.0-3-gabcdef0-linux-amd64"
	first, second, source := t.TempDir(), t.TempDir(), t.TempDir()
	runMake(t, "../..", "dist", "ARCHES=amd64", "DIST="+first)
	printed(t, "sh", "-c", `umask 077 && cd ../.. && cp -r --no-preserve=mode cmd etc ingest rules syslog systemd writer go.mod go.sum Makefile LICENSE *.md "$1"`, "sh", source)
	t.Setenv("TZ", "Pacific/Auckland")
	runMake(t, source, "dist", "ARCHES=amd64", "DIST="+second)

	sums, err := os.ReadFile(filepath.Join(first, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(filepath.Join(second, "SHA256SUMS")); !bytes.Equal(sums, again) || !strings.HasSuffix(string(sums), name+".tar.gz\n") {
		t.Errorf("built here\n%sand elsewhere\n%s", sums, again)
	}
	printed(t, "tar", "-C", second, "-xf", filepath.Join(first, name+".tar.gz"))
	root := filepath.Join(second, name)
	modes(t, root, `-rwxr-xr-x sluice
-rw-r--r-- README.md
-rw-r--r-- LICENSE
-rw-r--r-- etc/sluice.yaml
-rw-r--r-- systemd/sluice.service
-rw-r--r-- man/man1/sluice.1
-rw-r--r-- completion/completion.bash`)
	if out := printed(t, filepath.Join(root, "sluice"), "version"); !strings.HasPrefix(out, "sluice v0.1.0-3-gabcdef0 ") {
		t.Errorf("its version is %s", out)
	}
	static(t, filepath.Join(root, "sluice"))
}

// static holds that a program needs no other file to be started.
func static(t *testing.T, file string) {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", file)
		}
	}
}
