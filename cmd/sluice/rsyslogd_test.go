package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// An rsyslogd is the real one, with dir/NAME.conf, in the foreground.
type rsyslogd struct {
	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// newRsyslogd prepares one; it does not run yet.
func newRsyslogd(t testing.TB, dir, name, conf string) *rsyslogd {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		lacks(t, "rsyslogd is missing: install Debian's package rsyslog")
	}
	file := filepath.Join(dir, name+".conf")
	if err := os.WriteFile(file, []byte("global(workDirectory=\""+dir+"\" net.enableDNS=\"off\")\n"+conf), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rsyslogd{t: t, args: []string{"-n", "-f", file, "-i", filepath.Join(dir, name+".pid")}}
	t.Cleanup(r.kill)
	return r
}

func (r *rsyslogd) start() {
	r.t.Helper()
	r.cmd = exec.Command("rsyslogd", r.args...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// signal ends it with that signal, and waits for its end.
func (r *rsyslogd) signal(s os.Signal) {
	if r.cmd != nil {
		r.cmd.Process.Signal(s)
		r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *rsyslogd) kill() { r.signal(os.Kill) }

// lacks skips a test for want of something that this machine has not, which a workstation may lack and CI never.
func lacks(t testing.TB, why ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why...)
	}
	t.Skip(why...)
}

// portOf is the port of an address.
func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// onTmpfs puts a tmpfs of its own on dir, until the test ends.
func onTmpfs(t testing.TB, dir, options string) {
	t.Helper()
	if os.Getuid() != 0 {
		lacks(t, "mounting needs root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		lacks(t, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}
