package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog/freeport"
)

var contestRounds = flag.Int("contest", 0, "rounds of each contest between sluice and what is used today: make bench")

// TestContests has sluice and a rival do the jobs of contests in turn, each with a fresh process and the same load, and
// leaves a table and a chart in .bench. Only the ratio of the two means anything on a shared machine. What runs is
// bin/sluice, as make build leaves it.
func TestContests(t *testing.T) {
	if *contestRounds == 0 {
		t.Skip("make bench runs this")
	}
	results := make([]result, len(contests))
	for i, c := range contests {
		r := &results[i]
		r.contest = c
		t.Run(c.name, func(t *testing.T) {
			for n := range *contestRounds {
				run := []func(){
					func() { r.sluice = append(r.sluice, c.run(t, c.sluice, c.messages)) },
					func() { r.rival = append(r.rival, c.run(t, c.rival, c.rivalMessages())) },
				}
				run[n%2]() // who comes first changes
				run[1-n%2]()
				t.Logf("sluice %v, %s %v", r.sluice[n], c.rival.name, r.rival[n])
			}
			if r.ratio() < c.goal {
				t.Logf("MISSED: %.1f times as fast, the goal is %v", r.ratio(), c.goal)
			}
		})
	}
	if slices.ContainsFunc(results, func(r result) bool { return len(r.rival) < *contestRounds }) {
		return // -run left some out, or they failed: the table has all, or there is none
	}
	report(t, results)
}

// A contest is one job. In what its contestants are told, $DIR, $ADDRESS and the like are the round's own.
type contest struct {
	name     string
	goal     float64 // what a message is to cost the rival, if it costs sluice 1; 0: none
	messages int
	fewer    int // that many for a slow rival
	sluice   contestant
	rival    contestant

	// load sends n messages. An error ends the contest: what is merely lost is counted.
	load func(r *round, n int) error
	// serve starts what the contestants need beside them; may be nil.
	serve func(r *round)
	// ready says whether the contestant takes messages.
	ready func(r *round) error
	// arrived counts what came out at the other end; nil: the lines in $DIR/out*.
	arrived func(r *round) int
}

func (c contest) rivalMessages() int {
	if c.fewer > 0 {
		return c.fewer
	}
	return c.messages
}

// A contestant is a program, and the file that tells it its job, if it needs one.
type contestant struct {
	name    string
	file    string
	text    string
	command []string
}

// A round is one contestant at its job.
type round struct {
	t         *testing.T
	dir       string
	address   string // HOST:PORT: nobody had it when the round began
	collector *counter
	pid       int

	counted map[string]*lineCount
	stop    []func()
}

// A score is how a contestant did.
type score struct {
	messages, arrived int
	took, cpu         time.Duration
	peak              int // KiB
}

func (s score) cost() float64 { return float64(s.cpu.Nanoseconds()) / 1e3 / float64(s.messages) }
func (s score) rate() float64 { return float64(s.arrived) / s.took.Seconds() }
func (s score) lost() int     { return s.messages - s.arrived }
func (s score) String() string {
	return fmt.Sprintf("%.2f µs, %.0f k/s, %d MB, %d lost", s.cost(), s.rate()/1e3, s.peak>>10, s.lost())
}

func (c *contest) run(t *testing.T, who contestant, n int) score {
	t.Helper()
	dir, err := os.MkdirTemp("", "contest") // t.TempDir has a name that is no YAML
	fatal(t, err)
	r := &round{t: t, dir: dir, counted: map[string]*lineCount{}}
	defer os.RemoveAll(r.dir)
	defer func() {
		for _, stop := range r.stop {
			stop()
		}
	}()
	r.address = freeport.Address(t)
	r.collector = newCounter(t, "127.0.0.1:0")
	if c.serve != nil {
		c.serve(r)
	}
	if c.arrived == nil {
		c.arrived = (*round).lines
	}
	cmd := r.command(who)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.pid = cmd.Process.Pid
	r.stop = append(r.stop, func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s says %v", who.name, cmd.Stderr)
		}
	})
	poll(t, func() error { return c.ready(r) })
	defer keepWarm(t, n*300&^0xffff)()
	before, start := cpuClock(t, r.pid), time.Now()
	if err := c.load(r, n); err != nil {
		t.Fatal(err)
	}
	arrived, last := c.settle(r, n)
	return score{n, arrived, last.Sub(start), cpuClock(t, r.pid) - before, statusOf(t, r.pid, "VmHWM")}
}

