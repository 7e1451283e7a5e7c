package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A soakSender sends numbered messages over one path.
type soakSender struct {
	path     string
	promised bool // send returns nil only if the messages were acknowledged
	batch    int  // at most so many at once
	send     func(s *soak, path string, first, count int) error
}

// soakRate bounds each path's messages a second.
const soakRate = 800

var soakSenders = []soakSender{
	{"tcp", true, 300, sendTCP},
	{"python", true, 200, sendPython},
	{"stream", true, 100, sendStream},
	{"unix", false, 100, func(s *soak, path string, first, count int) error {
		return s.pass("unix", filepath.Join(s.dir, "in.sock"), lines(path, first, count))
	}},
	{"unixgram", false, 10, func(s *soak, path string, first, count int) error {
		return s.datagrams("unixgram", filepath.Join(s.dir, "log.sock"), path, first, count)
	}},
	{"udp", false, 10, func(s *soak, path string, first, count int) error {
		return s.datagrams("udp", s.host+":5514", path, first, count)
	}},
	{"zmq", false, 50, func(s *soak, path string, first, count int) error {
		var b strings.Builder
		b.WriteString(zmqHello)
		for n := range count {
			text := syslogLine(path, first+n)
			b.Write(binary.BigEndian.AppendUint64([]byte{2}, uint64(len(text)))) // a long frame
			b.WriteString(text)
		}
		return s.pass("tcp", s.host+":5555", b.String())
	}},
}

// zmqHello is how a PUSH socket begins.
var zmqHello = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48) +
	"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH"

func syslogLine(path string, n int) string {
	return fmt.Sprintf("<134>Nov 21 13:04:00 host%d soak-%s[7]: %s", n%soakHosts, path, numberedText(path, n))
}

func lines(path string, first, count int) string {
	var b strings.Builder
	for n := range count {
		b.WriteString(syslogLine(path, first+n) + "\n")
	}
	return b.String()
}

func sendTCP(s *soak, path string, first, count int) error {
	return s.forReceipt(s.host+":5514", lines(path, first, count))
}

// sendPython sends records as a SocketHandler does, in protocol 2 of pickle.
func sendPython(s *soak, path string, first, count int) error {
	var b bytes.Buffer
	text := func(s string) {
		b.WriteByte('X')
		binary.Write(&b, binary.LittleEndian, uint32(len(s)))
		b.WriteString(s)
	}
	for n := range count {
		start := b.Len()
		b.WriteString("\x00\x00\x00\x00\x80\x02}(")
		text("name")
		text("soak-python")
		text("msg")
		text(numberedText(path, first+n))
		text("args")
		b.WriteByte('N')
		text("levelno")
		b.WriteString("K\x14")
		text("process")
		b.WriteString("K\x07")
		text("created")
		b.WriteByte('G')
		binary.Write(&b, binary.BigEndian, math.Float64bits(1795266240))
		b.WriteString("u.")
		binary.BigEndian.PutUint32(b.Bytes()[start:], uint32(b.Len()-start-4))
	}
	return s.forReceipt(s.host+":9020", b.String())
}

// forReceipt sends text and returns nil if our FIN was answered with one. A FIN that came before what we sent was read
// is none: an RST follows it then.
func (s *soak) forReceipt(address, text string) error {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	conn := c.(*net.TCPConn)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		return fmt.Errorf("no receipt: %v", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var fault int
	inner := raw.Control(func(fd uintptr) { fault, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR) })
	if inner != nil || err != nil || fault != 0 {
		return fmt.Errorf("a FIN that was no receipt: %v %v %v", inner, err, unix.Errno(fault))
	}
	return nil
}

// pass sends text over a connection of its own, for no receipt.
func (s *soak) pass(network, address, text string) error {
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, text)
	return err
}

func (s *soak) datagrams(network, address, path string, first, count int) error {
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	for n := range count {
		if _, err := io.WriteString(conn, syslogLine(path, first+n)); err != nil {
			return err
		}
	}
	return nil
}

// sendStream adds to the stream. Redis has written what it acknowledges to its disk.
func sendStream(s *soak, path string, first, count int) error {
	pipe := s.redis.client.Pipeline()
	for n := range count {
		pipe.Do(s.t.Context(), "XADD", "numbers", "*", "msg", syslogLine(path, first+n))
	}
	_, err := pipe.Exec(s.t.Context())
	return err
}

// work sends batch after batch until quit is closed. What was promised to somebody who had no answer is sent again, under
// the same numbers, until there is one.
func (d soakSender) work(s *soak) {
	r := s.rand(d.path)
	for {
		count := 1 + r.IntN(d.batch)
		first := s.ledger.take(d.path, count)
		for {
			err := d.send(s, d.path, first, count)
			if err == nil && d.promised {
				s.ledger.accept(d.path, first, count)
			}
			if err != nil {
				s.refusals.Add(1)
			}
			over := s.pause(s.quit, max(time.Second*time.Duration(count)/soakRate, 20*time.Millisecond))
			if over && (err == nil || !d.promised) {
				return
			}
			if err == nil || !d.promised {
				break
			}
		}
	}
}
