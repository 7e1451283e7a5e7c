//go:build !race

package main

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A path is one way through the daemon that a load takes.
type path struct {
	name, conf string
	messages   int
	long       bool // also for seconds
	// load sends n messages and returns when all have arrived.
	load func(t *testing.T, p *process, n int)
}

const everything = `rules: [{to: ./out}]`

var paths = []path{
	{"tcp to a file", `inputs: ["tcp://127.0.0.1:0"], ` + everything, 1_000_000, true, byTCP(usual)},
	{"unix datagrams to a file", `inputs: ["unixgram://./socket"], ` + everything, 300_000, false, byDatagram("unixgram", 0)},
	{"udp to a file", `inputs: ["udp://127.0.0.1:0"], ` + everything, 150_000, false, byDatagram("udp", 256)},
	{"tcp, 30 rules, to files by host", `inputs: ["tcp://127.0.0.1:0"], rules: [` +
		forTags(`{match: {tag: {contains: "%[1]s"}}, to: ./out.%[1]s, stop: true}`, ", ") + `, {to: "./out.{hostname}"}]`, 1_000_000, true, byTCP(mixture)},
	{"tcp to tcp", `inputs: ["tcp://127.0.0.1:0"], rules: [{to: "tcp://$COLLECTOR"}]`, 1_000_000, true, byTCP(usual)},
	{"rfc5424 to json", `inputs: ["tcp://127.0.0.1:0"], rules: [{to: {file: ./out, format: json}}]`, 1_000_000, false, byTCP(structured)},
	{"tcp to a spool", `inputs: ["tcp://127.0.0.1:0"], rules: [{to: "tcp://127.0.0.1:1"}]`, 1_000_000, false, byTCP(usual)},
}

// From the sender to the disk or the peer, a million messages cost a few hundred allocations, those of their connection, of
// files and of what asks for them included: none of them is a message's own.
func TestPathsAllocateNothing(t *testing.T) {
	const perMillion = 2000
	for _, c := range paths {
		t.Run(c.name, func(t *testing.T) {
			p, m := c.start(t)
			c.load(t, p, c.messages/2)
			before := m.read()
			c.load(t, p, c.messages)
			allocated := float64(m.read().Allocated-before.Allocated) * 1e6 / float64(c.messages)
			t.Logf("%.0f allocations for a million messages", allocated)
			if allocated > perMillion {
				t.Errorf("%.0f allocations for a million messages, at most %d are allowed", allocated, perMillion)
			}
		})
	}
}

// Under full load there is next to nothing to collect. (Go counts the time in which a collector's thread had no CPU, too: so
// the best of a few rounds counts.)
func TestGarbageOfFullLoad(t *testing.T) {
	const round, rounds, limit = 1500 * time.Millisecond, 5, 0.01
	for _, c := range paths {
		if !c.long {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			p, m := c.start(t)
			load := func() (n int) {
				for start := time.Now(); time.Since(start) < round; n += c.messages {
					c.load(t, p, c.messages)
					logs, _ := filepath.Glob(filepath.Join(p.dir, "out*"))
					for _, log := range logs {
						fatal(t, os.Truncate(log, 0)) // a GB is more than some disks have
					}
				}
				return n
			}
			load()
			for range rounds {
				before, cpu, start := m.read(), cpuClock(t, p.cmd.Process.Pid), time.Now()
				n := load()
				took, after := time.Since(start), m.read()
				cpu = cpuClock(t, p.cmd.Process.Pid) - cpu
				share := float64(after.Collecting-before.Collecting) / float64(cpu)
				t.Logf("%.0f messages a second: %d collections took %.2f %% of %v; at most %d KB", float64(n)/took.Seconds(),
					after.Collections-before.Collections, 100*share, cpu, statusOf(t, p.cmd.Process.Pid, "VmHWM"))
				if share < limit {
					return
				}
			}
			tooMuch(t, "more than %v %% of the CPU time went to the collector", 100*limit)
		})
	}
}

// tooMuch fails t, unless the machine has so much else to do that no time means anything.
func tooMuch(t *testing.T, format string, args ...any) {
	t.Helper()
	var info unix.Sysinfo_t
	fatal(t, unix.Sysinfo(&info))
	if load := float64(info.Loads[0]) / (1 << unix.SI_LOAD_SHIFT); load > 2*float64(runtime.NumCPU()) {
		t.Skipf("with a load of %.1f nobody can tell: "+format, append([]any{load}, args...)...)
	}
	t.Errorf(format, args...)
}

// start starts a sluice for c.
func (c path) start(t *testing.T) (*process, *meter) {
	t.Helper()
	conf := strings.ReplaceAll(c.conf, "$COLLECTOR", newCounter(t, "127.0.0.1:0").address)
	return runMetered(t, shortDir(t), "sluice.yaml", `{state_dir: ./state, shutdown: 1s, `+conf+`}`)
}

// shortDir is a folder whose name leaves room for that of a socket.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "flat")
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// usual are messages of 200 bytes.
func usual() []string {
	head := "<134>Nov 20 15:17:52 host7 app[1234]: "
	return repeated(head+strings.Repeat("x", 199-len(head))+"\n", 1000)
}

// byTCP sends over a connection of its own, which ends when all is at rest.
func byTCP(messages func() []string) func(*testing.T, *process, int) {
	return func(t *testing.T, p *process, n int) { fatal(t, blast(p.address["tcp"], nil, messages(), n)) }
}

// byDatagram sends datagrams, and waits for what has come of each batch before it sends the next: UDP would lose some.
func byDatagram(network string, batch int) func(*testing.T, *process, int) {
	return func(t *testing.T, p *process, n int) {
		address := p.address[network]
		if network == "unixgram" {
			address = filepath.Join(p.dir, "socket")
		}
		conn, err := net.Dial(network, address)
		fatal(t, err)
		defer conn.Close()
		message := []byte(usual()[0])
		out := lineCount{file: filepath.Join(p.dir, "out")}
		before := out.more()
		arrive := func(n int) {
			for end := time.Now().Add(patience); out.more() < before+n; waitForChange(p.dir) {
				if time.Now().After(end) {
					t.Fatalf("%d of %d messages", out.lines-before, n)
				}
			}
		}
		for i := range n {
			_, err := conn.Write(message)
			fatal(t, err)
			if batch > 0 && i%batch == 0 {
				arrive(i - batch)
			}
		}
		arrive(n)
	}
}
