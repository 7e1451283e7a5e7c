package main

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A breaker is a collector that reads frames of both kinds, and breaks as it is told to. A line counts when it was read whole.
type breaker struct {
	address string
	line    func(string)

	mu      sync.Mutex
	change  *sync.Cond
	ln      net.Listener               // nil: it is away
	conns   map[*net.TCPConn]time.Time // since when; zero: one of the two ends is dead
	stalled bool
	readers sync.WaitGroup
}

func newBreaker(address string, line func(string)) (*breaker, error) {
	b := &breaker{address: address, line: line, conns: map[*net.TCPConn]time.Time{}}
	b.change = sync.NewCond(&b.mu)
	return b, b.listen()
}

func (b *breaker) listen() error {
	ln, err := net.Listen("tcp", b.address)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ln = ln
	b.readers.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c := conn.(*net.TCPConn)
			b.mu.Lock()
			b.conns[c] = time.Now()
			b.mu.Unlock()
			b.readers.Go(func() { b.read(c) })
		}
	})
	return nil
}

// read takes what comes until the connection is over. What is not whole then will come again.
func (b *breaker) read(c *net.TCPConn) {
	defer func() {
		b.mu.Lock()
		delete(b.conns, c)
		b.mu.Unlock()
		c.Close()
	}()
	r := bufio.NewReaderSize(gated{c, b}, 64<<10)
	for {
		first, err := r.Peek(1)
		if err != nil {
			return
		}
		var frame string
		if first[0] >= '0' && first[0] <= '9' {
			count, err := r.ReadString(' ')
			n, bad := strconv.Atoi(strings.TrimSuffix(count, " "))
			if err != nil || bad != nil {
				return
			}
			text := make([]byte, n)
			if _, err := io.ReadFull(r, text); err != nil {
				return
			}
			frame = string(text)
		} else if frame, err = r.ReadString('\n'); err != nil {
			return
		}
		_, text, _ := strings.Cut(strings.TrimSuffix(frame, "\n"), "]: ")
		b.line(text)
	}
}

// gated reads only while the collector is not stalled.
type gated struct {
	*net.TCPConn
	of *breaker
}

func (g gated) Read(p []byte) (int, error) {
	g.of.mu.Lock()
	for g.of.stalled {
		g.of.change.Wait()
	}
	g.of.mu.Unlock()
	return g.TCPConn.Read(p)
}

func (b *breaker) stall(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stalled = yes
	b.change.Broadcast()
}

// bereave is told that who sends has died: whatever its kernel has of it will be read.
func (b *breaker) bereave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		b.conns[c] = time.Time{}
	}
}

// each does something to all connections of who lives.
func (b *breaker) each(do func(*net.TCPConn)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c, since := range b.conns {
		if !since.IsZero() {
			do(c)
		}
	}
}

// die closes all connections, with or without an RST. What is unread is lost.
func (b *breaker) die(reset bool) {
	b.each(func(c *net.TCPConn) {
		if reset {
			c.SetLinger(0)
		}
		c.Close()
		b.conns[c] = time.Time{} // its reader may take a while to notice
	})
}

// again waits until a new connection has lasted long enough for all that went with an earlier one to come again.
func (b *breaker) again() {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-look.C {
		lasts := false
		b.mu.Lock()
		for _, since := range b.conns {
			lasts = lasts || !since.IsZero() && time.Since(since) > time.Second
		}
		b.mu.Unlock()
		if lasts {
			return
		}
	}
}

// away leaves its address for a while. It has read what came before.
func (b *breaker) away(d time.Duration) error {
	b.mu.Lock()
	b.ln.Close()
	b.mu.Unlock()
	b.each(func(c *net.TCPConn) { c.CloseWrite() })
	<-time.After(d)
	for end := time.Now().Add(patience); ; {
		err := b.listen()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// close ends it when all that came has been read. Who sends has left.
func (b *breaker) close() {
	b.mu.Lock()
	if b.ln != nil {
		b.ln.Close()
	}
	b.mu.Unlock()
	b.readers.Wait()
}
