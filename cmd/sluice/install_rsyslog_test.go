package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// copyLine is what README.md tells who tries sluice beside rsyslog to add to its configuration.
var copyLine = regexp.MustCompile(`(?m)'(\*\.\* @@127\.0\.0\.1:5514;\w+)'`)

// debianRules are those of Debian 12's rsyslog.conf, for another folder than /var/log.
const debianRules = `
*.*;auth,authpriv.none		-LOGS/syslog
auth,authpriv.*			LOGS/auth.log
cron.*				-LOGS/cron.log
kern.*				-LOGS/kern.log
mail.*				-LOGS/mail.log
user.*				-LOGS/user.log
`

// TestInstallBesideRsyslog does what README.md's "Install" says: rsyslogd writes its files and sends a copy to sluice with the
// packaged configuration, and the files of both must be the same, but for a blank that rsyslog
// adds on the way.
func TestInstallBesideRsyslog(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := copyLine.FindSubmatch(readme)
	if line == nil {
		t.Fatal("README.md does not say how rsyslog sends a copy")
	}
	config, err := os.ReadFile("../../etc/packaged.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := run(t, dir, "sluice.yaml", strings.NewReplacer("/var/log/sluice", "ours", "/var/lib/sluice", "state", "127.0.0.1:5514", "127.0.0.1:0", "group: adm, ", "").Replace(string(config)))

	theirs := filepath.Join(dir, "theirs")
	socket := filepath.Join(dir, "log.sock")
	r := newRsyslogd(t, dir, "rsyslogd", `module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="`+socket+`")
`+strings.ReplaceAll(debianRules, "LOGS", theirs)+strings.ReplaceAll(string(line[1]), "127.0.0.1:5514", p.address["tcp"])+"\n")
	r.start()
	waitForFile(t, filepath.Join(dir, "rsyslogd.pid"), func(text string) bool { return text != "" }, "rsyslogd's pid")
	sender, err := net.Dial("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	messages := []string{
		"<13>Nov 20 15:17:52 app[7]: started",
		"<86>Nov 20 15:17:52 sshd[812]: Accepted publickey for root",
		"<78>Nov 20 15:17:52 CRON[813]: (root) CMD (run-parts /etc/cron.hourly)",
		"<22>Nov 20 15:17:52 postfix/smtpd[4]: connect from unknown",
		"<6>Nov 20 15:17:52 kernel: eth0: link up",
		"<11>Nov 20 15:17:52 app: Traceback:\n  File \"x.py\"\n\tboom",
		"<134>Nov 20 15:17:52 ServerLog:no blank behind the colon",
		"<14>Nov 20 15:17:52 app: čtyři  \x1b[1mbold\x1b[0m",
		"<14>Nov 20 15:17:52 app: " + strings.Repeat("long ", 1500),
		"<15>Nov 20 15:17:52 last: one",
	}
	for _, m := range messages {
		if _, err := sender.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"user.log", "syslog"} {
		waitForFile(t, filepath.Join(theirs, name), func(text string) bool { return strings.HasSuffix(text, "last: one\n") }, "the last message")
	}
	files, _ := filepath.Glob(filepath.Join(theirs, "*"))
	if len(files) != 6 {
		t.Errorf("rsyslogd wrote %q", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// All of rsyslog's formats for forwarding put a blank there (sp-if-no-1st-sp).
		want := strings.ReplaceAll(string(text), "ServerLog:no", "ServerLog: no")
		waitForFile(t, filepath.Join(dir, "ours", filepath.Base(file)), func(got string) bool { return got == want }, "the lines of rsyslog's:\n"+want)
	}
}

// switchLine is a change of the packaged configuration in README.md: there are two, one to take rsyslog's place and one to go back.
var switchLine = regexp.MustCompile(`sed -i '([^']+)' /etc/sluice/sluice\.yaml`)

func TestInstallSwitch(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := os.ReadFile("../../etc/packaged.yaml")
	if err != nil {
		t.Fatal(err)
	}
	steps := switchLine.FindAllSubmatch(readme, -1)
	if len(steps) != 2 {
		t.Fatalf("README.md changes the packaged configuration %d times", len(steps))
	}
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, packaged, 0o644); err != nil {
		t.Fatal(err)
	}
	printed(t, "sed", "-i", string(steps[0][1]), file)
	switched, _ := os.ReadFile(file)
	for _, input := range []string{"\n  - fd://\n", "\n  - kernel: /dev/kmsg\n"} {
		if !strings.Contains(string(switched), input) {
			t.Errorf("%q is no input of\n%s", input, switched)
		}
	}
	printed(t, "sed", "-i", string(steps[1][1]), file)
	if back, _ := os.ReadFile(file); string(back) != string(packaged) {
		t.Errorf("the way back leads to\n%s", back)
	}
}
