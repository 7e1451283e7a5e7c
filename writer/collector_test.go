package writer

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// A collector takes numbered lines, and does to its connections what a test tells it.
type collector struct {
	t  testing.TB
	ln net.Listener

	mu      sync.Mutex
	seen    map[int]int // how often each number came
	newest  int         // the number that came last
	inOrder bool        // whether that only grows
	conns   []net.Conn
	grown   chan struct{} // has a token when something came

	// serve reads a connection until it says false. It is called for each connection, with its number.
	serve func(n int, conn net.Conn, lines *bufio.Reader)
}

func newCollector(t testing.TB, where string) *collector {
	t.Helper()
	ln, err := net.Listen("tcp", where)
	fatal(t, err)
	c := &collector{t: t, ln: ln, seen: map[int]int{}, grown: make(chan struct{}, 1)}
	c.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { c.read(lines, -1) }
	t.Cleanup(c.close)
	return c
}

func (c *collector) address() string { return c.ln.Addr().String() }

func (c *collector) start() *collector {
	go func() {
		for n := 0; ; n++ {
			conn, err := c.ln.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			go func() {
				c.serve(n, conn, bufio.NewReaderSize(conn, 256<<10))
				conn.Close()
			}()
		}
	}()
	return c
}

func (c *collector) close() {
	c.ln.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
}

// read takes at most so many lines, all that come if most is negative.
func (c *collector) read(lines *bufio.Reader, most int) {
	for n := 0; n != most; n++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			return // a line without end counts for nothing
		}
		number, err := strconv.Atoi(strings.Fields(line)[0])
		if err != nil {
			c.t.Errorf("no number: %.60q", line)
			return
		}
		c.mu.Lock()
		c.seen[number]++
		if c.inOrder && number < c.newest {
			c.t.Errorf("%d came behind %d", number, c.newest)
			c.inOrder = false
		}
		c.newest = number
		c.mu.Unlock()
		select {
		case c.grown <- struct{}{}:
		default:
		}
	}
}

func (c *collector) distinct() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// waitFor waits until so many different numbers have come.
func (c *collector) waitFor(n int) {
	c.t.Helper()
	end := time.After(60 * time.Second)
	for c.distinct() < n {
		select {
		case <-c.grown:
		case <-end:
			c.t.Fatalf("%d of %d messages came", c.distinct(), n)
		}
	}
}

// account checks that all numbers below n came, and returns how many came more than once.
func (c *collector) account(n int) (twice int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := 0
	for i := range n {
		switch times := c.seen[i]; {
		case times == 0:
			missing++
		case times > 1:
			twice++
		}
	}
	if missing > 0 || len(c.seen) != n {
		c.t.Errorf("%d of %d messages are missing, %d came", missing, n, len(c.seen))
	}
	return twice
}

// reset ends a connection with RST, as a collector does that dies with unread data.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// A flow is a target at work and what it is sent.
type flow struct {
	*Target
	t      testing.TB
	remote *Remote
	done   chan error
	next   int
}

// testRemoteOptions are the defaults with waits that suit a test, and without a spool.
func testRemoteOptions() RemoteOptions {
	o := DefaultRemoteOptions()
	o.Retry = Retry{Min: time.Millisecond, Max: 20 * time.Millisecond}
	o.Resend = 100 * time.Millisecond
	o.Queue.Spool, o.Queue.WhenFull, o.Queue.BlockFor = 0, BlockSenders, 0
	return o
}

// newFlow runs a target that sends to the collectors.
func newFlow(t testing.TB, o RemoteOptions, path string, addresses ...string) *flow {
	t.Helper()
	f := &flow{t: t, remote: newRemote(o, "tcp", addresses...), done: make(chan error, 1)}
	f.Target = NewTarget("collector", newQueue(t, o.Queue, path), f.remote, f.remote.log)
	f.Retry = o.Retry
	f.Retry.Steady = 50 * time.Millisecond
	return f
}

func (f *flow) start() *flow {
	go func() {
		defer close(f.done)
		f.done <- f.Run(f.t.Context())
	}()
	return f
}

// send appends n numbered messages of about 200 bytes, and waits while there is no room.
func (f *flow) send(n int) {
	pad := strings.Repeat("x", 180)
	for n > 0 {
		count := min(n, 128)
		var texts []string
		for i := range count {
			texts = append(texts, fmt.Sprintf("%d %s", f.next+i, pad))
		}
		b := batchOf(2, texts...)
		for i := range b.Messages {
			b.Messages[i].Hostname = strconv.AppendInt(nil, int64((f.next+i)%100), 10)
		}
		if rest, _ := f.Append(b, indexes(b)); len(rest) > 0 {
			new(Waiter).Offers(f.t.Context(), b, []Offer{{Queue: f.Queue, Rest: rest}})
		}
		f.next, n = f.next+count, n-count
	}
}

// finish ends the flow, all of it sent.
func (f *flow) finish() {
	f.t.Helper()
	f.Finish()
	fatal(f.t, <-f.done)
	if f.Dropped() > 0 || f.QueueBytes() != 0 {
		f.t.Errorf("%d messages were dropped, %d bytes are left", f.Dropped(), f.QueueBytes())
	}
}

// 200,000 messages over 100 breaks of a collector that reads promptly: none is missing.
func TestRemoteBreaks(t *testing.T) {
	const messages, breaks = 200_000, 100
	c := newCollector(t, "127.0.0.1:0")
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n >= breaks {
			c.read(lines, -1)
			return
		}
		c.read(lines, messages/breaks/2+n)
		if n%2 == 0 {
			reset(conn)
		}
	}
	c.start()
	o := testRemoteOptions()
	o.Resend = time.Minute // a busy machine's collector is not always prompt
	f := newFlow(t, o, "", c.address()).start()
	f.send(messages)
	c.waitFor(messages)
	f.finish()
	twice := c.account(messages)
	t.Logf("%d messages came twice, %d were sent again", twice, f.remote.Resent.Load())
	if len(c.conns) < breaks {
		t.Errorf("%d connections, want %d breaks", len(c.conns), breaks)
	}
}

