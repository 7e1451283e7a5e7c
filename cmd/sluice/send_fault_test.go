package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sendToNobody returns an address where something listened once.
func sendToNobody(t *testing.T, network string) string {
	r := receiveSent(t, network)
	r.close()
	return r.url
}

func TestSendFaults(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "log")
	tcp, udp := sendToNobody(t, "tcp"), sendToNobody(t, "udp")
	gram, stream, secure := receiveSent(t, "unixgram"), receiveSent(t, "unix"), receiveSent(t, "tls")
	dead := filepath.Join(t.TempDir(), "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, c := range []struct{ name, args, want string }{
		{"no socket", "--to " + missing + " x", "send to unixgram://" + missing + ": no such file or directory (is sluice running?)"},
		{"a dead socket", "--to unix://" + dead + " x", "send to unix://" + dead + ": connection refused (is sluice running?)"},
		{"a dead socket by path", "--to " + dead + " x", "send to unixgram://" + dead + ": connection refused (is sluice running?)"},
		{"no tcp port", "--to " + tcp + " x", "send to " + tcp + ": connection refused (is sluice running?)"},
		{"no udp port", "--to " + udp + " x", "send to " + udp + ": connection refused (is sluice running?)"},
		{"not a stream", "--to unix://" + gram.path + " x",
			"send to unix://" + gram.path + ": protocol wrong type for socket (it is a datagram socket: unixgram://" + gram.path + ")"},
		{"not a datagram socket", "--to unixgram://" + stream.path + " x",
			"send to unixgram://" + stream.path + ": protocol wrong type for socket (it is a stream socket: unix://" + stream.path + ")"},
		{"counting on a path with datagrams", "--octet-count --to " + gram.path + " x", "--octet-count: unixgram://" + gram.path + " is no stream"},
		{"an unknown issuer", "--to " + secure.url + " x", "send to " + secure.url +
			": tls: failed to verify certificate: x509: certificate signed by unknown authority (--tls-ca FILE trusts, --tls-insecure does not verify)"},
		{"too long for udp", "--to " + udp + " --size 65508 x",
			"send to " + udp + ": message too long for one datagram: udp takes at most 65507 bytes (tcp takes more)"},
		{"too long for a local socket", "--to " + gram.path + " --size 16m x", "send to unixgram://" + gram.path + ": message too long for one datagram"},
		{"a size below the header's", "--to " + gram.path + " --size 10 --count 5 x", "--size 10: the message has 28 bytes, 27 of them its header"},
		{"a size below the message's", "--to " + gram.path + " --size 27 x", "--size 27: the message has 28 bytes, 27 of them its header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runSend(t, testSendHost(), nil, strings.Fields(c.args)...)
			if got.err == nil || got.err.Error() != c.want || strings.HasPrefix(got.out, "sent <") {
				t.Errorf("got %s\nwant %s", got.both(), c.want)
			}
		})
	}
}

// Datagrams to a port where nothing listens come back, at least one of each system call.
func TestSendRefused(t *testing.T) {
	udp := sendToNobody(t, "udp")
	got := runSend(t, testSendHost(), nil, "--to", udp, "--count", "1000")
	var lost int
	want := "send to " + udp + ": connection refused (is sluice running?): at least %d of 1000 messages are lost"
	if got.err == nil {
		t.Fatal(got.both())
	}
	if _, err := fmt.Sscanf(got.err.Error(), want, &lost); err != nil || lost < 1000/sendVector || !strings.HasPrefix(got.out, "sent 1000 messages, 200.0 kB in ") {
		t.Errorf("got %s\nwant %s", got.both(), want)
	}
}

// Lines that no datagram can carry are named; those around them arrive.
func TestSendLongLines(t *testing.T) {
	for _, c := range []struct {
		network string
		long    int
		want    []string // lines that are not sent
	}{
		{"udp", 70000, []string{"line 2: 70030 bytes are too long for udp: not sent", "line 3: 70030 bytes are too long for udp: not sent"}},
		{"udp", 3 << 20, []string{"line 2: 3145728 bytes are too long for udp: not sent", "line 3: 3145728 bytes are too long for udp: not sent"}},
		{"tcp", 70000, nil},
		{"tcp", 1 << 20, nil},
		{"tcp", 1<<20 + 1, []string{"line 2: 1048577 bytes are too long for tcp: not sent", "line 3: 1048577 bytes are too long for tcp: not sent"}},
	} {
		for _, end := range []string{"", "\nlast", "\nlast\n"} {
			r := receiveSent(t, c.network)
			long := strings.Repeat("x", c.long)
			got := runSend(t, testSendHost(), strings.NewReader("first\n"+long+"\n"+long+end), "-t", "", "--to", r.url)
			header := "<13>Nov  5 15:17:52 web1 "
			want := []string{header + "first"}
			if c.want == nil {
				want = append(want, header+long, header+long)
			}
			if end != "" {
				want = append(want, header+"last")
			}
			pieces := 1
			if c.network == "udp" {
				pieces = len(want)
			}
			received := strings.Join(r.take(t, pieces), "\n")
			if strings.TrimSuffix(received, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s %d %q: received %d bytes: %.100q", c.network, c.long, end, len(received), received)
			}
			fault := ""
			for _, line := range c.want {
				fault += strings.ReplaceAll(line, "70030", fmt.Sprint(70000+len(header))) + "\n"
			}
			if got.errors != fault || (got.err == nil) != (c.want == nil) {
				t.Errorf("%s %d: %s", c.network, c.long, got.both())
			}
		}
	}
}

