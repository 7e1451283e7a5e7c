package main

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
)

// A counter is a collector that reads and counts lines.
type counter struct {
	address string
	lines   atomic.Int64
}

func newCounter(t testing.TB, address string) *counter {
	c := &counter{}
	c.address = serve(t, address, func(conn net.Conn) {
		for buf := make([]byte, 1<<20); ; {
			n, err := conn.Read(buf)
			c.lines.Add(int64(bytes.Count(buf[:n], []byte("\n"))))
			if err != nil {
				return
			}
		}
	})
	return c
}

// serve takes connections on an address until the test ends, each in a goroutine of its own, and returns where it listens.
func serve(t testing.TB, address string, read func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	fatal(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				read(conn)
			}()
		}
	}()
	return ln.Addr().String()
}

func (c *counter) count() int { return int(c.lines.Load()) }
