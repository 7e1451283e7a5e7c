package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"sluice/cmd/sluice/convert"
)

// asRsyslog are configurations that mean the same to sluice, converted, as to the real rsyslogd. LOGS is where files go.
var asRsyslog = []struct{ name, conf string }{
	{"Debian's rules", "$FileOwner root\n$FileGroup adm\n$FileCreateMode 0640\n$DirCreateMode 0755\n$Umask 0022\n" + debianRules},
	{"the old language", `
$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat
$template Hosts,"LOGS/hosts/%HOSTNAME%/%programname%.log"
$template Short,"%syslogseverity-text% %pri-text% %msg:2:$%\n"
$FileCreateMode 0600
*.* ?Hosts
*.=debug;\
	auth,authpriv.none;\
	mail.none	-LOGS/debug
*.info;mail.none;cron.!=info;kern.err LOGS/selected
mail.err	LOGS/mail.err;Short
*.info,mail.none,cron.none LOGS/commas
lpr,user.info,mail,cron.none;;daemon.* LOGS/mixed
:msg, contains, "healthz" ~
:programname, isequal, "nginx" LOGS/nginx
& LOGS/nginx2;Short
& stop
:syslogtag, !startswith, "app" LOGS/others
:msg, startswith, " GET" LOGS/get
:msg, regex, "a\\(b\\|c\\)\\+ *d.*[[:digit:]]\\{2\\}$" LOGS/basic
:msg, ereregex, "^ (GET|POST) /[a-z]+" LOGS/extended
:msg, regex, "1+1" LOGS/plus
:fromhost-ip, isequal, "127.0.0.1" LOGS/source
:procid, isequal, "-" LOGS/noproc
:msg, contains, "tab#011here" LOGS/tab
:msg, contains, "" LOGS/all
$FileCreateMode 0644
:hostname, isequal, "WEB1" LOGS/case
:syslogfacility-text, isequal, "local0" LOGS/facility
*.emerg @127.0.0.1:9
`},
	{"the script language", `
template(name="list" type="list") {
  property(name="timereported" dateFormat="rfc3339")
  constant(value=" {")
  property(name="programname" caseConversion="upper")
  constant(value="}")
  property(name="msg" spifno1stsp="on") property(name="msg" dropLastLF="on")
  constant(value="\n")
}
ruleset(name="common") {
  action(type="omfile" file="LOGS/common" template="list" fileCreateMode="0600")
  if $msg contains "dropped by the ruleset" then stop
}
call common
if $msg contains 'GET' or $msg contains 'POST' and $msg contains 'healthz' then action(type="omfile" file="LOGS/or-and")
if $msg contains 'POST' and $msg contains 'x' or $msg contains 'GET' then action(type="omfile" file="LOGS/and-or")
if $syslogseverity <= 4 and $programname startswith ["app", "ng"] then {
  action(type="omfile" file="LOGS/severe")
  if $msg contains_i "HEALTH" then stop
  else if not ($syslogfacility-text == "LOCAL0") then { LOGS/else-if
  } else { action(type="omfile" file="LOGS/else" template="list") }
} else LOGS/mild
& LOGS/ampersand
if $syslogfacility > 15 or prifilt("auth.*") then LOGS/local
if $programname != ["app", "nginx"] then LOGS/unequal
if re_match($msg, "x{2,3}|^ [^G]") then LOGS/re
if $hostname == "web1" and $procid == "7" then LOGS/procid
if tolower($programname) == "app" then LOGS/lower
if $inputname == "imtcp" then LOGS/input
if $syslogseverity == '6' then LOGS/number
if $msg startswith 'GET' then LOGS/never
if $msg contains 'GET' \
  and $hostname == 'web1' \
then LOGS/continued
:programname, startswith, "ng" {
  LOGS/haproxys
  stop
}
*.* { LOGS/block
  stop
}
*.* LOGS/unreached
`},
	{"templates", `
$template A,"%TIMESTAMP% %timereported:::date-rfc3339% %timereported:1:10:date-rfc3339% %timereported:12:19:date-rfc3339%|%HOSTNAME:::uppercase%|%syslogtag%|%msg%|\n"
$template B,"<%PRI%>%app-name%|%procid%|%msgid%|%structured-data%|%syslogfacility%.%syslogseverity% {x} 100\% \\ \065 %fromhost-ip%\n"
$template C,"{\"host\":\"%hostname:::json%\",\"program\":\"%programname:::json%\"}\n"
$template D,"%syslogtag:F,91:1%|%hostname:1:2%|%source%|%timereported:::date-mysql%|%timereported:::date-pgsql%|%timereported:::date-unixtimestamp%\n"
$template E,"%rawmsg%\n"
template(name="F" type="string" string="%timereported:::date-year%%timereported:::date-month%%timereported:::date-day% %timereported:::date-hour%:%timereported:::date-minute%:%timereported:::date-second% %syslogtag%%msg%\n")
template(name="G" type="string" option.json="on" string="{\"tag\":\"%syslogtag%\",\"at\":\"%timereported:::date-rfc3339%\",\"pri\":%pri%}\n")
template(name="path" type="string" string="LOGS/%hostname%/%syslogfacility-text%-%timereported:::date-year%.log")
*.* LOGS/a;A
*.* LOGS/b;B
*.* LOGS/c;C
*.* LOGS/d;D
*.* LOGS/e;E
*.* LOGS/f;F
*.* LOGS/g;G
*.* LOGS/file;RSYSLOG_FileFormat
*.* LOGS/traditional;RSYSLOG_TraditionalFileFormat
action(type="omfile" dynaFile="path" template="F")
`},
}

