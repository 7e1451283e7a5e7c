package ingest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns their files.
func selfSigned(t testing.TB) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	fatal(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	fatal(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	fatal(t, os.WriteFile(cert, text, 0o644))
	fatal(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return cert, key, pool
}

// Channels and streams over TLS, with our certificate asked for; and a server that nobody vouches for.
func TestRedisTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := selfSigned(t)
	port := freeport.New(t)
	s := startRedis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	pair, err := tls.LoadX509KeyPair(cert, key)
	fatal(t, err)
	url := "rediss://127.0.0.1:" + port
	config := func(host string) (*tls.Config, error) {
		return &tls.Config{ServerName: host, RootCAs: pool, Certificates: []tls.Certificate{pair}}, nil
	}

	channels := openRedis(t, url, func(c *RedisConfig) { c.Subscribe, c.TLS = []string{"req.*"}, config })
	channels.ready(t)
	stream := openRedis(t, url, func(c *RedisConfig) { c.Streams, c.TLS = []string{"ulog"}, config })
	publish(t, s.addr(), 10_000, 150)
	channels.sink.wait(t, 10_000)
	s.add("ulog", "text")
	stream.sink.wait(t, 1)

	stranger := openRedis(t, url, func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
	eventually(t, "to be told", func() bool { return strings.Contains(stranger.logs.String(), "unknown authority") })
	for _, f := range []*redisFixture{channels, stream, stranger} {
		f.stop()
	}
	if got := channels.Addr(); got.Network() != "rediss" {
		t.Errorf("address %v", got)
	}
}
