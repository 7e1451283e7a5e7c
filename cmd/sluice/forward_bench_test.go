package main

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// load sends b.N messages of 200 bytes to address.
func load(b *testing.B, address string) {
	send := asSluice(b, "send", "-q", "--to", "tcp://"+address, "--count", strconv.Itoa(b.N), "--size", "200")
	if out, err := send.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

// BenchmarkSpool takes b.N messages of 200 bytes over TCP into the spool on a tmpfs, while the collector is away, and then
// lets the collector have them. The sender's receipt says that all are in the spool.
// go test ./cmd/sluice -run '^$' -bench Spool -benchtime 3000000x -count 3
func BenchmarkSpool(b *testing.B) {
	collector := freeport.Address(b)
	dir := b.TempDir()
	onTmpfs(b, dir, "size=4g")
	p := run(b, dir, "sluice.yaml", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tcp://`+collector+`", queue: {spool: 3GiB}, retry: {min: 10ms, max: 50ms}}}]}`)
	before := cpuTime(b, p.cmd.Process.Pid)
	b.ResetTimer()
	start := time.Now()
	load(b, p.address["tcp"])
	appended, cost := time.Since(start), cpuTime(b, p.cmd.Process.Pid)-before
	lines := newCounter(b, collector)
	start = time.Now()
	poll(b, func() error {
		if n := lines.count(); n < b.N {
			return fmt.Errorf("%d of %d lines", n, b.N)
		}
		return nil
	})
	replayed := time.Since(start)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/appended.Seconds(), "appended/s")
	b.ReportMetric(float64(b.N)/replayed.Seconds(), "replayed/s")
	b.ReportMetric(float64(cost.Nanoseconds())/1e3/float64(b.N), "append-cpu-µs/msg")
	b.ReportMetric(float64((cpuTime(b, p.cmd.Process.Pid)-before-cost).Nanoseconds())/1e3/float64(b.N), "replay-cpu-µs/msg")
}
