package listen

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// tlsClients wants a certificate that ca issued from everybody.
func tlsClients() *tls.Config {
	cfg := ca().server()
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, ca().pool
	return cfg
}

// speak does what a client does that sends one line, and returns what it is told.
func speak(t testing.TB, f *fixture, cfg *tls.Config) error {
	t.Helper()
	nc, err := net.Dial("tcp", f.Addr().String())
	must(t, err)
	c := tls.Client(nc, cfg)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "<13>x\n"); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	_, err = io.ReadAll(c) // a server that refuses a TLS 1.3 client's certificate can say so only now
	return err
}

// Who is refused is told, and counted, and the log says which side refused and why. Those who may send go on beside them.
func TestHandshakes(t *testing.T) {
	stranger := newAuthority("a stranger")
	expired := ca().server()
	expired.Certificates = []tls.Certificate{ca().issue("localhost", -time.Hour)}
	for _, c := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		told   string // to the client
		said   string // in the log
		count  map[string]uint64
	}{
		{"no certificate wanted", ca().server(), ca().client(), "", "", map[string]uint64{"messages": 1, "bytes": 5}},
		{"a good certificate", tlsClients(), ca().client(ca().issue("web1", time.Hour)), "", "", map[string]uint64{"messages": 1, "bytes": 5}},
		{"no certificate", tlsClients(), ca().client(), "certificate required",
			"refused a client: client didn't provide a certificate", map[string]uint64{"not_allowed": 1}},
		{"no certificate, TLS 1.2", tlsClients(), upTo(ca().client(), tls.VersionTLS12), "handshake failure",
			"refused a client: client didn't provide a certificate", map[string]uint64{"not_allowed": 1}},
		{"a stranger's certificate", tlsClients(), presenting(stranger.issue("web1", time.Hour)), "unknown certificate authority",
			`refused a client: its certificate is "CN=web1", issued by "CN=a stranger": x509: certificate signed by unknown authority`, map[string]uint64{"not_allowed": 1}},
		{"an expired certificate", tlsClients(), ca().client(ca().issue("web1", -time.Minute)), "expired certificate",
			`refused a client: its certificate is "CN=web1", issued by "CN=sluice test CA": x509: certificate has expired or is not yet valid`, map[string]uint64{"not_allowed": 1}},
		{"an old version", ca().server(), upTo(ca().client(), tls.VersionTLS11), "protocol version not supported",
			"refused a client: client offered only unsupported versions: [302 301]", map[string]uint64{"not_allowed": 1}},
		{"a client that does not know our authority", ca().server(), stranger.client(), "unknown authority",
			"the client refused our certificate: bad certificate", map[string]uint64{"refused": 1}},
		{"a client that knows our name otherwise", ca().server(), named("collector.example.net"), "not collector.example.net",
			"the client refused our certificate: bad certificate", map[string]uint64{"refused": 1}},
		{"an expired certificate of ours", expired, ca().client(), "expired",
			"the client refused our certificate: bad certificate", map[string]uint64{"refused": 1}},
		{"our own verification", verified(func(s tls.ConnectionState) error {
			return fmt.Errorf("permitted_peers has not %s", s.PeerCertificates[0].Subject.CommonName)
		}),
			ca().client(ca().issue("web9", time.Hour)), "bad certificate", "refused a client: permitted_peers has not web9", map[string]uint64{"not_allowed": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t, syslog.TLS)
			cfg.TLS = c.server
			f := run(t, cfg)
			err := speak(t, f, c.client)
			if (err != nil) != (c.told != "") || err != nil && !strings.Contains(err.Error(), c.told) {
				t.Errorf("told %v, want %q", err, c.told)
			}
			eventually(t, "the connection is gone", func() bool { return f.Counters().Connections.Load() == 0 && (c.said == "" || f.logs.String() != "") })
			if got := f.counted(); cmp.Diff(c.count, got) != "" {
				t.Errorf("counted %v, want %v", got, c.count)
			}
			said := strings.ReplaceAll(f.logs.String(), `\"`, `"`)
			if !strings.Contains(said, c.said) || c.said == "" && said != "" {
				t.Errorf("said %s", said)
			}
			_ = speak(t, f, c.client)
			eventually(t, "the connection is gone", func() bool { return f.Counters().Connections.Load() == 0 })
			if n := strings.Count(f.logs.String(), "\n"); n > 1 {
				t.Errorf("said %d times:\n%s", n, f.logs)
			}
		})
	}
}

func upTo(cfg *tls.Config, version uint16) *tls.Config {
	cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, version
	return cfg
}

func named(server string) *tls.Config {
	cfg := ca().client()
	cfg.ServerName = server
	return cfg
}

// presenting presents a certificate whether the server knows its issuer or not.
func presenting(own tls.Certificate) *tls.Config {
	cfg := ca().client()
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	return cfg
}

