package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where journald's configuration says whether it passes messages on.
func TestForwardsToSyslog(t *testing.T) {
	const yes, no = "[Journal]\nForwardToSyslog=yes\n", "[Journal]\n ForwardToSyslog = no\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  bool
	}{
		{"nothing said", nil, false},
		{"a comment", map[string]string{"etc/systemd/journald.conf": "#ForwardToSyslog=yes"}, false},
		{"the file", map[string]string{"etc/systemd/journald.conf": yes}, true},
		{"the administrator's file in place of the vendor's", map[string]string{"etc/systemd/journald.conf": "", "usr/lib/systemd/journald.conf": yes}, false},
		{"Debian's drop-in", map[string]string{"etc/systemd/journald.conf": no, "usr/lib/systemd/journald.conf.d/syslog.conf": yes}, true},
		{"a drop-in of the same name in /etc", map[string]string{"etc/systemd/journald.conf.d/syslog.conf": no, "usr/lib/systemd/journald.conf.d/syslog.conf": yes}, false},
		{"a later drop-in", map[string]string{"etc/systemd/journald.conf.d/10.conf": no, "usr/lib/systemd/journald.conf.d/syslog.conf": yes}, true},
		{"the kernel's command line", map[string]string{"proc/cmdline": "quiet systemd.journald.forward_to_syslog\n"}, true},
		{"against a drop-in", map[string]string{"proc/cmdline": "systemd.journald.forward_to_syslog=0", "run/systemd/journald.conf.d/a.conf": yes}, false},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			name = filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := forwardsToSyslog(root); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// Which paths are journald's socket.
func TestLeadsToJournald(t *testing.T) {
	dir := t.TempDir()
	for to, want := range map[string]bool{
		"/run/systemd/journal/dev-log":             true,
		"/run//systemd/journal/../journal/dev-log": true,
		"/run/systemd/journal/syslog":              false,
		"dev-log":                                  false,
	} {
		link := filepath.Join(dir, "log")
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if got := leadsToJournald(link); got != want {
			t.Errorf("%s: %t", to, got)
		}
		os.Remove(link)
	}
	if leadsToJournald(dir) {
		t.Error("a folder leads to journald")
	}
}

// Where /dev/log is journald's, the input reads what journald passes on: from the socket that it was passed, else from
// one of its own. The daemon has a /run of its own.
func TestBehindJournald(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI has to run this as root")
		}
		t.Skip("needs root, for a /run of its own")
	}
	for _, c := range []struct {
		name   string
		passed bool
		input  string // empty: the link
	}{
		{"bound", false, ""},
		{"passed", true, ""},
		{"passed to whom it may concern", true, "fd://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, passed := t.TempDir(), c.passed
			log := filepath.Join(dir, "log")
			if err := os.Symlink(journaldSocket, log); err != nil {
				t.Fatal(err)
			}
			const ownRun = `mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/systemd/system && `
			prepare := func(cmd *exec.Cmd) {
				through(t, cmd, ownRun+`exec "$@"`)
				cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			}
			conf := fmt.Sprintf(`{state_dir: %s/state, inputs: [%q], rules: [{to: {file: %s/out, format: "{app_name} {hostname} {message}"}}], hostname: here}`, dir, cmp.Or(c.input, "unixgram://"+log), dir)
			if passed {
				const program = "systemd-socket-activate"
				if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "true" {
					t.Skip(program + " is missing: install Debian's package systemd")
				}
				prepare = func(cmd *exec.Cmd) {
					// The first message starts it. Who sends it gives up when the other has ended.
					first := `until test -S ` + forwardedSocket + `; do kill -0 $$ || exit; done; exec logger -u ` + forwardedSocket + ` -t first started`
					through(t, cmd, ownRun+`{ (`+first+`) >/dev/null 2>&1 & exec `+program+` -d -l `+forwardedSocket+` "$@"; }`)
					cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
				}
			}
			p := runWith(t, dir, "sluice.yaml", conf, prepare)
			socket := fmt.Sprintf("/proc/%d/root%s", p.cmd.Process.Pid, forwardedSocket)
			if got := p.address["unixgram"]; got != forwardedSocket {
				t.Errorf("it listens to %s", got)
			}
			c, err := net.Dial("unixgram", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, "<30>Nov 20 15:17:52 cron[7]: done")
			waitForFile(t, filepath.Join(dir, "out"), func(text string) bool {
				return strings.Contains(text, "cron here done\n") && strings.Contains(text, "first here started\n") == passed
			}, "the messages")
			p.says("systemd-journald has the socket and passes")
			if strings.Contains(p.log(), "no input reads") {
				t.Error("the socket that was passed is nobody's")
			}
			p.stop()
		})
	}
}
