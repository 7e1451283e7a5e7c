package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// An authority makes the certificates of tests, and writes them where they are wanted. No key is in the repository.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A wish is what a certificate should say.
type wish struct {
	cn       string
	names    []string // DNS names and addresses
	from, to time.Duration
	ca       bool
}

// tlsSerial numbers what the authorities issue: GnuTLS tells certificates apart by it.
var tlsSerial atomic.Int64

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{}
	a.cert, a.key = a.issue(t, wish{cn: name, ca: true})
	return a
}

// issue makes a certificate, signed by the authority, or by itself if that has none yet.
func (a *authority) issue(t testing.TB, w wish) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	if w.to == 0 {
		w.to = 365 * 24 * time.Hour
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(tlsSerial.Add(1)), Subject: pkix.Name{CommonName: w.cn}, IsCA: w.ca, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(w.from - time.Hour), NotAfter: time.Now().Add(w.to), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if w.ca {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	for _, name := range w.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// write writes dir/name.pem and dir/name.key, each of which appears whole.
func (a *authority) write(t testing.TB, dir, name string, w wish) *x509.Certificate {
	t.Helper()
	cert, key := a.issue(t, w)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, name+".key"), "PRIVATE KEY", der)
	writePEM(t, filepath.Join(dir, name+".pem"), "CERTIFICATE", cert.Raw)
	return cert
}

func writePEM(t testing.TB, file, what string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", pem.EncodeToMemory(&pem.Block{Type: what, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// A tlsFolder is what most tests need, in dir: ca, server, client, expired, soon, selfsigned, stranger and its strangerca.
type tlsFolder struct {
	dir    string
	ca     *authority
	client *x509.Certificate
	self   *x509.Certificate
}

func newTLSFolder(t testing.TB, dir string) *tlsFolder {
	t.Helper()
	f := &tlsFolder{dir: dir, ca: newAuthority(t, "test CA")}
	writePEM(t, f.path("ca.pem"), "CERTIFICATE", f.ca.cert.Raw)
	f.ca.write(t, dir, "server", wish{cn: "collector.example.net", names: []string{"collector.example.net", "localhost", "127.0.0.1"}})
	f.client = f.ca.write(t, dir, "client", wish{cn: "web1", names: []string{"web1.example.net"}})
	f.ca.write(t, dir, "expired", wish{cn: "old", names: []string{"old.example.net", "localhost", "127.0.0.1"}, from: -10 * 24 * time.Hour, to: -24 * time.Hour})
	f.ca.write(t, dir, "soon", wish{cn: "soon", names: []string{"localhost"}, to: 13 * 24 * time.Hour})
	f.ca.write(t, dir, "later", wish{cn: "later", from: 24 * time.Hour})
	f.self = (&authority{}).write(t, dir, "selfsigned", wish{cn: "web2", names: []string{"web2.example.net", "127.0.0.1"}})
	stranger := newAuthority(t, "stranger CA")
	writePEM(t, f.path("strangerca.pem"), "CERTIFICATE", stranger.cert.Raw)
	stranger.write(t, dir, "stranger", wish{cn: "web1", names: []string{"web1.example.net", "127.0.0.1"}})
	return f
}

func (f *tlsFolder) path(name string) string { return filepath.Join(f.dir, name) }

func sha256Of(cert *x509.Certificate) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(cert.Raw))
}

// sha1Of is as rsyslog writes it.
func sha1Of(cert *x509.Certificate) string {
	return strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("sha1:% x", sha1.Sum(cert.Raw)), " ", ":"))
}

// certificatesCommand is `certificates`, in scripts: a tlsFolder in the working folder, the fingerprint of
// selfsigned.pem in $SELFSIGNED, and that as rsyslog writes it in $SELFSIGNED_SHA1.
func certificatesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: certificates")
	}
	f := newTLSFolder(scriptTB{ts: ts}, ts.MkAbs("."))
	ts.Setenv("SELFSIGNED", sha256Of(f.self))
	ts.Setenv("SELFSIGNED_SHA1", sha1Of(f.self))
}

// A scriptTB is as much of a testing.TB as helpers need to fail a script.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptTB) Helper()           {}
func (s scriptTB) Fatal(args ...any) { s.ts.Fatalf("%s", fmt.Sprint(args...)) }
