package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A machine is a folder that systemd's tools take for the root of one: with the unit files of this module, of systemd and,
// if it is there, of rsyslog, and with programs that the units name.
type machine string

func newMachine(t *testing.T) machine {
	m := machine(t.TempDir())
	units := filepath.Join(string(m), "usr/lib/systemd/system")
	m.copyTo(t, units, "../../systemd/sluice.service", "../../systemd/sluice.socket", "/lib/systemd/system/syslog.socket")
	targets, _ := filepath.Glob("/lib/systemd/system/*.target")
	m.copyTo(t, units, targets...)
	for _, program := range []string{"usr/bin/sluice", "bin/kill", "usr/sbin/rsyslogd"} {
		file := filepath.Join(string(m), program)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/lib", filepath.Join(string(m), "lib")); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m machine) copyTo(t *testing.T, dir string, files ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// systemctl changes the links of the machine, and reports whether it could.
func (m machine) systemctl(args ...string) (string, bool) {
	out, err := exec.Command("systemctl", append([]string{"--root", string(m)}, args...)...).CombinedOutput()
	return string(out), err == nil
}

// syslogService is the unit that the machine's syslog.socket would start.
func (m machine) syslogService() string {
	link, err := os.Readlink(filepath.Join(string(m), "etc/systemd/system/syslog.service"))
	if err != nil {
		return "none"
	}
	return filepath.Base(link)
}

// needs ends the test where a program of the Debian package is missing.
func needs(t *testing.T, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lacks(t, program+" is missing: install Debian's package "+debian)
	}
}

// TestUnits has systemd read the units. It warns of a line that it does not know, and goes on: so must say nothing.
func TestUnits(t *testing.T) {
	needs(t, "systemd-analyze", "systemd")
	for _, c := range []struct {
		name   string
		dropIn string
		verify string
	}{
		{name: "as it is", verify: "sluice.service"},
		{name: "its ports", verify: "sluice.socket"},
		{name: "as the system's syslog daemon", verify: "syslog.socket"},
		{name: "without root", verify: "sluice.service", dropIn: "../../systemd/dynamic-user.conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			if out, ok := m.systemctl("enable", "sluice.service", "sluice.socket"); !ok {
				t.Fatal(out)
			}
			if c.dropIn != "" {
				m.copyTo(t, filepath.Join(string(m), "etc/systemd/system/sluice.service.d"), c.dropIn)
			}
			out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--root", string(m), c.verify).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestUnitExposure holds the unit to systemd's own measure of what a daemon that is broken into could do: 10 is all, 3 is
// little for one that starts as root.
func TestUnitExposure(t *testing.T) {
	needs(t, "systemd-analyze", "systemd")
	for dropIn, threshold := range map[string]string{"": "30", "../../systemd/dynamic-user.conf": "20"} {
		m := newMachine(t)
		if dropIn != "" {
			m.copyTo(t, filepath.Join(string(m), "etc/systemd/system/sluice.service.d"), dropIn)
		}
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold", threshold, "--root", string(m), "sluice.service").CombinedOutput()
		if err != nil {
			t.Errorf("with drop-in %q it is over %s: %v\n%s", dropIn, threshold, err, out)
		}
	}
}

// TestUnitsBesideRsyslog goes the way of README.md's "Install" and back, with the links that systemctl makes.
func TestUnitsBesideRsyslog(t *testing.T) {
	needs(t, "systemctl", "systemd")
	const rsyslog = "/lib/systemd/system/rsyslog.service"
	if _, err := os.Stat(rsyslog); err != nil {
		lacks(t, "there is no rsyslog.service: install Debian's package rsyslog")
	}
	m := newMachine(t)
	m.copyTo(t, filepath.Join(string(m), "usr/lib/systemd/system"), rsyslog)
	for _, step := range []struct {
		does  string
		works bool
		after string
	}{
		{does: "enable rsyslog", works: true, after: "rsyslog.service"},
		{does: "enable sluice", works: false, after: "rsyslog.service"}, // never silently
		{does: "enable --force sluice", works: true, after: "sluice.service"},
		{does: "disable rsyslog", works: true, after: "sluice.service"},
		{does: "enable --force rsyslog", works: true, after: "rsyslog.service"},
		{does: "disable sluice", works: true, after: "rsyslog.service"},
		{does: "enable --force sluice", works: true, after: "sluice.service"},
		{does: "disable rsyslog", works: true, after: "sluice.service"},
		{does: "apt purge rsyslog", works: true, after: "none"}, // deb-systemd-helper removes all links it once made
		{does: "enable sluice", works: true, after: "sluice.service"},
	} {
		var out string
		ok := true
		if step.does == "apt purge rsyslog" {
			ok = os.Remove(filepath.Join(string(m), "etc/systemd/system/syslog.service")) == nil
		} else {
			out, ok = m.systemctl(strings.Fields(step.does)...)
		}
		if got := m.syslogService(); ok != step.works || got != step.after {
			t.Errorf("%s: worked %t, want %t; syslog.service is %s, want %s\n%s", step.does, ok, step.works, got, step.after, out)
		}
	}
	// The ports are opened by the restart of a service that wants them.
	if out, ok := m.systemctl("enable", "sluice.socket"); !ok {
		t.Error(out)
	}
	if _, err := os.Lstat(filepath.Join(string(m), "etc/systemd/system/sluice.service.wants/sluice.socket")); err != nil {
		t.Error(err)
	}
}

var boundingSet = regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.+)$`)

// TestUnitCapabilities runs the daemon with what the unit, or the drop-in without root, leaves of root's powers: it must have the
// port 514, in a network of its own, and give its files to whom the configuration says.
func TestUnitCapabilities(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has capabilities to take away")
	}
	needs(t, "setpriv", "util-linux")
	needs(t, "ip", "iproute2")
	for _, c := range []struct {
		name   string
		unit   string
		as     string // what setpriv is told beside the capabilities CAPS
		target string
		want   string
	}{
		{"root", "sluice.service", "--bounding-set CAPS --inh-caps CAPS", "owner: games, mode: 0600", "games root 600"},
		{"without root", "dynamic-user.conf", "--reuid nobody --regid nogroup --groups adm --bounding-set CAPS --inh-caps CAPS --ambient-caps CAPS", "group: adm", "nobody adm 640"},
	} {
		t.Run(c.name, func(t *testing.T) {
			unit, err := os.ReadFile("../../systemd/" + c.unit)
			if err != nil {
				t.Fatal(err)
			}
			keep := "-all"
			for name := range strings.FieldsSeq(boundingSet.FindStringSubmatch(string(unit))[1]) {
				keep += ",+" + strings.ToLower(strings.TrimPrefix(name, "CAP_"))
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			config := `
state_dir: theirs/state
inputs: ["udp://127.0.0.1:514"]
rules: [{to: {file: theirs/app.log, ` + c.target + `, format: message}}]
`
			if err := os.WriteFile(filepath.Join(dir, "sluice.yaml"), []byte(config), 0o644); err != nil {
				t.Fatal(err)
			}
			script := `
trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
cp "$1" sluice
mkdir -m 700 theirs
chown nobody theirs
chmod 755 . ..
ip link set lo up
setpriv --no-new-privs ` + strings.ReplaceAll(c.as, "CAPS", keep) + ` ./sluice run -c sluice.yaml > banner &
until grep -q '  try' banner; do kill -0 $!; sleep 0.05; done
./sluice send -q --to udp://127.0.0.1:514 'as the unit has it'
kill $!
wait $!
stat -c '%U %G %a' theirs/app.log
cat theirs/app.log
`
			shell := exec.CommandContext(t.Context(), "unshare", "-n", "bash", "-euc", script, "bash", self)
			shell.Dir = dir
			out, err := shell.CombinedOutput()
			if err != nil || !strings.HasSuffix(string(out), c.want+"\nas the unit has it\n") {
				t.Errorf("%v with %s, want %s\n%s", err, keep, c.want, out)
			}
		})
	}
}
