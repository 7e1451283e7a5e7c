// Package freeport names ports to those tests that have to know one before anybody listens on it.
package freeport

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// The kernel gives ports from 32768 on to whoever asks for any, and to each connection. One of those may be somebody else's
// by the time it is listened on: in tests that run beside others, it sometimes was.
const first, last = 10000, 32767

// tried is where the last search ended. Each process begins somewhere else.
var tried = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(uint32(os.Getpid()) * 7919)
	return n
}()

// A failer is a test, or a testscript.
type failer interface{ Fatalf(string, ...any) }

// New returns a port of 127.0.0.1 that nobody has, neither for TCP nor for UDP. It returns each only once.
func New(t failer) string {
	for range last - first {
		address := fmt.Sprintf("127.0.0.1:%d", first+tried.Add(1)%(last-first+1))
		ln, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		ln.Close()
		conn, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		conn.Close()
		_, port, _ := net.SplitHostPort(address)
		return port
	}
	t.Fatalf("no port is free")
	return ""
}

// Address is 127.0.0.1 with such a port.
func Address(t failer) string {
	return net.JoinHostPort("127.0.0.1", New(t))
}
