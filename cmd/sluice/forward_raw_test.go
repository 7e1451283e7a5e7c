package main

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// raw goes out as it came where no newline ends the message, and on one line where one does.
func TestForwardRaw(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	counted, lines := listenOnce(t), listenOnce(t)
	p := run(t, t.TempDir(), "raw", `{state_dir: ./state, inputs: ["udp://127.0.0.1:0"], rules: [{to: [
  {forward: "udp://`+udp.LocalAddr().String()+`", format: raw}, {forward: "tcp://`+counted.Addr().String()+`", format: raw, framing: octet_counted},
  {forward: "tcp://`+lines.Addr().String()+`", format: raw}]}]}`)
	const message = "<13>no header\tat all,\r\n\x01 two lines \xff and more"
	in, err := net.Dial("udp", p.address["udp"])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Write([]byte(message)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	udp.SetReadDeadline(time.Now().Add(patience))
	n, _, err := udp.ReadFrom(buf)
	if got := string(buf[:n]); err != nil || got != message {
		t.Errorf("udp: got %q, %v", got, err)
	}
	if got, want := firstBytes(t, counted, len(message)+3), strconv.Itoa(len(message))+" "+message; got != want {
		t.Errorf("counted: got %q, want %q", got, want)
	}
	conn, err := lines.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	got, err := bufio.NewReader(conn).ReadString('\n')
	if want := strings.ReplaceAll(message, "\n", "#012") + "\n"; err != nil || got != want {
		t.Errorf("lines: got %q, want %q, %v", got, want, err)
	}
}

func listenOnce(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func firstBytes(t *testing.T, ln net.Listener, n int) string {
	t.Helper()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	buf := make([]byte, n)
	n, _ = io.ReadFull(conn, buf)
	return string(buf[:n])
}
