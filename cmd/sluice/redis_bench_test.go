package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkRedisToFile takes b.N messages of 150 bytes that are published over one connection, as fast as the server
// takes them, through the daemon and one rule into a file. The goal is 600,000 a second on two cores, which the daemon
// shares with Redis and the publisher: go test ./cmd/sluice -run '^$' -bench RedisToFile -benchtime 3000000x -count 3
func BenchmarkRedisToFile(b *testing.B) {
	addr, client := startRedis(b, "--client-output-buffer-limit", "pubsub 0 0 0")
	dir := b.TempDir()
	write(b, dir, "conf", fmt.Sprintf(`{state_dir: ./state, inputs: [{redis: "redis://%s", subscribe: "req.*"}], `+
		`rules: [{match: {channel: "req.*"}, to: {file: "./{channel}.log", format: message}}]}`, addr))
	cmd := asSluice(b, "run", "-c", filepath.Join(dir, "conf"))
	start(b, cmd)
	for client.PubSubNumPat(b.Context()).Val() == 0 {
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	one := []byte("*3\r\n$7\r\nPUBLISH\r\n$8\r\nreq.app1\r\n$150\r\n" + strings.Repeat("x", 150) + "\r\n")
	const pipeline = 1000
	many := bytes.Repeat(one, pipeline)
	before := cpuTime(b, cmd.Process.Pid)
	b.ResetTimer()
	answers := make(chan error, 1)
	go func() {
		_, err := io.CopyN(io.Discard, bufio.NewReaderSize(c, 64<<10), int64(4*b.N)) // :1 each
		answers <- err
	}()
	for left := b.N; left > 0; left -= pipeline {
		if _, err := c.Write(many[:min(left, pipeline)*len(one)]); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-answers; err != nil {
		b.Fatal(err)
	}
	poll(b, func() error {
		if n := countLines(filepath.Join(dir, "req.app1.log")); n < b.N {
			return fmt.Errorf("%d of %d lines", n, b.N)
		}
		return nil
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime(b, cmd.Process.Pid)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/msg")
}