// serveSendOnce accepts one connection and gives it to f.
func serveSendOnce(t *testing.T, f func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			f(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "tcp://" + l.Addr().String()
}

// What a receiver does at the end decides what may be said.
func TestSendEnd(t *testing.T) {
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) }) // the first case's receiver
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		args  []string
		want  func(url string, r sendResult) bool
	}{
		{"never closes", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn); <-held }, []string{"x"}, func(url string, r sendResult) bool {
			return r.err == nil && strings.HasPrefix(r.out, "sent <13>") &&
				r.errors == "send to "+url+": the receiver did not close in time: whether it has read everything is not known\n"
		}},
		{"closes at once", func(conn net.Conn) {}, []string{"--count", "1000000"}, sendClosedEarly},
		{"closes after some", func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, 100<<10) }, []string{"--count", "1000000"}, sendClosedEarly},
		{"closes after one of two connections", func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, 100<<10) },
			[]string{"--count", "1000000", "--connections", "2"}, sendClosedEarly},
		{"leaves the only message unread", func(conn net.Conn) {
			buf := make([]byte, 1)
			_, _ = conn.Read(buf)
		}, []string{"x"}, func(url string, r sendResult) bool {
			return r.out == "" && r.err != nil && r.err.Error() == "send to "+url+": connection reset by peer: the receiver closed the connection"
		}},
		{"reads, then closes without waiting for our end", func(conn net.Conn) {
			buf := make([]byte, 100)
			_, _ = conn.Read(buf)
		}, []string{"x"}, func(url string, r sendResult) bool {
			return r.err == nil && strings.HasPrefix(r.out, "sent <13>") && r.errors == ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := serveSendOnce(t, c.serve)
			host := testSendHost()
			host.patience = 200 * time.Millisecond
			defer release()
			if got := runSend(t, host, nil, append([]string{"--to", url}, c.args...)...); !c.want(url, got) {
				t.Error(got.both())
			}
		})
	}
}

func sendClosedEarly(url string, r sendResult) bool {
	return r.err != nil && strings.HasPrefix(r.err.Error(), "send to "+url+": ") && strings.HasSuffix(r.err.Error(), ": the receiver closed the connection") &&
		strings.Contains(r.out, " of 1000000 messages")
}

// An interrupted load ends with a whole message, and says how many went.
func TestSendInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	received := make(chan int, 1)
	url := serveSendOnce(t, func(conn net.Conn) {
		_, _ = io.CopyN(io.Discard, conn, 200<<10)
		cancel()
		rest, _ := io.ReadAll(conn)
		received <- 200<<10 + len(rest)
	})
	got := runSendContext(t, ctx, testSendHost(), nil, "--to", url, "--count", "1000000000")
	var sent, bytes int
	if _, err := fmt.Sscanf(got.out, "sent %d of 1000000000 messages", &sent); err != nil || got.err == nil || got.err.Error() != "send: interrupted" {
		t.Fatal(got.both())
	}
	if bytes = <-received; bytes != sent*201 {
		t.Errorf("sent %d messages, received %d bytes: %s", sent, bytes, got.both())
	}
}

// Lines are sent as they come, and an interrupt ends a wait for more.
func TestSendInterruptedLines(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := receiveSent(t, "unixgram")
	in, out := io.Pipe()
	defer out.Close()
	done := make(chan sendResult, 1)
	go func() { done <- runSendContext(t, ctx, testSendHost(), in, "-u", r.path) }()
	for _, line := range []string{"one", "two"} {
		fmt.Fprintln(out, line)
		if got := r.take(t, 1)[0]; !strings.HasSuffix(got, ": "+line) {
			t.Errorf("got %q", got)
		}
	}
	cancel()
	if got := <-done; got.err == nil || got.err.Error() != "send: interrupted" || !strings.HasPrefix(got.out, "sent 2 messages") {
		t.Error(got.both())
	}
}

// A receiver that restarts under a pipe of lines is found again; one that stays away is an error.
func TestSendReconnects(t *testing.T) {
	for _, network := range []string{"unixgram", "unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			first := receiveSent(t, network)
			host := testSendHost()
			host.patience = 100 * time.Millisecond
			in, out := io.Pipe()
			done := make(chan sendResult, 1)
			go func() { done <- runSend(t, host, in, "-t", "", "--to", first.url) }()
			fmt.Fprintln(out, "one")
			if network == "unixgram" {
				first.take(t, 1)
			} else {
				first.drop(t)
			}
			first.close()
			second := receiveSentAt(t, network, strings.TrimPrefix(first.url, network+"://"))
			for i := range 100 { // tcp learns of the break at the second write, unix at the first
				fmt.Fprintln(out, i)
			}
			out.Close()
			got := <-done
			pieces, said := 1, ": connecting again: the last lines may be lost\n"
			if network == "unixgram" {
				pieces, said = 100, ": connecting again\n"
			}
			received := strings.Join(second.take(t, pieces), "\n")
			if got.err != nil || strings.Count(got.errors, "\n") != 1 || !strings.HasSuffix(got.errors, said) || !strings.HasSuffix(strings.TrimSuffix(received, "\n"), " 99") {
				t.Errorf("received %q: %s", received, got.both())
			}
		})
	}
	gone := receiveSent(t, "unixgram")
	host := testSendHost()
	host.patience = 100 * time.Millisecond
	in, out := io.Pipe()
	done := make(chan sendResult, 1)
	go func() { done <- runSend(t, host, in, "--to", gone.url) }()
	fmt.Fprintln(out, "one")
	gone.take(t, 1)
	gone.close()
	fmt.Fprintln(out, "two")
	if got := <-done; got.err == nil || !strings.HasSuffix(got.err.Error(), "(is sluice running?)") || !strings.HasPrefix(got.out, "sent 1 message,") {
		t.Error(got.both())
	}
}
