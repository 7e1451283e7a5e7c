//go:build !race

package listen

import (
	"crypto/tls"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// 2,000 connections that have all been busy and are idle now cost less than 30 MB: they own no buffers.
func TestIdleConnectionsAreCheap(t *testing.T) {
	const conns, burst = 2000, 100
	h := &counter{}
	cfg := testConfig(t, syslog.TCP)
	cfg.MaxConnections = 4 * conns // a quarter of them for us
	cfg.Handler = h
	to := &unix.SockaddrInet4{Port: run(t, cfg).Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	rss, heap := resident(t), inUseByGo()
	data := []byte(strings.Repeat(benchMessage(199)+"\n", burst) + "<13>half")
	fds := make([]int, conns) // bare descriptors: our side costs no memory
	for i := range fds {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(fd)
		must(t, unix.Connect(fd, to))
		fds[i] = fd
	}
	for _, fd := range fds {
		_, err := unix.Write(fd, data)
		must(t, err)
	}
	eventually(t, "all is there", func() bool { return h.n.Load() == conns*burst })
	busy := resident(t)
	heap2 := inUseByGo()
	rss2 := resident(t)
	t.Logf("2,000 connections: %d KB resident after the burst, %d KB after a collection; heap and stacks %d KB",
		(busy-rss)>>10, (rss2-rss)>>10, (heap2-heap)>>10)
	if grown := heap2 - heap; heap2 > heap && grown > 30<<20 {
		t.Errorf("heap and stacks have grown by %d KB", grown>>10)
	}
	if rss2 > rss && rss2-rss > 30<<20 {
		t.Errorf("%d KB more are resident", (rss2-rss)>>10)
	}
}

// 500 TLS connections that have all been busy and are idle now hold nothing but their keys and what crypto/tls keeps for the
// record under way, which is largest after full records.
func TestIdleTLSIsCheap(t *testing.T) {
	for _, c := range []struct {
		name  string
		write int // bytes at once: a record of that size at most
		limit uint64
	}{{"short records", 200, 28 << 10}, {"full records", 1 << 20, 64 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			const conns, burst = 500, 500
			h := &counter{}
			cfg := testConfig(t, syslog.TLS)
			cfg.MaxConnections = 4 * conns
			cfg.Handler = h
			to := run(t, cfg).Addr().String()
			data := []byte(strings.Repeat(benchMessage(199)+"\n", burst))
			before := inUseByGo()
			fds := make([]int, conns) // bare descriptors stay: our side is garbage then
			for i := range fds {
				client, err := tls.Dial("tcp", to, ca().client())
				must(t, err)
				for rest := data; len(rest) > 0; {
					n, err := client.Write(rest[:min(len(rest), c.write)])
					must(t, err)
					rest = rest[n:]
				}
				file, err := client.NetConn().(*net.TCPConn).File()
				must(t, err)
				fds[i], err = unix.Dup(int(file.Fd()))
				must(t, err)
				defer unix.Close(fds[i])
				file.Close()
				must(t, client.NetConn().Close())
			}
			eventually(t, "all is there", func() bool { return h.n.Load() == conns*burst })
			after := inUseByGo()
			each := (max(after, before) - before) / conns
			t.Logf("an idle connection holds %.1f KB of heap and stack", float64(each)/1024)
			if each > c.limit {
				t.Errorf("more than %d KB", c.limit>>10)
			}
		})
	}
}

// resident is how much of this process is in memory.
func resident(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	must(t, err)
	pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	must(t, err)
	return pages * uint64(os.Getpagesize())
}

// inUseByGo is the heap and the stacks, without what is garbage.
func inUseByGo() uint64 {
	runtime.GC()
	runtime.GC() // the second empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
