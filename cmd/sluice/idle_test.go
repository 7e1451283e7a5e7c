//go:build !race

package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// 2,000 TCP connections that have all been busy and are idle now cost the daemon less than 30 MB.
func TestIdleConnections(t *testing.T) {
	const conns, burst, limit = 2000, 100, 30 << 10 // KiB
	dir := t.TempDir()
	p := run(t, dir, "sluice.yaml", `{state_dir: ./state, inputs: [{syslog: "tcp://127.0.0.1:0", max_connections: 9000}], rules: [{to: ./out.log}]}`)
	before := statusOf(t, p.cmd.Process.Pid, "VmRSS")
	data := []byte(strings.Repeat("<134>Nov 20 15:17:52 host7 ServerLog[1234]: "+strings.Repeat("x", 150)+"\n", burst))
	for range conns {
		c, err := net.Dial("tcp", p.address["tcp"])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	lines, cost := 0, 0
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if lines < conns*burst {
			lines = countLines(filepath.Join(dir, "out.log"))
		} else if cost = statusOf(t, p.cmd.Process.Pid, "VmRSS") - before; cost < limit {
			t.Logf("%d idle connections cost %d KiB", conns, cost)
			return
		}
	}
	t.Errorf("%d of %d lines; idle connections cost %d KiB, at most %d are allowed", lines, conns*burst, cost, limit)
}
