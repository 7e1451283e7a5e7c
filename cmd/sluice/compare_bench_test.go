package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A contest is one job that sluice and the real rsyslogd do in turn. Each takes b.N messages of 200 bytes over one TCP
// connection and passes them on; reported is what a message costs each in CPU, the kernel's part included. Only the ratio of
// the two means anything on a shared machine: go test ./cmd/sluice -run '^$' -bench TCPTo -benchtime 3000000x -count 3
type contest struct {
	sluice  string // where the messages go: what stands behind `to:`
	rsyslog string // the same as an action
	arrived func() int
}

func BenchmarkTCPToFile(b *testing.B) {
	compete(b, func(b *testing.B, dir string) contest {
		out := filepath.Join(dir, "out")
		return contest{out, `action(type="omfile" file="` + out + `" template="RSYSLOG_FileFormat")`, func() int { return countLines(out) }}
	})
}

// Neither has a queue on disk, and both push back on the sender: who sends faster than the collector reads would measure
// the disk.
func BenchmarkTCPToTCP(b *testing.B) {
	compete(b, func(b *testing.B, dir string) contest {
		c := newCounter(b, "127.0.0.1:0")
		host, port, _ := net.SplitHostPort(c.address)
		return contest{`{forward: "tcp://` + c.address + `", queue: {spool: 0, when_full: block}}`, `action(type="omfwd" target="` + host + `" port="` + port + `" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat" queue.type="LinkedList")`, c.count}
	})
}

func compete(b *testing.B, job func(*testing.B, string) contest) {
	b.Run("sluice", func(b *testing.B) {
		dir := b.TempDir()
		c := job(b, dir)
		write(b, dir, "conf", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: `+c.sluice+`}]}`)
		cmd := asSluice(b, "run", "-c", filepath.Join(dir, "conf"))
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		start(b, cmd)
		address := ""
		for said := bufio.NewScanner(out); address == "" && said.Scan(); {
			if m := listens.FindStringSubmatch(said.Text()); m != nil {
				address = m[2]
			}
		}
		measure(b, cmd, address, c.arrived)
	})
	b.Run("rsyslogd", func(b *testing.B) {
		if _, err := exec.LookPath("rsyslogd"); err != nil {
			b.Skip("rsyslogd is missing: apt-get install rsyslog")
		}
		dir := b.TempDir()
		c := job(b, dir)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		_, port, _ := net.SplitHostPort(address)
		write(b, dir, "conf", "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\""+port+"\" address=\"127.0.0.1\")\n*.* "+c.rsyslog+"\n")
		cmd := exec.Command("rsyslogd", "-n", "-f", filepath.Join(dir, "conf"), "-i", filepath.Join(dir, "pid"))
		start(b, cmd)
		poll(b, func() error {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err
		})
		measure(b, cmd, address, c.arrived)
	})
}

// A counter is a collector that reads and counts lines.
type counter struct {
	address string
	lines   atomic.Int64
}

func newCounter(b *testing.B, address string) *counter {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	c := &counter{address: ln.Addr().String()}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for buf := make([]byte, 1<<20); ; {
					n, err := conn.Read(buf)
					c.lines.Add(int64(bytes.Count(buf[:n], []byte("\n"))))
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return c
}

func (c *counter) count() int { return int(c.lines.Load()) }

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

func start(b testing.TB, cmd *exec.Cmd) {
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
}

// measure sends the messages, waits until all have arrived, and reports the daemon's CPU time for each.
func measure(b *testing.B, daemon *exec.Cmd, address string, arrived func() int) {
	before := cpuTime(b, daemon.Process.Pid)
	b.ResetTimer()
	send := asSluice(b, "send", "-q", "--to", "tcp://"+address, "--count", strconv.Itoa(b.N), "--size", "200")
	if out, err := send.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	poll(b, func() error {
		if n := arrived(); n < b.N {
			return fmt.Errorf("%d of %d messages", n, b.N)
		}
		return nil
	})
	b.StopTimer()
	spent := cpuTime(b, daemon.Process.Pid) - before
	b.ReportMetric(float64(spent.Nanoseconds())/1e3/float64(b.N), "cpu-µs/msg")
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