func verified(by func(tls.ConnectionState) error) *tls.Config {
	cfg := tlsClients()
	cfg.VerifyConnection = by
	return cfg
}

// What speaks no TLS is said as such, and nothing of it becomes a message.
func TestNoTLS(t *testing.T) {
	for _, c := range []struct{ name, bytes, said, end string }{
		{"plain text", "<13>Nov 20 15:17:52 web1 app: x\n", `a client speaks plain text on a tls input: its first bytes are "<13>N"`, "RST"},
		{"plain text, octet-counted", "31 <13>Nov 20 15:17:52 web1 app: x", `a client speaks plain text on a tls input: its first bytes are "31 <1"`, "RST"},
		{"something else", "\x00\x01\x02\x03\x04\x05", `a client speaks something unknown on a tls input`, "RST"},
		{"SSL 2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "refused a client: unsupported SSLv2 handshake received", ""},
		{"half a hello", "\x16\x03\x01", "a client did not finish its handshake: it closed the connection", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := run(t, testConfig(t, syslog.TLS))
			conn := rawDial(t, f)
			send(t, conn, c.bytes)
			_ = conn.CloseWrite() // if it was not closed meanwhile
			got := closed(conn)
			if c.end == "RST" && !strings.Contains(got, "reset") { // a FIN would be taken for a receipt
				t.Errorf("closed with %s", got)
			}
			eventually(t, "the connection is gone", func() bool { return f.Counters().Connections.Load() == 0 })
			if said := strings.ReplaceAll(f.logs.String(), `\"`, `"`); !strings.Contains(said, c.said) || c.said == "" && said != "" {
				t.Errorf("said %s", said)
			}
			f.stop()
			if got := f.counted(); got["messages"] != 0 || got["refused"]+got["not_allowed"] == 0 && c.said != "" {
				t.Errorf("counted %v", got)
			}
		})
	}
}