// rsyslogMessages come over TCP, each a line.
var rsyslogMessages = []string{
	"<14>Nov 20 15:17:52 web1 app[7]: GET /healthz 200",
	"<14>Nov 20 15:17:52 web1 app[7]: GET /shop 200",
	"<11>Nov 20 15:17:52 web2 nginx: POST /xxx health of x",
	"<134>Nov 20 15:17:52 web2 nginx: GET / from nginx",
	"<131>Nov 20 15:17:52 web1 app: abcbd and 42",
	"<130>Nov 20 15:17:52 web1 app: Healthy no more",
	"<86>Nov 20 15:17:52 web1 sshd[812]: Accepted publickey for root",
	"<78>Nov 20 15:17:52 web1 CRON[813]: (root) CMD (x)",
	"<22>Nov 20 15:17:52 mail postfix/smtpd[4]: connect from unknown",
	"<19>Nov 20 15:17:52 mail postfix/smtpd[4]: error 1+1",
	"<6>Nov 20 15:17:52 web1 kernel: eth0: link up",
	"<3>Nov 20 15:17:52 web1 kernel: eth0: link down",
	"<15>Nov 20 15:17:52 web1 APP[9]: debugged",
	"<14>Nov 20 15:17:52 web1 app: tab\there",
	"<14>Nov 20 15:17:52 web1 app: dropped by the ruleset",
	"<14>Nov 20 15:17:52 web1 app:no blank behind the colon",
	`<165>1 2026-11-20T15:17:52.123456+00:00 web3 shop 77 ID47 [a@1 k="v"] paid`,
	`<165>1 2026-11-20T15:17:52Z web3 shop - - - nothing of that`,
	"<13>Nov 20 15:17:52 web1 app[7]: čtyři",
	"<190>Nov 20 15:17:52 web1 end: of all",
}

// The files that rsyslogd writes by a configuration are those that sluice writes by what convert makes of it: their names,
// modes, owners and lines.
func TestConvertMeansTheSame(t *testing.T) {
	for _, c := range asRsyslog {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
			conf := `module(load="imtcp")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="` + dir + `/port")
:programname, isequal, "end" LOGS/end
` + c.conf
			r := newRsyslogd(t, dir, "rsyslogd", strings.ReplaceAll(conf, "LOGS", theirs))
			r.start()
			converted, err := convert.File(fstest.MapFS{"rsyslog.conf": {Data: []byte(strings.ReplaceAll(conf, "LOGS", ours))}}, "rsyslog.conf", mistakesIn)
			fatal(t, err)
			if len(converted.Left) > 0 {
				t.Errorf("left out: %v", converted.Left)
			}
			p := run(t, dir, "sluice.yaml", "state_dir: ./state\n"+string(converted.YAML))

			waitForFile(t, filepath.Join(dir, "port"), func(text string) bool { return text != "" }, "rsyslogd's port")
			port, err := os.ReadFile(filepath.Join(dir, "port"))
			fatal(t, err)
			lines := strings.Join(rsyslogMessages, "\n") + "\n"
			fatal(t, sendForReceipt(p.address["tcp"], lines))
			fatal(t, sendForReceipt("127.0.0.1:"+strings.TrimSpace(string(port)), lines))
			waitForFile(t, filepath.Join(theirs, "end"), func(text string) bool { return strings.HasSuffix(text, "of all\n") }, "the last message")
			r.signal(syscall.SIGTERM)
			p.stop()
			if diff := cmp.Diff(filesIn(t, theirs), filesIn(t, ours)); diff != "" {
				t.Errorf("(-rsyslogd +sluice):\n%s\n%s", diff, converted.YAML)
			}
		})
	}
}

// filesIn are the files below a folder, by their names: mode, owner and text.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	fatal(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 { // sluice makes files that have no fields in their names at once, rsyslogd all with their first line
			return nil
		}
		text, err := os.ReadFile(path)
		st := info.Sys().(*syscall.Stat_t)
		files[strings.TrimPrefix(path, dir)] = fmt.Sprintf("%s %d:%d\n%s", info.Mode(), st.Uid, st.Gid, text)
		return err
	}))
	return files
}