// What a collector had not read when it died goes again, though its kernel had taken it.
func TestRemoteCollectorDies(t *testing.T) {
	for _, c := range []struct {
		name   string
		read   int // messages, before it stops reading
		wait   time.Duration
		resend time.Duration // a little that is unread for longer is lost, whatever the window says
		send   int           // messages; more than the sockets hold, or fewer
	}{
		{"at once, with some unread", 10, 0, time.Minute, 500},
		{"with its window shut for 3 s", 10, 3 * time.Second, 500 * time.Millisecond, 200_000},
		{"a moment after it stopped reading", 100, 100 * time.Millisecond, time.Minute, 2000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			col := newCollector(t, "127.0.0.1:0")
			col.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
				if n > 0 {
					col.read(lines, -1)
					return
				}
				col.read(lines, c.read)
				<-time.After(c.wait)
				reset(conn)
			}
			col.start()
			o := testRemoteOptions()
			o.Resend = c.resend
			f := newFlow(t, o, "", col.address()).start()
			f.send(c.send)
			col.waitFor(c.send)
			f.finish()
			t.Logf("%d came twice", col.account(c.send))
		})
	}
}

// That a connection breaks is seen when it does, also when there is nothing to send and all that was sent has arrived: what
// may be unread goes again at once, however long resend is.
func TestRemoteBreaksAtRest(t *testing.T) {
	const messages = 1000
	c := newCollector(t, "127.0.0.1:0")
	again := newCollector(t, "127.0.0.1:0") // counts what comes over the second connection
	c.serve = func(n int, _ net.Conn, lines *bufio.Reader) {
		if n > 0 {
			again.read(lines, -1)
			return
		}
		c.read(lines, -1)
	}
	c.start()
	o := testRemoteOptions()
	o.Resend = time.Hour
	f := newFlow(t, o, "", c.address()).start()
	f.send(messages)
	c.waitFor(messages)
	<-f.Settled(messages)
	c.mu.Lock()
	reset(c.conns[0])
	c.mu.Unlock()
	again.waitFor(messages)
	f.finish()
	again.account(messages)
}

// A collector that has read everything and then goes makes no duplicates once resend has passed, and its end is not a fault.
func TestRemoteIdleEnd(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0").start()
	o := testRemoteOptions()
	o.Resend = 50 * time.Millisecond
	f := newFlow(t, o, "", c.address()).start()
	f.send(1000)
	c.waitFor(1000)
	<-f.Settled(1000)
	waitUntil(t, "nothing is kept", func() bool { return f.QueueBytes() == 0 })
	c.mu.Lock()
	c.conns[0].Close()
	c.mu.Unlock()
	f.send(1000)
	c.waitFor(2000)
	f.finish()
	if twice := c.account(2000); twice > 0 || f.Errors() > 1 { // 1: it was written to before we saw the FIN
		t.Errorf("%d came twice, %d errors", twice, f.Errors())
	}
}

// A peer that accepts and never reads is given up after the write timeout, and nothing is lost.
func TestRemoteNeverReads(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0")
	gone := make(chan struct{})
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n > 0 {
			c.read(lines, -1)
			return
		}
		<-gone
	}
	c.start()
	defer close(gone)
	o := testRemoteOptions()
	o.Timeout.Write = 200 * time.Millisecond
	f := newFlow(t, o, "", c.address()).start()
	f.send(100_000)
	c.waitFor(100_000)
	f.finish()
	c.account(100_000)
	if f.Errors() == 0 {
		t.Error("no fault was counted")
	}
}

// A collector that is slow, but reads, is not given up, though a block takes it longer than the write timeout. (Over a
// Unix socket, where a few bytes read are a few more that can be written; TCP opens its window in large steps.)
func TestRemoteSlowly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	ln, err := net.Listen("unix", path)
	fatal(t, err)
	defer ln.Close()
	o := testRemoteOptions()
	o.Timeout.Write = 200 * time.Millisecond
	remote := newRemote(o, "unix", path)
	written := make(chan error, 1)
	b := blockOf(numbered("", "slow", 5000, 200)...)
	go func() { written <- remote.Write(b) }()
	conn, err := ln.Accept()
	fatal(t, err)
	defer conn.Close()
	got := 0
	for buf := make([]byte, 16<<10); got < 600<<10; {
		n, err := conn.Read(buf)
		fatal(t, err)
		got += n
		<-time.After(10 * time.Millisecond)
	}
	rest, err := io.ReadAll(io.LimitReader(conn, int64(len(b.Text)-got)))
	fatal(t, err)
	fatal(t, <-written)
	if got += len(rest); got != len(b.Text) {
		t.Errorf("%d bytes came, want %d", got, len(b.Text))
	}
	remote.Interrupt()
	remote.Close()
}

// Nobody listens at first, and the name leads nowhere: what waits is sent when somebody does.
func TestRemoteLate(t *testing.T) {
	where := freeport.Address(t)
	f := newFlow(t, testRemoteOptions(), "", where).start()
	f.send(1000)
	waitUntil(t, "it was tried three times", func() bool { return f.Errors() > 2 && !f.Up() })
	c := newCollector(t, where).start()
	c.waitFor(1000)
	waitUntil(t, "it is up", f.Up)
	f.finish()
	c.account(1000)
}

// waitUntil waits for something that no channel tells of.
func waitUntil(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}
