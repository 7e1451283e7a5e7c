package writer

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// tlsPair is a certificate for 127.0.0.1 and a client that trusts it.
func tlsPair(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	fatal(t, err)
	cert, err := x509.ParseCertificate(der)
	fatal(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// over makes it a flow over TLS.
func (f *flow) over(client *tls.Config) *flow {
	for _, l := range f.remote.links {
		l.address.Network, l.address.TLS = "tls", client
	}
	return f
}

// Breaks below TLS, half of them resets: what was acknowledged is counted in bytes of the socket, not of the text, and
// none is missing.
func TestRemoteTLSBreaks(t *testing.T) {
	const messages, breaks = 100_000, 30
	server, client := tlsPair(t)
	c := newCollector(t, "127.0.0.1:0")
	c.ln = tls.NewListener(c.ln, server)
	c.serve = func(n int, conn net.Conn, lines *bufio.Reader) {
		if n >= breaks {
			c.read(lines, -1)
			return
		}
		c.read(lines, messages/breaks/2+n)
		below := conn.(*tls.Conn).NetConn()
		if n%2 == 0 {
			reset(below)
		}
		below.Close() // with no word of farewell
	}
	c.start()
	o := testRemoteOptions()
	o.Framing, o.Resend = SendNewline, 500*time.Millisecond
	f := newFlow(t, o, "", c.address()).over(client).start()
	f.send(messages)
	c.waitFor(messages)
	waitUntil(t, "nothing is kept", func() bool { return f.QueueBytes() == 0 })
	f.finish()
	twice := c.account(messages)
	t.Logf("%d messages came twice, %d were sent again", twice, f.remote.Resent.Load())
	if len(c.conns) < breaks || f.remote.Resent.Load() == 0 {
		t.Errorf("%d connections, want %d breaks; %d messages were sent again", len(c.conns), breaks, f.remote.Resent.Load())
	}
}

// A connection that we end ourselves, soon after it was made, ends with a receipt: nothing is left for the next run.
func TestRemoteTLSReceipt(t *testing.T) {
	server, client := tlsPair(t)
	c := newCollector(t, "127.0.0.1:0")
	c.ln = tls.NewListener(c.ln, server)
	c.start()
	o := testRemoteOptions()
	o.Framing, o.Resend = SendNewline, time.Minute
	f := newFlow(t, o, "", c.address()).over(client).start()
	f.send(1000)
	c.waitFor(1000)
	f.finish()
}

// Whatever a write meets first once the collector has refused us, what is said is that it has.
func TestRemoteTLSRefused(t *testing.T) {
	server, client := tlsPair(t)
	server.ClientAuth = tls.RequireAnyClientCert
	ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
	fatal(t, err)
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	for range 200 {
		w, err := dial(t.Context(), Address{Network: "tls", Where: ln.Addr().String(), TLS: client}, testRemoteOptions(), func() {})
		if err == nil {
			for err == nil {
				_, err = w.Write([]byte("<13>app: a message\n"))
			}
			err = w.why(err)
			w.end()
		}
		if !strings.Contains(err.Error(), "the collector refused the TLS connection: tls: certificate required") {
			t.Fatal(err)
		}
	}
}
