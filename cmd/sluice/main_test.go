package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", quickRace)
	testscript.Main(m, map[string]func(){"sluice": main, "metered": metered})
}

// quickRace keeps each process that the race detector watches from sleeping for a second before it ends.
const quickRace = "atexit_sleep_ms=0"

// TestScripts runs testdata/script: each file is a configuration, what is done to a running sluice, and what must be
// there afterwards. Beside testscript's own commands there are
//
//	daemon start CONFIG    starts sluice run; its addresses are in $UDP, $UDPPORT, $TCP, $TCPPORT, $TLS, $TLSPORT, $UNIXGRAM and $UNIX then,
//	                       and what it has said on stdout is in daemon.banner
//	daemon stop            ends it with SIGTERM; it must exit with 0. Its log is in daemon.log
//	redis start [OPTION..] starts redis-server at $REDISPORT; redis kill ends it as a crash does
//	certificates           makes the certificates of a tlsFolder in the working folder
//	waits FILE REGEXP      waits until FILE has a line that matches
//	lines FILE N           waits until FILE has N lines, and fails if it gets more
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", quickRace)
			e.Setenv("NO_COLOR", "1")
			e.Values[daemonKey{}] = &testDaemon{}
			e.Values[redisKey{}] = &testRedis{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": daemonCommand,
			"lines":  linesCommand,
			"redis":  redisCommand,

			"certificates": certificatesCommand,
			"waits":        waitsCommand,
		},
		// [!exec:PROGRAM] [!ci] skip: what a test needs may be missing on a workstation, never in CI.
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "ci":
				return os.Getenv("CI") == "true", nil
			case "gnutls": // rsyslog's module for TLS, which Debian packs by itself
				found, err := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so")
				return len(found) > 0, err
			case "kmsg": // the kernel's log may be root's alone, or not be there
				f, err := os.Open("/dev/kmsg")
				if err == nil {
					f.Close()
				}
				return err == nil, nil
			}
			if path, ok := strings.CutPrefix(cond, "exists:"); ok {
				_, err := os.Stat(path)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// A testDaemon is the daemon of one script.
type testDaemon struct{ cmd *exec.Cmd }

type daemonKey struct{}

func daemonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: daemon start CONFIG | daemon stop")
	}
	d := ts.Value(daemonKey{}).(*testDaemon)
	switch args[0] {
	case "start":
		d.start(ts, args[1:])
	case "stop":
		ts.Check(d.cmd.Process.Signal(syscall.SIGTERM))
		if err := d.cmd.Wait(); err != nil {
			ts.Fatalf("sluice: %v\n%s", err, ts.ReadFile("daemon.log"))
		}
	default:
		ts.Fatalf("daemon %s?", args[0])
	}
}

var listens = regexp.MustCompile(`listens  (\w+)://(\S+)`)

// start returns when the daemon has said what it listens to.
func (d *testDaemon) start(ts *testscript.TestScript, args []string) {
	log, err := os.OpenFile(ts.MkAbs("daemon.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	ts.Check(err)
	defer log.Close()
	self, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(self, append([]string{"run", "-c"}, args...)...)
	cmd.Args[0] = "sluice" // by which testscript.Main knows what to be
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), log
	cmd.Env = append(os.Environ(), "TZ=UTC", "PATH="+ts.Getenv("PATH"), "SELFSIGNED="+ts.Getenv("SELFSIGNED"),
		"REDISPORT="+ts.Getenv("REDISPORT"), "PASSWORD="+ts.Getenv("PASSWORD"))
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	d.cmd = cmd
	var banner []byte
	for said := bufio.NewScanner(out); said.Scan(); {
		banner = append(append(banner, said.Bytes()...), '\n')
		if m := listens.FindStringSubmatch(said.Text()); m != nil {
			ts.Setenv(strings.ToUpper(m[1]), m[2])
			if _, port, err := net.SplitHostPort(m[2]); err == nil {
				ts.Setenv(strings.ToUpper(m[1])+"PORT", port)
			}
		}
		if strings.HasPrefix(said.Text(), "  try") {
			ts.Check(os.WriteFile(ts.MkAbs("daemon.banner"), banner, 0o644))
			return
		}
	}
	cmd.Wait()
	ts.Fatalf("sluice did not come up:\n%s", ts.ReadFile("daemon.log"))
}

func linesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines FILE N")
	}
	var want int
	_, err := fmt.Sscan(args[1], &want)
	ts.Check(err)
	file := ts.MkAbs(args[0])
	got := -1
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if got = countLines(file); got >= want {
			break
		}
		waitForChange(filepath.Dir(file))
	}
	if got != want {
		text, _ := os.ReadFile(file)
		ts.Fatalf("%s has %d lines, want %d:\n%.2000s", args[0], got, want, text)
	}
}

func waitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waits FILE REGEXP")
	}
	file, wanted := ts.MkAbs(args[0]), regexp.MustCompile(args[1])
	var text []byte
	for end := time.Now().Add(patience); time.Now().Before(end); waitForChange(filepath.Dir(file)) {
		if text, _ = os.ReadFile(file); wanted.Match(text) {
			return
		}
	}
	ts.Fatalf("%s has no line with %s:\n%.2000s", args[0], args[1], text)
}

func countLines(file string) int {
	f, err := os.Open(file)
	if err != nil {
		return -1
	}
	defer f.Close()
	n := 0
	for s := bufio.NewReader(f); ; n++ {
		if _, err := s.ReadSlice('\n'); err != nil && err != bufio.ErrBufferFull {
			return n
		}
	}
}
