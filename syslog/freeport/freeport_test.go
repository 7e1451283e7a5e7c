package freeport

import (
	"net"
	"strconv"
	"testing"
)

// Ports are handed out once, are none of the kernel's, and can be listened on.
func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		port := New(t)
		n, err := strconv.Atoi(port)
		if err != nil || n < first || n > last || seen[port] {
			t.Fatalf("port %s", port)
		}
		seen[port] = true
	}
	taken := Address(t)
	ln, err := net.Listen("tcp", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(taken)
	n, _ := strconv.Atoi(port)
	tried.Store(uint32(n-first) - 1)
	if New(t) == port {
		t.Error("a port that somebody has")
	}
}