// settle waits until n messages have arrived, or for 2 s none; it returns how many did, and when the last came.
func (c *contest) settle(r *round, n int) (arrived int, last time.Time) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for last = time.Now(); arrived < n && time.Since(last) < 2*time.Second; <-tick.C {
		if now := c.arrived(r); now != arrived {
			arrived, last = now, time.Now()
		}
	}
	return arrived, last
}

func (r *round) fill(text string) string {
	host, port, _ := net.SplitHostPort(r.address)
	return strings.NewReplacer("$DIR", r.dir, "$ADDRESS", r.address, "$HOST", host, "$PORT", port, "$COLLECTOR_PORT", portOf(r.collector.address), "$COLLECTOR", r.collector.address).Replace(text)
}

func (r *round) command(who contestant) *exec.Cmd {
	if who.file != "" {
		write(r.t, r.dir, who.file, r.fill(who.text))
	}
	args := make([]string, len(who.command))
	for i, a := range who.command {
		args[i] = r.fill(a)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// lines counts those in $DIR/out*.
func (r *round) lines() (n int) {
	files, _ := filepath.Glob(filepath.Join(r.dir, "out*"))
	for _, file := range files {
		if r.counted[file] == nil {
			r.counted[file] = &lineCount{file: file}
		}
		n += r.counted[file].more()
	}
	return n
}

// A lineCount counts the lines of a file that grows, each once.
type lineCount struct {
	file   string
	offset int64
	lines  int
}

func (l *lineCount) more() int {
	f, err := os.Open(l.file)
	if err != nil {
		return l.lines
	}
	defer f.Close()
	buf := make([]byte, 1<<18)
	for {
		n, err := f.ReadAt(buf, l.offset)
		l.offset += int64(n)
		l.lines += bytes.Count(buf[:n], []byte("\n"))
		if err != nil {
			return l.lines
		}
	}
}

// listening is a contest's ready: somebody has bound the address, or made the socket.
func listening(network string) func(*round) error {
	return func(r *round) error {
		switch network {
		case "tcp":
			c, err := net.Dial("tcp", r.address)
			if err == nil {
				c.Close()
			}
			return err
		case "udp":
			c, err := net.ListenPacket("udp", r.address)
			if err == nil {
				c.Close()
				return errors.New("nobody has bound the port")
			}
			return nil
		}
		c, err := net.Dial("unixgram", r.dir+"/socket")
		if err == nil {
			c.Close()
		}
		return err
	}
}

// send is a contest's load: sluice send's.
func send(to string, args ...string) func(*round, int) error {
	return func(r *round, n int) error {
		args := append([]string{"send", "-q", "--to", r.fill(to), "--count", strconv.Itoa(n)}, args...)
		if out, err := exec.Command(contestBinary, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

const contestBinary = "../../bin/sluice"

// blast sends n messages over a connection of its own, chunk after chunk of prepared ones, and waits for the peer to end it.
// Hello, if there is one, is what has to be said first.
func blast(address string, hello func(net.Conn) error, messages []string, n int) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if hello != nil {
		if err := hello(c); err != nil {
			return err
		}
	}
	chunk := []byte(strings.Join(messages, ""))
	for ; n >= len(messages); n -= len(messages) {
		if _, err := c.Write(chunk); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(c, strings.Join(messages[:n], "")); err != nil {
		return err
	}
	half := c.(*net.TCPConn).CloseWrite()
	_, err = io.Copy(io.Discard, c)
	return errors.Join(half, err)
}

// cpuClock is the user and system time of a process and its threads.
func cpuClock(t testing.TB, pid int) time.Duration {
	t.Helper()
	var now unix.Timespec
	const scheduler = 2 // clock_getcpuclockid(3): which of a process's clocks
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}
