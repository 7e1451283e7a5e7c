package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A sendReceiver is the other side: it reads all it can, as bytes on streams and datagram by datagram.
type sendReceiver struct {
	url, path string
	pieces    chan string   // a datagram, or all of a connection
	open      chan net.Conn // connections over which something has come
	close     func()
}

// receiveSent listens on a transport of `sluice send` until the test ends.
func receiveSent(t testing.TB, network string) *sendReceiver {
	t.Helper()
	if strings.HasPrefix(network, "unix") {
		return receiveSentAt(t, network, filepath.Join(t.TempDir(), "log"))
	}
	return receiveSentAt(t, network, "127.0.0.1:0")
}

// receiveSentAt is receiveSent at an address, where a receiver may have been before.
func receiveSentAt(t testing.TB, network, address string) *sendReceiver {
	t.Helper()
	r := &sendReceiver{pieces: make(chan string, 1<<16), open: make(chan net.Conn, 64)}
	if strings.HasPrefix(network, "unix") {
		r.path = address
		_ = os.Remove(address)
	}
	switch network {
	case "unixgram", "udp":
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if udp, ok := conn.(*net.UDPConn); ok {
			_ = udp.SetReadBuffer(4 << 20)
		}
		address = conn.LocalAddr().String()
		r.serve(t, conn, func() { r.datagrams(conn) })
	default:
		listen := func() (net.Listener, error) { return net.Listen(network, address) }
		if network == "tls" {
			listen = func() (net.Listener, error) { return tls.Listen("tcp", address, sendTestCertificate(t)) }
		}
		l, err := listen()
		if err != nil {
			t.Fatal(err)
		}
		address = l.Addr().String()
		r.serve(t, l, func() { r.streams(l) })
	}
	r.url = network + "://" + address
	return r
}

func (r *sendReceiver) serve(t testing.TB, c io.Closer, run func()) {
	done := make(chan struct{})
	go func() { defer close(done); run() }()
	r.close = sync.OnceFunc(func() { c.Close(); <-done })
	t.Cleanup(r.close)
}

func (r *sendReceiver) datagrams(conn net.PacketConn) {
	buf := make([]byte, 1<<18)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		r.pieces <- string(buf[:n])
	}
}

// drop closes the connection over which something came first, as a receiver that ends. (Without waiting for that, the sender
// could be about to write yet, find out, and connect again to who is just ending.)
func (r *sendReceiver) drop(t testing.TB) {
	t.Helper()
	select {
	case conn := <-r.open:
		conn.Close()
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: no connection came", r.url)
	}
}

func (r *sendReceiver) streams(l net.Listener) {
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		connections.Go(func() {
			defer conn.Close()
			first := make([]byte, 1<<10)
			n, _ := conn.Read(first) // what is wrong is so yet when the rest is read
			r.open <- conn
			rest, err := io.ReadAll(conn)
			all := append(first[:n], rest...)
			if err != nil {
				all = append(all, err.Error()...)
			}
			r.pieces <- string(all)
		})
	}
}

// take waits for n pieces.
func (r *sendReceiver) take(t testing.TB, n int) []string {
	t.Helper()
	limit := time.After(10 * time.Second)
	var got []string
	for len(got) < n {
		select {
		case p := <-r.pieces:
			got = append(got, p)
		case <-limit:
			t.Fatalf("%s: got %d of %d pieces: %.200q", r.url, len(got), n, got)
		}
	}
	return got
}

// rest is what has come besides: there should be none.
func (r *sendReceiver) rest() (got []string) {
	for {
		select {
		case p := <-r.pieces:
			got = append(got, p)
		default:
			return got
		}
	}
}

func sendTestCertificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "collector"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// sendStamp is the clock of tests: Nov 5 15:17:52.003 in a zone east of Greenwich.
var sendStamp = time.Date(2026, 11, 5, 15, 17, 52, 3000000, time.FixedZone("", 3600))

func testSendHost() sendHost {
	return sendHost{
		now:      func() time.Time { return sendStamp },
		hostname: func() (string, error) { return "web1.example.net", nil },
		user:     func() string { return "alice" },
		pid:      4711,
		patience: 10 * time.Second,
	}
}

// A sendResult is what the command printed.
type sendResult struct {
	out, errors string
	err         error
}

// both is everything a user sees.
func (r sendResult) both() string { return fmt.Sprintf("%s%s%v", r.out, r.errors, r.err) }

func runSend(t testing.TB, host sendHost, stdin io.Reader, args ...string) sendResult {
	return runSendContext(t, t.Context(), host, stdin, args...)
}

func runSendContext(t testing.TB, ctx context.Context, host sendHost, stdin io.Reader, args ...string) sendResult {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := newSendCommandOf(host)
	cmd.SilenceErrors = true
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(&out)
	cmd.SetErr(&errors)
	err := cmd.ExecuteContext(ctx)
	return sendResult{out.String(), errors.String(), err}
}