func rawDial(t testing.TB, f *fixture) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", f.Addr().String())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// TLS on a plain port is recognised by its first bytes, also when they come one by one. Nothing of it becomes a message.
func TestTLSOnPlainPort(t *testing.T) {
	var hello bytes.Buffer
	_ = tls.Client(recorder{&hello}, &tls.Config{InsecureSkipVerify: true}).Handshake()
	if clientHello(hello.Bytes()) != is {
		t.Fatalf("a ClientHello begins with %q", hello.Bytes()[:6])
	}
	for _, pieces := range [][]string{{hello.String()}, strings.Split(hello.String()[:8], "")} {
		f := run(t, testConfig(t, syslog.TCP))
		for range 2 {
			conn := rawDial(t, f)
			must(t, conn.SetNoDelay(true))
			for _, p := range pieces {
				if _, err := conn.Write([]byte(p)); err != nil {
					break // it was closed meanwhile
				}
				runtime.Gosched()
			}
			if got := closed(conn); got == "data" {
				t.Errorf("closed with %s", got)
			}
		}
		good := rawDial(t, f)
		send(t, good, "\x16", "text\n\x16\x03\n", "<13>x\n") // TLS can only begin a stream
		f.sink.wait(t, 3)
		good.Close()
		eventually(t, "the connections are gone", func() bool { return f.Counters().Connections.Load() == 0 })
		if diff := cmp.Diff([]string{"\x16text", "\x16\x03", "<13>x"}, f.sink.lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := f.counted(); got["refused"] != 2 || got["messages"] != 3 {
			t.Errorf("counted %v", got)
		}
		if n := strings.Count(f.logs.String(), "a client speaks TLS on a plain tcp input"); n != 1 {
			t.Errorf("said %d times:\n%s", n, f.logs)
		}
	}
}

// A recorder is a connection that takes what is written, and says nothing.
type recorder struct{ *bytes.Buffer }

func (recorder) Read([]byte) (int, error)         { return 0, io.EOF }
func (recorder) Close() error                     { return nil }
func (recorder) LocalAddr() net.Addr              { return nil }
func (recorder) RemoteAddr() net.Addr             { return nil }
func (recorder) SetDeadline(time.Time) error      { return nil }
func (recorder) SetReadDeadline(time.Time) error  { return nil }
func (recorder) SetWriteDeadline(time.Time) error { return nil }

// 500 clients that never finish their handshake stop nobody, and cost no more than their places.
func TestSilentHandshakes(t *testing.T) {
	const silent = 500
	cfg := testConfig(t, syslog.TLS)
	cfg.MaxConnections = 4 * (silent + 1)
	f := run(t, cfg)
	for i := range silent {
		conn := rawDial(t, f)
		if i%2 == 0 {
			send(t, conn, "\x16\x03\x01\x02") // and no more
		}
	}
	eventually(t, "all are accepted", func() bool { return f.Counters().Connections.Load() == silent })
	if err := speak(t, f, ca().client()); err != nil {
		t.Error(err)
	}
	f.sink.wait(t, 1)
	if got := speak(t, &fixture{Listener: f.Listener}, ca().client()); got != nil { // and the place was given back
		t.Error(got)
	}
	start := time.Now()
	f.stop() // waits for no handshake longer than draining may last
	if took := time.Since(start); took > 3*drainTime {
		t.Errorf("stopping took %v", took)
	}
}

// What clients had sent when the listener stops arrives. One that was in the middle of its handshake knows by an RST that
// nothing was accepted.
func TestDrainTLS(t *testing.T) {
	h := newSink()
	blocked, release := make(chan struct{}, 1), make(chan struct{})
	h.before = func(*syslog.Batch) {
		select {
		case blocked <- struct{}{}:
			<-release
		default:
		}
	}
	cfg := testConfig(t, syslog.TLS)
	cfg.Handler = h
	f := run(t, cfg)
	var conns []net.Conn
	for range 20 {
		c := f.dial()
		must(t, c.(*tls.Conn).Handshake())
		conns = append(conns, c)
	}
	send(t, conns[0], "<13>first\n")
	eventually(t, "the handler blocks", func() bool { return len(blocked) == 1 })
	for _, c := range conns {
		send(t, c, strings.Repeat("<13>a\n", 100), "<13>half")
	}
	late := rawDial(t, f)
	send(t, late, "\x16\x03\x01\x02")
	eventually(t, "it is accepted", func() bool { return f.Counters().Connections.Load() == 21 })
	stopped := make(chan struct{})
	go func() { f.stop(); close(stopped) }()
	eventually(t, "the listener stops", f.stopping.Load)
	if got := closed(late); !strings.Contains(got, "reset") {
		t.Errorf("the late one: closed with %s", got)
	}
	close(release)
	<-stopped
	if got, want := len(h.wait(t, 1+20*101)), 1+20*101; got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	for _, c := range conns {
		if got := closed(c); got != "FIN" {
			t.Errorf("closed with %s", got)
		}
	}
}

// A client may ask for new keys between any two messages.
func TestKeyUpdates(t *testing.T) {
	needs(t, "openssl")
	f := run(t, testConfig(t, syslog.TLS))
	cmd := exec.Command("openssl", "s_client", "-connect", f.Addr().String(), "-tls1_3", "-brief")
	out, in, err := os.Pipe()
	must(t, err)
	defer out.Close()
	cmd.Stdin = out
	must(t, cmd.Start())
	defer cmd.Process.Kill()
	const rounds = 20
	for i := range rounds {
		for _, text := range []string{"K\n", "<13>x\n"} { // K: a KeyUpdate that asks for another, if it is all that openssl reads at once
			_, err := in.WriteString(text)
			must(t, err)
			eventually(t, "openssl has read it", func() bool {
				n, err := unix.IoctlGetInt(int(out.Fd()), unix.TIOCINQ)
				return err != nil || n == 0
			})
		}
		f.sink.wait(t, i+1)
	}
	must(t, in.Close())
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	f.stop()
	if got := f.counted(); got["messages"] != rounds || f.logs.String() != "" {
		t.Errorf("counted %v\n%s", got, f.logs)
	}
}

// needs skips the test without the program; in CI it fails.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", program)
	}
	t.Skipf("%s is missing", program)
}

// Such a client that reads no answer keeps nobody waiting: what the kernel does not take at once is given up.
func TestWireNeverWaits(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	must(t, err)
	defer peer.Close() // never reads
	nc, err := ln.Accept()
	must(t, err)
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	must(t, err)
	w := &wire{Conn: nc, raw: raw}
	w.shaken = true
	for err == nil {
		_, err = w.Write(make([]byte, 1<<20))
	}
	for range 2 { // the peer's kernel may just have taken something
		if err != errUnread {
			t.Error(err)
		}
		_, err = w.Write(make([]byte, 16<<20))
	}
	peer.Close()
	eventually(t, "the connection is broken", func() bool { _, err := w.Write([]byte{1}); return err != nil && err != errUnread })
}

// A client's name is in the log of who asks for it.
func TestPeerAtDebug(t *testing.T) {
	logs := &logbook{}
	cfg := testConfig(t, syslog.TLS)
	cfg.TLS = tlsClients()
	cfg.Log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := run(t, cfg)
	if err := speak(t, f, ca().client(ca().issue("web1", time.Hour))); err != nil {
		t.Fatal(err)
	}
	if got := logs.String(); !strings.Contains(got, `certificate="CN=web1" version="TLS 1.3"`) {
		t.Error(got)
	}
}
