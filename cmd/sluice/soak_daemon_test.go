package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soakPlaces are where every numbered message is to be, each with how many files it may have: a file that is written when
// the daemon dies may get a line that is not whole.
var soakPlaces = map[string]int{"plain": 1, "by": soakHosts * 8, "small": 1, "collector": 0}

const soakHosts = 4

// soakConfig is the configuration in one of two shapes, between which reloads change. Nothing in it need ever shed what is
// acknowledged: who can wait does, for ever.
func soakConfig(host string, odd bool) string {
	size, memory, framing, plain, extra := "64KiB", "8MiB", "newline", "plain-a.log", ""
	if odd {
		size, memory, framing, plain, extra = "32KiB", "6MiB", "octet_counted", "plain-b.log", "  - {name: extra, match: {severity: {at_most: debug}}, to: {file: ./extra.log, queue: {when_full: drop_newest}, rotate: {size: 1MiB, keep: 1}}}\n"
	}
	return fmt.Sprintf(`
state_dir: state
shutdown: 5s
inputs:
  - {syslog: "tcp://%[1]s:5514", name: tcp, max_message_size: %[2]s}
  - {syslog: "unix://in.sock", name: unix, max_message_size: %[2]s}
  - {syslog: "unixgram://log.sock", name: unixgram}
  - {syslog: "udp://%[1]s:5514", name: udp, max_message_size: %[2]s}
  - {python: "tcp://%[1]s:9020", name: python}
  - {zmq: "tcp://%[1]s:5555", name: zmq, socket: pull}
  - {redis: "redis://%[1]s:6379", name: stream, streams: [numbers], consumer: me}
targets:
  plain: {file: ./%[5]s, format: "{message}", queue: {memory: %[3]s, block_for: 0s}}
  by: {file: "./by/{hostname}/{app_name}.log", format: "{message}", max_open: 8, queue: {block_for: 0s}}
  small: {file: ./small/small.log, format: "{message}", queue: {memory: 1MiB, spool: 8MiB, when_full: block, block_for: 0s}}
  collector:
    forward: "tcp://%[1]s:6514"
    framing: %[4]s
    resend: 1s
    retry: {min: 50ms, max: 500ms}
    queue: {memory: %[3]s, spool: 8MiB, when_full: block, block_for: 0s}
  rest: {file: ./rest.log, rotate: {size: 1MiB, keep: 1}, queue: {when_full: drop_newest}}
rules:
%[6]s  - {name: numbered, match: {app_name: "soak-*"}, to: [plain, by, small, collector], stop: true}
  - {to: rest}
`, host, size, memory, framing, plain, extra)
}

// A soakDaemon is the sluice that all happens to.
type soakDaemon struct {
	process
	host string

	odd    bool
	ends   int // kills, ends in peace and reloads: each may leave a line that is not whole
	starts int
	peak   int // KB
}

func newSoakDaemon(t *testing.T, dir, host string) (*soakDaemon, error) {
	d := &soakDaemon{process: process{t: t, dir: dir, name: "sluice.yaml"}, host: host}
	if err := d.configure(soakConfig(host, false)); err != nil {
		return nil, err
	}
	return d, d.up()
}

// configure puts a configuration in the place of the old one, as an editor does: whoever reads it reads one of the two.
func (d *soakDaemon) configure(conf string) error {
	file := filepath.Join(d.dir, d.name)
	return errors.Join(os.WriteFile(file+".new", []byte(conf), 0o600), os.Rename(file+".new", file))
}

// up starts it. A daemon that does not come up for want of disk is started again, as systemd would.
func (d *soakDaemon) up() error {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); ; <-again.C {
		err := d.tryStart()
		if err == nil {
			d.starts++
			return os.WriteFile(d.pidFile(), []byte(strconv.Itoa(d.cmd.Process.Pid)), 0o600)
		}
		if time.Now().After(end) {
			return err
		}
		d.t.Log(err)
	}
}

// note writes between the lines of its log what happens to it.
func (d *soakDaemon) note(what string) {
	log, err := os.OpenFile(d.logFile(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	defer log.Close()
	fmt.Fprintf(log, "time=%s ==== %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), what)
}

// around is what the log has about a time.
func (d *soakDaemon) around(at time.Time) string {
	stamp := func(s time.Duration) string { return at.Add(s).UTC().Format("time=2006-01-02T15:04:05") }
	var b strings.Builder
	for line := range strings.Lines(d.log()) {
		if line >= stamp(-10*time.Second) && line < stamp(10*time.Second) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// pidFile is there while the daemon is up, for logrotate's postrotate.
func (d *soakDaemon) pidFile() string { return filepath.Join(d.dir, "pid") }

// down ends it by a signal and has it started again.
func (d *soakDaemon) down(s syscall.Signal) error {
	os.Remove(d.pidFile())
	d.ends++
	d.peak = max(d.peak, statusOf(d.t, d.cmd.Process.Pid, "VmHWM"))
	d.cmd.Process.Signal(s)
	err := d.cmd.Wait()
	switch state := d.cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case s == syscall.SIGKILL && state.Signaled() && state.Signal() == s:
		return nil
	case err != nil:
		return fmt.Errorf("%v: the daemon ended otherwise: %w", s, err)
	}
	return nil
}

// change reloads with the other shape of the configuration: by command, or by HUP.
func (d *soakDaemon) change(signal bool) error {
	d.odd = !d.odd
	d.ends++
	if err := d.configure(soakConfig(d.host, d.odd)); err != nil {
		return err
	}
	if signal {
		return d.cmd.Process.Signal(syscall.SIGHUP)
	}
	return d.reload(0)
}

// spoil reloads with a bad file. The good one comes back: the next start needs it.
func (d *soakDaemon) spoil(r *rand.Rand) error {
	good := soakConfig(d.host, d.odd)
	bad := []string{good + "  - {to: nowhere}\n", "inputs: [", "inputs: 7", good[:r.IntN(len(good))] + "\n]}{"}[r.IntN(4)]
	if err := d.configure(bad); err != nil {
		return err
	}
	err := d.reload(2)
	return errors.Join(err, d.configure(good))
}

func (d *soakDaemon) reload(want int) error {
	cmd := asSluice(d.t, "reload", "--control", d.socket())
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != want {
		return fmt.Errorf("reload: exit %d, want %d: %s", cmd.ProcessState.ExitCode(), want, out)
	}
	return nil
}

func (d *soakDaemon) socket() string { return filepath.Join(d.dir, "state", "control.sock") }

// drained says what still waits, if anything does.
func (d *soakDaemon) drained() error {
	s, err := statusAt(d.socket())
	if err != nil {
		return err
	}
	for _, target := range s.Targets {
		if target.QueueBytes+target.SpoolBytes > 0 {
			return fmt.Errorf("%s has %d bytes in memory and %d in its spool: %s", target.Name, target.QueueBytes, target.SpoolBytes, target.LastError)
		}
	}
	return nil
}
