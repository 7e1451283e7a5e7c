package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDeb builds the Debian package, unpacks it and asks Debian's own tools about it.
func TestDeb(t *testing.T) {
	needs(t, "dpkg-deb", "dpkg")
	dist := t.TempDir()
	runMake(t, "../..", "deb", "ARCHES=amd64", "DIST="+dist)
	deb := filepath.Join(dist, "sluice_0.1.0+3+gabcdef0-1_amd64.deb")
	root := t.TempDir()
	printed(t, "dpkg-deb", "-x", deb, root)

	t.Run("layout", func(t *testing.T) {
		modes(t, root, installed+`
-rw-r--r-- usr/share/doc/sluice/copyright
-rw-r--r-- usr/share/doc/sluice/changelog.gz
-rw-r--r-- usr/share/doc/sluice/changelog.Debian.gz`)
		for line := range strings.Lines(printed(t, "dpkg-deb", "-c", deb)) {
			if !strings.Contains(line, " root/root ") {
				t.Errorf("not root's: %s", line)
			}
		}
		if got := printed(t, "dpkg-deb", "-I", deb, "conffiles"); got != "/etc/sluice/sluice.yaml\n" {
			t.Errorf("conffiles are %q", got)
		}
		if got := printed(t, "dpkg-deb", "-f", deb, "Provides", "Conflicts"); got != "" {
			t.Errorf("it pushes rsyslog out: %s", got)
		}
	})
	t.Run("configuration", func(t *testing.T) {
		for _, command := range [][]string{{"check", "--strict"}, {"test"}} {
			printed(t, filepath.Join(root, "usr/bin/sluice"), append(command, "-c", filepath.Join(root, "etc/sluice/sluice.yaml"))...)
		}
	})
	t.Run("scripts", func(t *testing.T) {
		control := t.TempDir()
		printed(t, "dpkg-deb", "-e", deb, control)
		starts := regexp.MustCompile(`systemctl[^\n]*\b(enable|start|restart)\b|deb-systemd-helper|rsyslog\s*(stop|disable)`)
		for _, script := range []string{"postinst", "prerm", "postrm"} {
			printed(t, "sh", "-n", filepath.Join(control, script))
			text, _ := os.ReadFile(filepath.Join(control, script))
			for line := range strings.Lines(string(text)) {
				if starts.MatchString(line) && !strings.Contains(line, "echo ") {
					t.Errorf("%s takes something over: %s", script, line)
				}
			}
		}
	})
	t.Run("units", func(t *testing.T) {
		needs(t, "systemd-analyze", "systemd")
		m := newMachine(t)
		printed(t, "dpkg-deb", "-x", deb, string(m)) // over what is there
		if out, ok := m.systemctl("enable", "sluice.service", "sluice.socket"); !ok {
			t.Fatal(out)
		}
		if out := printed(t, "systemd-analyze", "verify", "--man=no", "--root", string(m), "sluice.service", "sluice.socket", "syslog.socket"); out != "" {
			t.Error(out)
		}
	})
	t.Run("lintian", func(t *testing.T) {
		needs(t, "lintian", "lintian")
		if out := printed(t, "lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", deb); strings.Contains(out, "E: ") {
			t.Error(out)
		}
	})
	t.Run("life", func(t *testing.T) { debLife(t, deb) })
}

// debLife has dpkg install, upgrade, remove and purge the package in a folder that it changes its root to. There is a shell
// there, and systemd does not run.
func debLife(t *testing.T, deb string) {
	if os.Getuid() != 0 {
		t.Skip("only root can change its root")
	}
	needs(t, "busybox", "busybox-static")
	root := t.TempDir()
	for _, dir := range []string{"bin", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	busybox, _ := exec.LookPath("busybox")
	printed(t, "cp", busybox, filepath.Join(root, "bin/busybox"))
	for _, program := range []string{"sh", "mkdir", "readlink", "rm"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", program)); err != nil {
			t.Fatal(err)
		}
	}
	dpkg := func(args ...string) {
		t.Helper()
		printed(t, "dpkg", append([]string{"--root", root, "--log", filepath.Join(root, "dpkg.log"), "--force-confold"}, args...)...)
	}
	there := func(path string, want bool) {
		t.Helper()
		if _, err := os.Lstat(filepath.Join(root, path)); (err == nil) != want {
			t.Errorf("%s: there is %t, want %t", path, err == nil, want)
		}
	}
	config, spool := filepath.Join(root, "etc/sluice/sluice.yaml"), filepath.Join(root, "var/lib/sluice/spool")

	dpkg("-i", deb)
	modes(t, root, "drwx------ var/lib/sluice")
	there("etc/systemd", false) // nothing is enabled
	if err := os.WriteFile(config, []byte("# mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(spool, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dpkg("-i", deb)
	if text, _ := os.ReadFile(config); string(text) != "# mine\n" {
		t.Errorf("an upgrade made of the configuration\n%s", text)
	}
	dpkg("-r", "sluice")
	there("usr/bin/sluice", false)
	there("etc/sluice/sluice.yaml", true)
	there("var/lib/sluice/spool", true)
	dpkg("-P", "sluice")
	there("etc/sluice", false)
	there("var/lib/sluice", false)
}
