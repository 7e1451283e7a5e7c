package rules

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/syslog"
)

// selectors are all read by rsyslogd itself in TestSelectorsAgreeWithRsyslog.
var selectors = []string{
	"*.*", "*.info", "*.=info", "*.!info", "*.!=info", "*.none", "*.debug", "*.emerg", "*.panic", "*.error", "*.warn", "*.7", "*.0", "*.=3",
	"mail.*", "mail.err", "mail.=err", "mail.none", "kern.crit", "local7.debug", "security.*", "authpriv.*",
	"mail,kern.crit", "mail,kern,local0.=notice", "auth,authpriv.*",
	"*.info;mail.none", "*.info;mail.none;authpriv.none;cron.none", "*.*;auth,authpriv.none", "*.err;kern.none",
	"mail.info;mail.!err", "mail.info;mail.!=notice", "mail.*;mail.!warn", "*.*;mail.!*", "*.none;mail.err", "mail.none;mail.err",
	"*.=debug;auth,authpriv.none;news.none;mail.none", "*.=info;*.=notice;*.=warn;auth,authpriv.none;cron,daemon.none;mail,news.none",
	"cron.warning;cron.!=err;local0.*", "mail.!none", "mail.err;*.!crit", "MAIL.ERR", "invld.*", "invld.debug", "invld.info",
	"mark.*", "*.info;mark.none", "mark,mail.err", "mail.info,kern.err", "mail.info,kern,news.err;cron.none", "mail.info;", "mail.info,", "mail.info;;news.err", "mail.info,;news.err",
	"mail, news.err", "mail news.err", "mail ,news.err", "mail.info ", "mail,.err", "mail .info", "mail. info", "mail,,news.info", ";mail.info", ",mail.info",
}

// TestSelectorsAgreeWithRsyslog sends one message of each PRI, and one with a broken PRI, to a real rsyslogd that has a
// file for each selector, and compares.
func TestSelectorsAgreeWithRsyslog(t *testing.T) {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("rsyslogd is missing: apt-get install rsyslog")
		}
		t.Skip("rsyslogd is missing: apt-get install rsyslog")
	}
	var lines []string
	for pri := range 192 {
		lines = append(lines, fmt.Sprintf("<%d>Nov 20 15:17:52 host app: pri %d", pri, pri))
	}
	lines = append(lines, "<999>Nov 20 15:17:52 host app: pri broken")
	theirs := routeWithRsyslog(t, lines)
	for n, text := range selectors {
		want := theirs[n]
		c, err := Selector(text)
		if err != nil {
			if len(want) > 0 {
				t.Errorf("%s: %v, and rsyslogd matches %v", text, err, want)
			}
			continue
		}
		var got []string
		for _, line := range lines {
			if m := batchOf(t, line).Messages[0]; c.holds(&eval{m: &m}) {
				got = append(got, line[strings.LastIndexByte(line, ' ')+1:])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-rsyslogd +sluice):\n%s", text, diff)
		}
	}
}

// routeWithRsyslog returns the last words of the lines that rsyslogd wrote for each selector.
func routeWithRsyslog(t *testing.T, lines []string) [][]string {
	dir := t.TempDir()
	socket := filepath.Join(dir, "in.sock")
	conf := "module(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=\"" + socket + "\" RateLimit.Interval=\"0\")\n" +
		"$template bare,\"%rawmsg%\\n\"\n"
	for n, s := range selectors {
		if strings.Contains(s, " ") { // there it ends a selector that stands by itself
			s = "if prifilt(\"" + s + "\") then"
		}
		conf += fmt.Sprintf("%s %s/%d;bare\n", s, dir, n)
	}
	conf += fmt.Sprintf(":msg, contains, \"the end\" %s/end;bare\n", dir)
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("rsyslogd", "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	var conn net.Conn
	waitFor(t, func() (err error) { conn, err = net.Dial("unixgram", socket); return err })
	defer conn.Close()
	for _, line := range append(slices.Clone(lines), "<13>Nov 20 15:17:52 app: the end") {
		if _, err := conn.Write([]byte(line)); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	waitFor(t, func() error {
		if st, err := os.Stat(dir + "/end"); err != nil || st.Size() == 0 {
			return errors.Join(err, errors.New("nothing yet"))
		}
		return nil
	})
	got := make([][]string, len(selectors))
	for n := range selectors {
		f, err := os.Open(filepath.Join(dir, fmt.Sprint(n)))
		if err != nil {
			continue // it matched nothing
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			if _, word, ok := strings.Cut(s.Text(), ": pri "); ok {
				got[n] = append(got[n], word)
			}
		}
		f.Close()
	}
	return got
}

// waitFor tries until try succeeds.
func waitFor(t *testing.T, try func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func TestBadSelectors(t *testing.T) {
	for text, want := range map[string]string{
		"":            `selector "": want facility.severity, as in mail.err`,
		"mail":        `selector "mail": want facility.severity, as in mail.err`,
		"mail.":       `selector "mail.": want facility.severity, as in mail.err`,
		".err":        `selector ".err": want facility.severity, as in mail.err`,
		"mial.err":    `unknown facility "mial"`,
		"mail.eror":   `unknown severity "eror"`,
		"mail.err.x":  `unknown severity "err.x"`,
		"16.*":        `unknown facility "16"`,
		",mail.err":   `selector ",mail.err": want facility.severity, as in mail.err`,
		",.err":       `selector ",.err": want facility.severity, as in mail.err`,
		"mail;a.err":  `selector "mail": want facility.severity, as in mail.err`,
		"a.err b.err": `selector "a.err b.err": want ; between a.err and b.err`,
		"mail.!":      `unknown severity ""`,
		"*.*, -/file": `selector "-/file": want facility.severity, as in mail.err`,
	} {
		if _, err := Selector(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Blanks that would end a selector for rsyslogd, and have it lose the rest in silence, mean nothing here.
func TestSelectorBlanks(t *testing.T) {
	plain, err := Selector("mail.info;news.err")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{" mail.info;news.err", "mail.info; news.err", "mail.info ;news.err", "mail.info\t;\tnews.err ", "mail.info , news.err"} {
		if c, err := Selector(text); err != nil || c.(selector).mask != plain.(selector).mask {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
}

func FuzzSelector(f *testing.F) {
	for _, s := range selectors {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Selector(text)
		if err != nil {
			return
		}
		for pri := range 192 {
			m := syslog.Message{Facility: syslog.Facility(pri >> 3), Severity: syslog.Severity(pri & 7)}
			c.holds(&eval{m: &m})
		}
		if again, err := Selector(strings.ToUpper(text)); err != nil || again.(selector).mask != c.(selector).mask {
			t.Errorf("%q means something else in upper case: %v", text, err)
		}
	})
}
