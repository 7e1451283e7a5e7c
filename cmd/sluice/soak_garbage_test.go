package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// A garbage is something that no socket expects, or only half of what it expects.
type garbage struct {
	name string
	make func(r *rand.Rand) []byte
}

var garbages = []garbage{
	{"random bytes", func(r *rand.Rand) []byte { return randomBytes(r, 1+r.IntN(200_000)) }},
	{"one long line", func(*rand.Rand) []byte { return bytes.Repeat([]byte("<13>x"), 300_000) }},
	{"newlines and NULs", func(r *rand.Rand) []byte { return bytes.Repeat([]byte("\n\x00\r\n"), 1+r.IntN(10_000)) }},
	{"a huge octet count", func(r *rand.Rand) []byte { return append([]byte("9999999 <13>"), randomBytes(r, 5000)...) }},
	{"half a counted frame", func(r *rand.Rand) []byte { return []byte("1000000 <13>Nov 21 13:04:00 web1 shop: half") }},
	{"half a TLS hello", func(r *rand.Rand) []byte {
		return append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), randomBytes(r, 100)...)
	}},
	{"a request of HTTP", func(*rand.Rand) []byte {
		return []byte("POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n{")
	}},
	{"half a pickle", func(r *rand.Rand) []byte {
		return append([]byte("\x00\x00\x40\x00\x80\x04\x95"), randomBytes(r, 1000)...)
	}},
	{"a whole pickle of nonsense", func(r *rand.Rand) []byte { return append([]byte("\x00\x00\x01\x00"), randomBytes(r, 256)...) }},
	{"a pickle in itself", func(*rand.Rand) []byte { return []byte("\x00\x00\x00\x0c\x80\x02}q\x00X\x00\x00\x00\x00h\x00s.") }},
	{"a huge pickle", func(r *rand.Rand) []byte { return append([]byte("\xff\xff\xff\xff"), randomBytes(r, 5000)...) }},
	{"half a greeting of ZMQ", func(*rand.Rand) []byte { return []byte(zmqHello[:30]) }},
	{"a huge frame of ZMQ", func(r *rand.Rand) []byte {
		return append([]byte(zmqHello+"\x02\x40\x00\x00\x00\x00\x00\x00\x00"), randomBytes(r, 1000)...)
	}},
	{"nonsense after a greeting of ZMQ", func(r *rand.Rand) []byte { return append([]byte(zmqHello), randomBytes(r, 3000)...) }},
	{"parts of ZMQ without an end", func(*rand.Rand) []byte { return append([]byte(zmqHello), bytes.Repeat([]byte("\x01\x01x"), 20_000)...) }},
	{"a counted frame with a numbered line in it, which must be the first", func(r *rand.Rand) []byte { return inOneFrame(forgery(r)) }},
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// forgery is a message that holds another one: if it came to lie on a line of its own, it would pass for a number.
func forgery(r *rand.Rand) []byte {
	return []byte("<13>Nov 21 13:04:00 web1 shop: x\n" + syslogLine("tcp", 1<<40+r.IntN(1000)) + "\n" + numberedText("tcp", 1<<40) + "\n")
}

func inOneFrame(b []byte) []byte { return append(fmt.Appendf(nil, "%d ", len(b)), b...) }

// throw gives every socket some garbage. Errors are what garbage deserves.
func (s *soak) throw(r *rand.Rand) error {
	for _, address := range []string{s.host + ":5514", s.host + ":9020", s.host + ":5555", filepath.Join(s.dir, "in.sock"), s.daemon.socket()} {
		conn, err := s.stranger(address)
		if err != nil {
			continue
		}
		conn.SetDeadline(time.Now().Add(time.Second))
		conn.Write(garbages[r.IntN(len(garbages))].make(r))
		for range r.IntN(3) { // behind something unfinished even a good frame would be another
			conn.Write(garbages[r.IntN(len(garbages)-1)].make(r))
		}
		if tcp, ok := conn.(*net.TCPConn); ok && r.IntN(3) == 0 {
			tcp.SetLinger(0)
		} else if r.IntN(2) == 0 {
			io.Copy(io.Discard, conn)
		}
		conn.Close()
	}
	for network, address := range map[string]string{"udp": s.host + ":5514", "unixgram": filepath.Join(s.dir, "log.sock")} {
		conn, err := net.Dial(network, address)
		if err != nil {
			continue
		}
		conn.SetDeadline(time.Now().Add(time.Second))
		for _, b := range [][]byte{forgery(r), randomBytes(r, 1+r.IntN(65_000)), []byte(strings.Repeat("\x00", 100)), {}, []byte("<13>")} {
			conn.Write(b)
		}
		conn.Close()
	}
	s.redis.client.Do(s.t.Context(), "XADD", "numbers", "*", string(randomBytes(r, 20)), string(randomBytes(r, r.IntN(20_000))), "msg", string(forgery(r)))
	return nil
}

// crowd has many connections that say nothing, and leave.
func (s *soak) crowd(r *rand.Rand) error {
	var conns []net.Conn
	for range 50 {
		for _, address := range []string{s.host + ":5514", s.host + ":9020", s.host + ":5555", filepath.Join(s.dir, "in.sock")} {
			if conn, err := s.stranger(address); err == nil {
				conns = append(conns, conn)
			}
		}
	}
	<-time.After(time.Duration(r.IntN(int(2 * time.Second))))
	for _, c := range conns {
		c.Close()
	}
	return nil
}

// stranger connects from an address of its own, whose share of the connections is not that of the senders.
func (s *soak) stranger(address string) (net.Conn, error) {
	if filepath.IsAbs(address) {
		return net.DialTimeout("unix", address, time.Second)
	}
	from := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 66)}}
	return from.Dial("tcp", address)
}
