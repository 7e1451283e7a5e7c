package main

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// countCollector counts the lines that come over TCP.
func countCollector(b *testing.B, address string) *atomic.Int64 {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	var lines atomic.Int64
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 1<<20)
				for {
					n, err := conn.Read(buf)
					lines.Add(int64(bytes.Count(buf[:n], []byte{'\n'})))
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return &lines
}

// load sends b.N messages of 200 bytes to address.
func load(b *testing.B, address string) {
	send := asSluice(b, "send", "-q", "--to", "tcp://"+address, "--count", strconv.Itoa(b.N), "--size", "200")
	if out, err := send.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

func reached(b *testing.B, lines *atomic.Int64) {
	poll(b, func() error {
		if n := lines.Load(); n < int64(b.N) {
			return fmt.Errorf("%d of %d lines", n, b.N)
		}
		return nil
	})
}

// BenchmarkTCPToTCP takes b.N messages of 200 bytes over one TCP connection to a collector, through sluice and through the
// real rsyslogd, and reports what a message costs each in CPU, the kernel's part included. See BenchmarkTCPToFile:
// go test ./cmd/sluice -run '^$' -bench TCPToTCP -benchtime 3000000x -count 3
func BenchmarkTCPToTCP(b *testing.B) {
	through := func(b *testing.B, pid int, address string, lines *atomic.Int64) {
		before := cpuTime(b, pid)
		b.ResetTimer()
		load(b, address)
		reached(b, lines)
		b.StopTimer()
		b.ReportMetric(float64((cpuTime(b, pid)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/msg")
	}
	b.Run("sluice", func(b *testing.B) {
		collector := freePort(b)
		lines := countCollector(b, collector)
		p := run(b, b.TempDir(), "sluice.yaml", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: "tcp://`+collector+`"}]}`)
		through(b, p.cmd.Process.Pid, p.address["tcp"], lines)
	})
	b.Run("rsyslogd", func(b *testing.B) {
		if _, err := exec.LookPath("rsyslogd"); err != nil {
			b.Skip("rsyslogd is missing: apt-get install rsyslog")
		}
		collector, in := freePort(b), freePort(b)
		lines := countCollector(b, collector)
		r := newRsyslogd(b, b.TempDir(), "rsyslog", `module(load="imtcp")
input(type="imtcp" port="`+portOf(in)+`" address="127.0.0.1")
*.* action(type="omfwd" target="127.0.0.1" port="`+portOf(collector)+`" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat")
`)
		r.start()
		poll(b, func() error {
			c, err := net.Dial("tcp", in)
			if err == nil {
				c.Close()
			}
			return err
		})
		through(b, r.cmd.Process.Pid, in, lines)
	})
}

// BenchmarkSpool takes b.N messages of 200 bytes over TCP into the spool on a tmpfs, while the collector is away, and then
// lets the collector have them. The sender's receipt says that all are in the spool.
// go test ./cmd/sluice -run '^$' -bench Spool -benchtime 3000000x -count 3
func BenchmarkSpool(b *testing.B) {
	collector := freePort(b)
	dir := b.TempDir()
	onTmpfs(b, dir, "size=4g")
	p := run(b, dir, "sluice.yaml", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tcp://`+collector+`", queue: {spool: 3GiB}, retry: {min: 10ms, max: 50ms}}}]}`)
	before := cpuTime(b, p.cmd.Process.Pid)
	b.ResetTimer()
	start := time.Now()
	load(b, p.address["tcp"])
	appended, cost := time.Since(start), cpuTime(b, p.cmd.Process.Pid)-before
	lines := countCollector(b, collector)
	start = time.Now()
	reached(b, lines)
	replayed := time.Since(start)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/appended.Seconds(), "appended/s")
	b.ReportMetric(float64(b.N)/replayed.Seconds(), "replayed/s")
	b.ReportMetric(float64(cost.Nanoseconds())/1e3/float64(b.N), "append-cpu-µs/msg")
	b.ReportMetric(float64((cpuTime(b, p.cmd.Process.Pid)-before-cost).Nanoseconds())/1e3/float64(b.N), "replay-cpu-µs/msg")
}
