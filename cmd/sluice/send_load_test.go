package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Every number arrives once, whatever the transport, the connections and the sizes of the last batches.
func TestSendLoad(t *testing.T) {
	for _, c := range []struct {
		network     string
		count, size int
		connections int
		more        string
	}{
		{"tcp", 100000, 200, 1, ""},
		{"tcp", 100003, 77, 4, ""},
		{"tcp", 3, 200, 4, ""},
		{"tcp", 20, 300 << 10, 2, ""},
		{"tcp", 5000, 200, 2, "--octet-count"},
		{"tcp", 3000, 200, 3, "--rate 30000"},
		{"tls", 50000, 200, 3, "--tls-insecure"},
		{"unix", 100001, 120, 2, ""},
		{"unixgram", 20011, 200, 3, ""},
		{"udp", 2000, 200, 1, ""},
		{"udp", 2001, 100, 4, "--rate 20000"},
	} {
		t.Run(fmt.Sprintf("%s %d x %d over %d %s", c.network, c.count, c.size, c.connections, c.more), func(t *testing.T) {
			t.Parallel()
			r := receiveSent(t, c.network)
			seen := make(chan []int, 1)
			pieces := c.connections
			if c.network == "udp" || c.network == "unixgram" {
				pieces = c.count
			}
			go func() { seen <- sentNumbers(r.take(t, pieces), c.count) }()
			args := append([]string{"--to", r.url, "--count", strconv.Itoa(c.count), "--size", strconv.Itoa(c.size),
				"--connections", strconv.Itoa(c.connections), "#{seq}# "}, strings.Fields(c.more)...)
			got := runSend(t, testSendHost(), nil, args...)
			want := fmt.Sprintf("sent %d messages, %s in ", c.count, decimalSize(int64(c.count*c.size)))
			if got.err != nil || !strings.HasPrefix(got.out, want) ||
				!strings.HasSuffix(got.out, fmt.Sprintf("over %d %s %s\n", c.connections, c.network, pluralOf("connection", int64(c.connections)))) {
				t.Error(got.both())
			}
			for n, times := range <-seen {
				if (n == 0) != (times == 0) || times > 1 {
					t.Fatalf("number %d came %d times", n, times)
				}
			}
		})
	}
}

// sentNumbers counts each #number# up to count; what is none counts as 0.
func sentNumbers(pieces []string, count int) []int {
	seen := make([]int, count+1)
	for _, p := range pieces {
		for i, word := range strings.Split(p, "#") {
			if i%2 == 0 {
				continue
			}
			n, err := strconv.Atoi(word)
			if err != nil || n > count {
				n = 0
			}
			seen[n]++
		}
	}
	return seen
}

func TestSendRate(t *testing.T) {
	for _, connections := range []string{"1", "4"} {
		r := receiveSent(t, "tcp")
		begin := time.Now()
		got := runSend(t, testSendHost(), nil, "--to", r.url, "--count", "3000", "--rate", "10000", "--connections", connections)
		if took := time.Since(begin); got.err != nil || took < 280*time.Millisecond || took > 3*time.Second {
			t.Errorf("3000 messages at 10000/s over %s connections took %v: %s", connections, took, got.both())
		}
	}
}

// Stamps follow the clock inside a prepared chunk.
func TestSendStamps(t *testing.T) {
	now := sendStamp
	j := &sendJob{text: "x", count: 3, header: sendHeader{before: "<13>", after: " a: "}, framing: sendNewline, now: func() time.Time { return now }}
	template, err := newSendTemplate(j)
	if err != nil {
		t.Fatal(err)
	}
	c := template.newChunk(2)
	for range 3 {
		want := "<13>" + now.Format(time.Stamp) + " a: x\n"
		if got := string(c.prepare(1, 2, now).frames); got != want+want {
			t.Errorf("got %q", got)
		}
		now = now.Add(time.Second)
	}
}

// discardSent is a receiver that only reads, as fast as it can.
func discardSent(tb testing.TB, network string) (sendAddress, func()) {
	tb.Helper()
	address := "127.0.0.1:0"
	if strings.HasPrefix(network, "unix") {
		address = tb.TempDir() + "/log"
	}
	var wg sync.WaitGroup
	read := func(r io.ReadCloser) {
		wg.Go(func() {
			defer r.Close()
			buf := make([]byte, 1<<20)
			for {
				if _, err := r.Read(buf); err != nil {
					return
				}
			}
		})
	}
	var closer io.Closer
	switch network {
	case "udp", "unixgram":
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			tb.Fatal(err)
		}
		closer, address = conn, conn.LocalAddr().String()
		read(conn.(io.ReadCloser))
	default:
		l, err := net.Listen(network, address)
		if err != nil {
			tb.Fatal(err)
		}
		closer, address = l, l.Addr().String()
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				read(conn)
			}
		})
	}
	a, err := parseSendAddress(network + "://" + address)
	if err != nil {
		tb.Fatal(err)
	}
	return a, func() { closer.Close(); wg.Wait() }
}

// testSendLoad is a job and its open links.
func testSendLoad(tb testing.TB, network string, count int64, connections int) (*sendJob, []sendLink, func()) {
	tb.Helper()
	to, stop := discardSent(tb, network)
	j := &sendJob{to: to, count: count, size: 200, text: "{seq} ", connections: connections, now: time.Now,
		header: sendHeader{before: "<13>", after: " web1 alice: "}}
	if !to.datagram() {
		j.framing = sendNewline
	}
	links, err := j.open(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return j, links, func() {
		for _, l := range links {
			l.Close()
		}
		stop()
	}
}

func TestSendLoadAllocates(t *testing.T) {
	for _, network := range []string{"tcp", "unix", "unixgram", "udp"} {
		j, links, stop := testSendLoad(t, network, 1e9, 1)
		template, err := newSendTemplate(j)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		c := template.newChunk(template.capacity(1))
		first, n := int64(1), len(c.whole.ends)
		got := testing.AllocsPerRun(200, func() {
			if _, err := links[0].send(ctx, c.prepare(first, n, j.now())); err != nil {
				t.Fatal(err)
			}
			first += int64(n)
		})
		stop()
		if got != 0 {
			t.Errorf("%s: %v allocations for each batch of %d", network, got, n)
		}
	}
}

// BenchmarkSend measures messages of 200 bytes with numbers, to a reader that discards. The system calls of both sides
// are in it.
func BenchmarkSend(b *testing.B) {
	for _, network := range []string{"tcp", "unix", "unixgram", "udp"} {
		for _, connections := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", network, connections), func(b *testing.B) {
				j, links, stop := testSendLoad(b, network, int64(b.N), connections)
				defer stop()
				b.ReportAllocs()
				b.ResetTimer()
				sent, err := j.sendLoad(b.Context(), links)
				if err != nil || sent.messages != int64(b.N) {
					b.Fatal(sent, err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			})
		}
	}
}

// BenchmarkSendPrepare measures what a load costs beside its system calls.
func BenchmarkSendPrepare(b *testing.B) {
	j := &sendJob{text: "{seq} ", size: 200, count: 1e9, header: sendHeader{before: "<13>", after: " a: "}, framing: sendNewline, now: time.Now}
	template, err := newSendTemplate(j)
	if err != nil {
		b.Fatal(err)
	}
	c := template.newChunk(template.capacity(1))
	n := len(c.whole.ends)
	for i := 0; i < b.N; i += n {
		c.prepare(int64(i+1), n, j.now())
	}
}
