package ingest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/syslog"
)

// A counter is a Handler that only counts, and says when all are there.
type counter struct {
	n    atomic.Int64
	want int64
	all  chan struct{}
}

func (c *counter) Handle(b *syslog.Batch) {
	k := int64(len(b.Messages))
	if n := c.n.Add(k); n >= c.want && n-k < c.want {
		close(c.all)
	}
}

// publish sends n messages of a size over one connection, as fast as the server takes them, and waits for its answers.
func publish(t testing.TB, addr string, n, size int) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	fatal(t, err)
	defer c.Close()
	one := fmt.Appendf(nil, "*3\r\n$7\r\nPUBLISH\r\n$8\r\nreq.app1\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))
	const pipeline = 1000
	many := bytes.Repeat(one, pipeline)
	answers := bufio.NewReaderSize(c, 64<<10)
	sent := make(chan error, 1)
	go func() {
		for left := n; left > 0; left -= pipeline {
			if _, err := c.Write(many[:min(left, pipeline)*len(one)]); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range n {
		if line, err := answers.ReadSlice('\n'); err != nil || line[0] != ':' {
			t.Fatalf("%q: %v", line, err)
		}
	}
	fatal(t, <-sent)
}

// BenchmarkSubscribe reads messages of 150 bytes that one publisher sends as fast as it can.
func BenchmarkSubscribe(b *testing.B) {
	s := startRedis(b, "--client-output-buffer-limit", "pubsub 0 0 0")
	h := &counter{want: int64(b.N), all: make(chan struct{})}
	f := openRedis(b, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe, c.Handler = []string{"req.*"}, h })
	f.ready(b)
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	publish(b, s.addr(), b.N, 150)
	<-h.all
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N), "cpu-ns/msg")
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
