package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

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

const benchLine = "<134>Nov 20 15:17:52 host7 ServerLog[1234]: "

func benchMessage(size int) string { return benchLine + strings.Repeat("x", size-len(benchLine)) }

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkListen takes messages of 200 bytes from a sender in a process of its own, as fast as that can send them and
// at rates such as real ones. The goals in CPU time of the receiver, with a Handler that only counts: streams 0.2 µs a
// message, datagrams 1 µs.
func BenchmarkListen(b *testing.B) {
	for _, c := range []struct {
		transport syslog.Transport
		rate      int // messages per second, 0: all it can
	}{
		{syslog.Unixgram, 0}, {syslog.Unix, 0}, {syslog.UDP, 0}, {syslog.TCP, 0}, {syslog.TLS, 0},
		{syslog.Unixgram, 100_000}, {syslog.UDP, 100_000}, {syslog.UDP, 400_000}, {syslog.TCP, 100_000}, {syslog.TLS, 100_000},
	} {
		b.Run(fmt.Sprintf("%v/%d", c.transport, c.rate), func(b *testing.B) {
			h := &counter{want: int64(b.N), all: make(chan struct{})}
			cfg := testConfig(b, c.transport)
			cfg.Handler = h
			l, err := Listen(cfg)
			must(b, err)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- l.Run(ctx) }()
			defer func() { cancel(); <-done }()
			sender := exec.Command(os.Args[0])
			sender.Env = append(os.Environ(), blastVariable+"="+fmt.Sprint(c.transport, " ", l.Addr(), " ", b.N, " ", c.rate))
			sender.Stderr = os.Stderr

			b.ReportAllocs()
			b.ResetTimer()
			start := cpu()
			must(b, sender.Run())
			select {
			case <-h.all:
			case <-time.After(100 * time.Millisecond):
			}
			b.StopTimer()
			b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/msg")
			if lost := int64(b.N) - h.n.Load(); lost > 0 {
				b.ReportMetric(100*float64(lost)/float64(b.N), "%lost")
			}
		})
	}
}

// blastVariable makes the test binary a sender: "network address messages rate".
const blastVariable = "SLUICE_TEST_BLAST"

func TestMain(m *testing.M) {
	if order := os.Getenv(blastVariable); order != "" {
		if err := blast(strings.Fields(order)); err != nil {
			fmt.Fprintln(os.Stderr, "sender:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func blast(order []string) error {
	total, _ := strconv.Atoi(order[2])
	rate, _ := strconv.Atoi(order[3])
	if order[0] == "tls" {
		c, err := tls.Dial("tcp", order[1], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		defer c.Close()
		line := benchMessage(199) + "\n"
		block := []byte(strings.Repeat(line, 320))
		return paced(total, rate, func(n int) error {
			_, err := c.Write(block[:n*len(line)])
			return err
		})
	}
	c, err := net.Dial(order[0], order[1])
	if err != nil {
		return err
	}
	file, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return err
	}
	fd := int(file.Fd()) // blocking
	send := streamSender(fd)
	if order[0] == "udp" || order[0] == "unixgram" {
		send = datagramSender(fd)
	}
	return paced(total, rate, send)
}

// paced sends so many messages at so many a second.
func paced(total, rate int, send func(n int) error) (err error) {
	start := time.Now()
	for sent := 0; sent < total; {
		if k := min(total-sent, 320); rate == 0 {
			err = send(k)
			sent += k
		} else if due := min(int(time.Since(start).Seconds()*float64(rate)), total); due > sent {
			err = send(min(due-sent, 4)) // one here, one there, as many senders would
			sent += min(due-sent, 4)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func streamSender(fd int) func(n int) error {
	line := benchMessage(199) + "\n"
	block := []byte(strings.Repeat(line, 320))
	return func(n int) error {
		for p := block[:n*len(line)]; len(p) > 0; {
			w, err := unix.Write(fd, p)
			if err != nil {
				return err
			}
			p = p[w:]
		}
		return nil
	}
}

func datagramSender(fd int) func(n int) error {
	data := []byte(benchMessage(200))
	headers := make([]mmsghdr, 32)
	iov := unix.Iovec{Base: &data[0]}
	iov.SetLen(len(data))
	for i := range headers {
		headers[i].Iov = &iov
		headers[i].SetIovlen(1)
	}
	return func(n int) error {
		for n > 0 {
			k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&headers[0])), uintptr(min(n, len(headers))), 0, 0, 0)
			if errno != 0 && errno != unix.EAGAIN && errno != unix.ENOBUFS {
				return errno
			}
			if errno == 0 {
				n -= int(k)
			}
		}
		return nil
	}
}
