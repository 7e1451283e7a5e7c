package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

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
)

// A process is a sluice that runs beside the test, in a folder of its own or of others: for tests that need several, or
// that kill one.
type process struct {
	t       testing.TB
	dir     string
	name    string            // of its configuration; its log is name.log
	address map[string]string // of its last input of each transport
	cmd     *exec.Cmd
	prepare func(*exec.Cmd) // changes how it is started; may be nil
}

// run starts a sluice with that configuration, and returns when it has said what it listens to.
func run(t testing.TB, dir, name, conf string) *process {
	t.Helper()
	return runWith(t, dir, name, conf, nil)
}

// runWith does so in a way of its own.
func runWith(t testing.TB, dir, name, conf string, prepare func(*exec.Cmd)) *process {
	t.Helper()
	p := &process{t: t, dir: dir, name: name, prepare: prepare}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd != nil && p.cmd.Process != nil && p.cmd.ProcessState == nil {
			p.kill()
		}
		if t.Failed() {
			log := p.log()
			t.Logf("%s says\n%s", name, log[max(0, len(log)-9000):])
		}
	})
	p.start()
	return p
}

// start starts it, again after an end.
func (p *process) start() {
	p.t.Helper()
	if err := p.tryStart(); err != nil {
		p.t.Fatal(err)
	}
}

// tryStart does so where it may be that it cannot come up.
func (p *process) tryStart() error {
	log, err := os.OpenFile(p.logFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = asSluice(p.t, "run", "-c", p.name)
	p.cmd.Dir, p.cmd.Stderr = p.dir, log
	if p.prepare != nil {
		p.prepare(p.cmd)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	// What does not come up is said here, not by the end of the whole run.
	defer time.AfterFunc(time.Minute, func() {
		p.cmd.Process.Kill()
		out.Close()
	}).Stop()
	p.address = map[string]string{}
	for said := bufio.NewScanner(out); said.Scan(); {
		if m := listens.FindStringSubmatch(said.Text()); m != nil {
			p.address[m[1]] = m[2]
		}
		if strings.HasPrefix(said.Text(), "  try") {
			return nil
		}
	}
	p.cmd.Wait()
	text := p.log()
	return fmt.Errorf("sluice did not come up:\n%s", text[max(0, len(text)-9000):])
}

func (p *process) logFile() string { return filepath.Join(p.dir, p.name+".log") }

func (p *process) log() string {
	text, _ := os.ReadFile(p.logFile())
	return string(text)
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends it in peace.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
	}
}

// says waits until its log has a line that matches.
func (p *process) says(what string) {
	p.t.Helper()
	waitForFile(p.t, p.logFile(), func(text string) bool { return regexp.MustCompile(what).MatchString(text) }, what)
}

// waitForFile waits until a file's text is as wanted.
func waitForFile(t testing.TB, file string, is func(text string) bool, what string) {
	t.Helper()
	var text []byte
	for end := time.Now().Add(patience); time.Now().Before(end); waitForChange(filepath.Dir(file)) {
		if text, _ = os.ReadFile(file); is(string(text)) {
			return
		}
	}
	t.Fatalf("%s never had: %s\n%.2000s", filepath.Base(file), what, text)
}

// tell sends one line over a connection of its own, and waits for the receipt.
func tell(t testing.TB, address, line string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(conn, line)
	conn.(*net.TCPConn).CloseWrite()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a collector that talks")
	}
}

func write(b testing.TB, dir, name, text string) {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// asSluice is this test's program in the part of sluice.
func asSluice(b testing.TB, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "sluice"
	return cmd
}

func poll(b testing.TB, try func() error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	err := errors.New("not tried")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		if err = try(); err == nil {
			return
		}
	}
	b.Fatal(err)
}

// cpuTime is the user and system time of a process: fields 14 and 15 of its stat, in hundredths of a second.
func cpuTime(b testing.TB, pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// statusOf is a number, in KB, of /proc/PID/status.
func statusOf(t testing.TB, pid int, key string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	fatal(t, err)
	_, rest, ok := strings.Cut(string(text), key+":")
	if !ok {
		t.Fatalf("no %s", key)
	}
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	fatal(t, err)
	return n
}

// statusAt is what the sluice at a control socket says of itself.
func statusAt(socket string) (s status, err error) {
	resp, err := controlClient{socket}.do(context.Background(), "GET", "/status")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
