package writer

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
)

// The name of a collector is nowhere in DNS at first, then it leads to a port where nobody listens, then to the collector: it is
// looked up anew at each try.
func TestRemoteNameIsLookedUpAnew(t *testing.T) {
	c := newCollector(t, "127.0.0.1:0").start()
	var answer atomic.Pointer[net.IP] // nil: no such name
	asked := serveNames(t, func() *net.IP { return answer.Load() })
	_, port, err := net.SplitHostPort(c.address())
	fatal(t, err)
	f := newFlow(t, testRemoteOptions(), "", net.JoinHostPort("collector.test.", port)).start()
	f.send(1000)
	waitUntil(t, "it was asked for three times", func() bool { return asked.Load() > 3 && f.Errors() > 2 && !f.Up() })
	elsewhere := net.IPv4(127, 0, 0, 77).To4()
	answer.Store(&elsewhere)
	before := f.Errors()
	waitUntil(t, "it was tried elsewhere", func() bool { return f.Errors() > before+2 })
	here := net.IPv4(127, 0, 0, 1).To4()
	answer.Store(&here)
	c.waitFor(1000)
	f.finish()
	c.account(1000)
}

// serveNames makes names be asked of a DNS server of the test's own, which gives every name the one address. It counts the
// questions for IPv4.
func serveNames(t *testing.T, address func() *net.IP) *atomic.Int64 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	fatal(t, err)
	t.Cleanup(func() { conn.Close() })
	usual := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = usual })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	var asked atomic.Int64
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answerTo(buf[:n], address(), &asked), from)
		}
	}()
	return &asked
}

// answerTo is RFC 1035's answer to a query of one question.
func answerTo(query []byte, ip *net.IP, asked *atomic.Int64) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root, type and class
	if end > len(query) {
		return nil
	}
	isA := query[end-3] == 1
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	switch {
	case ip == nil:
		reply[3] |= 3 // NXDOMAIN
	case isA:
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name above, A, IN, not to be kept
		reply = append(reply, *ip...)
	}
	if isA {
		asked.Add(1)
	}
	return reply
}
