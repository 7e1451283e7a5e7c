//go:build !race

package listen

import (
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
