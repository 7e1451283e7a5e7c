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
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c := &counter{address: ln.Addr().String()}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for buf := make([]byte, 1<<20); ; {
					n, err := conn.Read(buf)
					c.lines.Add(int64(bytes.Count(buf[:n], []byte("\n"))))
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return c
}

func (c *counter) count() int { return int(c.lines.Load()) }
