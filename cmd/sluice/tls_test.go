package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
	"sluice/syslog/listen"
)

func permittedPeers(t testing.TB, entries ...string) []permittedPeer {
	t.Helper()
	peers := make([]permittedPeer, len(entries))
	for i, e := range entries {
		if err := peers[i].UnmarshalText([]byte(e)); err != nil {
			t.Fatal(err)
		}
	}
	return peers
}

// shake is a handshake, and what each side says of the other.
func shake(t testing.TB, server, client *tls.Config) (serverSays, clientSays error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	said := make(chan error, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			said <- err
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		conn := tls.Server(nc, server)
		if err = conn.Handshake(); err == nil {
			_, err = conn.Write([]byte("x"))
		}
		said <- err
		_, _ = io.Copy(io.Discard, nc)
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(nc, client)
	_, clientSays = conn.Read(make([]byte, 1)) // over TLS 1.3 a refusal comes behind the client's handshake
	nc.Close()
	return <-said, clientSays
}

var quietLog = slog.New(slog.DiscardHandler)

// Who may talk to whom: both sides made of the same files as a configuration has them.
func TestTLSPeers(t *testing.T) {
	f := newTLSFolder(t, t.TempDir())
	server := func(s serverTLS) serverTLS {
		if s.Cert == "" {
			s.Cert, s.Key = f.path("server.pem"), f.path("server.key")
		}
		return s
	}
	known := clientTLS{CA: f.path("ca.pem"), Cert: f.path("client.pem"), Key: f.path("client.key")}
	self := clientTLS{CA: f.path("ca.pem"), Cert: f.path("selfsigned.pem"), Key: f.path("selfsigned.key")}
	peers := func(entries ...string) []permittedPeer { return permittedPeers(t, entries...) }
	mine, theirs := f.path("ca.pem"), f.path("strangerca.pem")
	selfServer := serverTLS{Cert: f.path("selfsigned.pem"), Key: f.path("selfsigned.key")}
	for _, c := range []struct {
		name         string
		server       serverTLS
		client       clientTLS
		serves, asks string // what each side says, or nothing
	}{
		{"nothing asked", serverTLS{}, clientTLS{CA: mine}, "", ""},
		{"an authority", serverTLS{ClientCA: mine}, known, "", ""},
		{"another authority", serverTLS{ClientCA: theirs}, known, "unknown authority", "unknown certificate authority"},
		{"a name", serverTLS{ClientCA: mine, PermittedPeers: peers("WEB1.example.net.")}, known, "", ""},
		{"a common name", serverTLS{ClientCA: mine, PermittedPeers: peers("web1")}, known, "", ""},
		{"a wildcard", serverTLS{ClientCA: mine, PermittedPeers: peers("db.example.org", "*.example.net")}, known, "", ""},
		{"a wildcard is one label", serverTLS{ClientCA: mine, PermittedPeers: peers("*.net")}, known, "permitted_peers has neither web1.example.net, web1 nor " + sha256Of(f.client), "bad certificate"},
		{"another name", serverTLS{ClientCA: mine, PermittedPeers: peers("web2.example.net")}, known, "permitted_peers has neither", "bad certificate"},
		{"a fingerprint beside an authority", serverTLS{ClientCA: mine, PermittedPeers: peers(sha256Of(f.client))}, known, "", ""},
		{"a fingerprint as rsyslog writes it", serverTLS{ClientCA: mine, PermittedPeers: peers(sha1Of(f.client))}, known, "", ""},
		{"a fingerprint does not replace an authority", serverTLS{ClientCA: mine, PermittedPeers: peers(sha256Of(f.self))}, self, "unknown authority", "unknown certificate authority"},
		{"a fingerprint alone", serverTLS{PermittedPeers: peers(sha256Of(f.self))}, self, "", ""},
		{"another fingerprint", serverTLS{PermittedPeers: peers(sha256Of(f.client))}, self, "permitted_peers has neither", "bad certificate"},
		{"a name that nobody vouches for", serverTLS{PermittedPeers: peers("web2.example.net", sha256Of(f.client))}, self, "permitted_peers has neither", "bad certificate"},
		{"no certificate", serverTLS{PermittedPeers: peers(sha256Of(f.self))}, clientTLS{CA: mine}, "didn't provide a certificate", "certificate required"},
		{"versions that do not meet", serverTLS{MinVersion: tls.VersionTLS13}, clientTLS{CA: mine, MinVersion: tls.VersionTLS12}, "", ""},

		{"the system's authorities", serverTLS{}, clientTLS{}, "bad certificate", "unknown authority"},
		{"another authority of the client's", serverTLS{}, clientTLS{CA: theirs}, "bad certificate", "unknown authority"},
		{"a server name", serverTLS{}, clientTLS{CA: mine, ServerName: "collector.example.net"}, "", ""},
		{"another server name", serverTLS{}, clientTLS{CA: mine, ServerName: "siem.example.net"}, "bad certificate", "not siem.example.net"},
		{"an expired server", serverTLS{Cert: f.path("expired.pem"), Key: f.path("expired.key")}, clientTLS{CA: mine}, "bad certificate", "expired"},
		{"no verification", selfServer, clientTLS{InsecureSkipVerify: true}, "", ""},
		{"no verification but a fingerprint", selfServer, clientTLS{InsecureSkipVerify: true, PermittedPeers: peers(sha256Of(f.self))}, "", ""},
		{"no verification but another fingerprint", selfServer, clientTLS{InsecureSkipVerify: true, PermittedPeers: peers(sha256Of(f.client))}, "bad certificate", "permitted_peers has neither"},
		{"the server's fingerprint", selfServer, clientTLS{PermittedPeers: peers(sha256Of(f.self))}, "", ""},
		{"the server's fingerprint and an authority", selfServer, clientTLS{CA: mine, PermittedPeers: peers(sha256Of(f.self))}, "bad certificate", "unknown authority"},
		{"peers replace the server's name", serverTLS{}, clientTLS{CA: mine, ServerName: "siem.example.net", PermittedPeers: peers("*.example.net")}, "", ""},
		{"peers that the server is not", serverTLS{}, clientTLS{CA: mine, PermittedPeers: peers("*.example.org")}, "bad certificate", "permitted_peers has neither collector.example.net, localhost, 127.0.0.1 nor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, err := server(c.server).config(quietLog)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := c.client.config("127.0.0.1", quietLog)
			if err != nil {
				t.Fatal(err)
			}
			serverSays, clientSays := shake(t, ours, theirs)
			for side, s := range map[string]struct {
				got  error
				want string
			}{"server": {serverSays, c.serves}, "client": {clientSays, c.asks}} {
				if (s.got != nil) != (s.want != "") || s.got != nil && !strings.Contains(s.got.Error(), s.want) {
					t.Errorf("the %s says %v, want %q", side, s.got, s.want)
				}
			}
		})
	}
}

func TestPermittedPeers(t *testing.T) {
	for text, want := range map[string]string{
		"*":                       "permits everybody",
		"web*.example.net":        "a * stands for the first label, alone",
		"*.*.example.net":         "a * stands for the first label, alone",
		"sha256:ab":               "want 64 hexadecimal digits",
		"SHA1:" + "zz":            "want 40 hexadecimal digits",
		"md5:00":                  "fingerprints are sha256:HEX or sha1:HEX",
		"":                        "is no name",
		"*.":                      "is no name",
		"two words":               "is no name",
		"10.0.0.7":                "",
		"::ffff:10.0.0.7":         "",
		"2001:db8::1":             "",
		"sha1:" + sha1OfZeros:     "",
		"SHA256:" + sha256OfZeros: "",
	} {
		var p permittedPeer
		err := p.UnmarshalText([]byte(text))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

var (
	sha1OfZeros   = strings.Repeat("00:", 19) + "00"
	sha256OfZeros = strings.Repeat("0", 64)
)

// A logText keeps log lines.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// While the daemon runs its certificate is replaced: by a broken one, which changes nothing, and by a good one, which new
// connections get while old ones go on. So are the authorities, on both sides.
func TestCertificatesAreReloaded(t *testing.T) {
	f := newTLSFolder(t, t.TempDir())
	logs := &logText{}
	log := slog.New(slog.NewTextHandler(logs, nil))
	spec := serverTLS{Cert: f.path("server.pem"), Key: f.path("server.key"), ClientCA: f.path("ca.pem")}
	secure, err := spec.config(log)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	l, err := listen.Listen(listen.Config{Name: "x", Transport: syslog.TLS, Address: "127.0.0.1:0", Options: listen.DefaultOptions(), TLS: secure, Handler: texts(got)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	defer func() { cancel(); <-done }()

	target := clientTLS{CA: f.path("ca.pem"), Cert: f.path("client.pem"), Key: f.path("client.key")}
	client, err := target.config("127.0.0.1", log)
	if err != nil {
		t.Fatal(err)
	}
	dial := func() (*tls.Conn, error) { return tls.Dial("tcp", l.Addr().String(), client) }
	old, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	say := func(c *tls.Conn, text string) {
		t.Helper()
		if _, err := fmt.Fprintf(c, "<13>%s\n", text); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-got:
			if line != text {
				t.Fatalf("got %q, want %q", line, text)
			}
		case <-time.After(patience):
			t.Fatalf("%q did not come", text)
		}
	}
	// until dials once a while until ok; the files are looked at once a second.
	until := func(what string, ok func(*tls.Conn, error) bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			c, err := dial()
			yes := ok(c, err)
			if c != nil {
				c.Close()
			}
			if yes {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("waited in vain until %s: %v", what, err)
			}
		}
	}
	serial := func(c *tls.Conn) string { return c.ConnectionState().PeerCertificates[0].SerialNumber.String() }
	first := serial(old)
	say(old, "before")

	if err := os.WriteFile(f.path("server.pem"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	until("the broken file is said", func(c *tls.Conn, err error) bool {
		if err != nil || serial(c) != first {
			t.Fatalf("%v: the old certificate is gone", err)
		}
		return logs.count("a certificate file has changed and is wrong") > 0
	})
	f.ca.write(t, f.dir, "server", wish{cn: "new", names: []string{"127.0.0.1"}})
	until("the new certificate is there", func(c *tls.Conn, err error) bool { return err == nil && serial(c) != first })
	if said, again := logs.count("is wrong: going on with the old one"), logs.count("have changed and were read again"); said != 1 || again != 1 {
		t.Errorf("said %d times that it is wrong, and %d times that it was read again", said, again)
	}
	say(old, "after")

	// The authority changes on the server: the client is refused. It changes on the client, too: the client refuses.
	strangers, err := os.ReadFile(f.path("strangerca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	replace := func(file string) {
		t.Helper()
		if err := os.WriteFile(f.path(file), strangers, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target.CA = f.path("ca2.pem")
	writePEM(t, target.CA, "CERTIFICATE", f.ca.cert.Raw)
	if client, err = target.config("127.0.0.1", log); err != nil {
		t.Fatal(err)
	}
	replace("ca.pem")
	until("the server refuses", func(c *tls.Conn, err error) bool {
		if err == nil {
			_ = c.CloseWrite()
			_, err = c.Read(make([]byte, 1)) // the end, if it is not refused
		}
		return err != nil && strings.Contains(err.Error(), "unknown certificate authority")
	})
	replace("ca2.pem")
	until("the client refuses", func(_ *tls.Conn, err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) })
	say(old, "at the end")
}

// texts sends on the text of each message.
type texts chan string

func (c texts) Handle(b *syslog.Batch) {
	for i := range b.Messages {
		c <- string(b.Messages[i].Text())
	}
}

// What is wrong with a `tls:` is said at the key that is wrong, and what is seldom meant is warned of.
func TestTLSConfigs(t *testing.T) {
	f := newTLSFolder(t, t.TempDir())
	for name, text := range map[string]string{
		"empty.pem": "", "rubbish.key": "rubbish", "both.pem": "",
		"encrypted.key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"half.pem":      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if name == "both.pem" {
			for _, part := range []string{"server.pem", "server.key"} {
				more, err := os.ReadFile(f.path(part))
				if err != nil {
					t.Fatal(err)
				}
				text += string(more)
			}
		}
		if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const good = "cert: server.pem, key: server.key"
	for _, c := range []struct{ name, input, want string }{
		{"good", `{syslog: "tls://:0", tls: {` + good + `}}`, ``},
		{"both in one file", `{syslog: "tls://:0", tls: {cert: both.pem}}`, ``},
		{"all", `{syslog: "tls://:0", tls: {` + good + `, client_ca: ca.pem, permitted-peers: "*.example.net", min_version: 1.3}}`, ``},
		{"a string", `"tls://:6514"`, `1:10: input 1: tls needs a certificate: {syslog: "tls://:6514", tls: {cert: c.pem, key: k.pem}}`},
		{"no cert", `{syslog: "tls://:0", tls: {key: server.key}}`, `1:36: input 1: tls: a certificate is missing: tls: {cert: c.pem, key: k.pem}`},
		{"not tls", `{syslog: "tcp://:0", tls: {` + good + `}}`, `1:36: input 1: tls: belongs to a tls:// URL, and this is tcp://:0`},
		{"an unknown key", `{syslog: "tls://:0", tls: {` + good + `, ca: ca.pem}}`, `1:72: input 1: unknown key "ca" (have cert, client_ca, key, min_version, permitted_peers)`},
		{"a missing file", `{syslog: "tls://:0", tls: {cert: nothing.pem, key: server.key}}`, `1:43: input 1: tls: cert: open DIR/nothing.pem: no such file or directory`},
		{"a missing key", `{syslog: "tls://:0", tls: {cert: server.pem, key: nothing.key}}`, `1:60: input 1: tls: key: open DIR/nothing.key: no such file or directory`},
		{"no certificate in it", `{syslog: "tls://:0", tls: {cert: empty.pem}}`, `1:43: input 1: tls: cert: DIR/empty.pem: holds no certificate: want PEM, which begins with -----BEGIN CERTIFICATE-----`},
		{"a broken certificate", `{syslog: "tls://:0", tls: {cert: half.pem}}`, `1:43: input 1: tls: cert: DIR/half.pem: certificate 1: x509: malformed certificate`},
		{"no key in it", `{syslog: "tls://:0", tls: {cert: server.pem, key: rubbish.key}}`, `1:60: input 1: tls: key: DIR/rubbish.key, for the certificate in DIR/server.pem: failed to find any PEM data in key input`},
		{"another key", `{syslog: "tls://:0", tls: {cert: server.pem, key: client.key}}`, `1:60: input 1: tls: key: DIR/client.key, for the certificate in DIR/server.pem: private key does not match public key`},
		{"an encrypted key", `{syslog: "tls://:0", tls: {cert: server.pem, key: encrypted.key}}`, `1:60: input 1: tls: key: DIR/encrypted.key: the key is encrypted, and nobody is there to type its passphrase: openssl pkey -in DIR/encrypted.key`},
		{"no authority", `{syslog: "tls://:0", tls: {` + good + `, client_ca: rubbish.key}}`, `1:83: input 1: tls: client_ca: DIR/rubbish.key: holds no certificate: want PEM, which begins with -----BEGIN CERTIFICATE-----`},
		{"an old version", `{syslog: "tls://:0", tls: {` + good + `, min_version: 1.1}}`, `1:85: input 1: min_version: TLS 1.1 has been broken for years: want 1.2 or 1.3`},
		{"names without an authority", `{syslog: "tls://:0", tls: {` + good + `, permitted_peers: ["*.example.net"]}}`, `1:89: input 1: permitted_peers: names need client_ca: anybody can write a name into a certificate of his own`},
		{"nobody", `{syslog: "tls://:0", tls: {` + good + `, permitted_peers: []}}`, `1:89: input 1: permitted_peers: an empty list lets nobody in; leave it out to let everybody in whom client_ca vouches for`},
		{"a star", `{syslog: "tls://:0", tls: {` + good + `, client_ca: ca.pem, permitted_peers: ["*"]}}`, `1:109: input 1: permitted_peers: * permits everybody; without permitted_peers everybody whom client_ca vouches for may send`},

		{"expired", `{syslog: "tls://:0", tls: {cert: expired.pem, key: expired.key}}`, `warning: 1:43: input 1: tls: cert: DIR/expired.pem expired on DATE`},
		{"soon expired", `{syslog: "tls://:0", tls: {cert: soon.pem, key: soon.key}}`, `warning: 1:43: input 1: tls: cert: DIR/soon.pem expires on DATE`},
		{"not yet", `{syslog: "tls://:0", tls: {cert: later.pem, key: later.key}}`, `warning: 1:43: input 1: tls: cert: DIR/later.pem is not good before DATE`},
		{"an expired authority", `{syslog: "tls://:0", tls: {` + good + `, client_ca: expired.pem}}`, `warning: 1:83: input 1: tls: client_ca: DIR/expired.pem expired on DATE`},
		{"a name beside fingerprints", `{syslog: "tls://:0", tls: {` + good + `, permitted_peers: [web1, "sha256:` + sha256OfZeros + `"]}}`,
			`warning: 1:89: input 1: permitted_peers without client_ca: only the fingerprints count: anybody can write a name into a certificate of his own`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := f.load(t, "inputs: ["+c.input+"]\nrules: [{to: {console: stdout}}]"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTLSExample loads the input of etc/sluice.yaml that is a comment there, because its files must exist.
func TestTLSExample(t *testing.T) {
	f := newTLSFolder(t, t.TempDir())
	f.ca.write(t, f.dir, "collector", wish{cn: "collector"})
	example, err := os.ReadFile("../../etc/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(example), "\n  # - syslog: tls://")
	block, _, more := strings.Cut(block, "\n\n")
	if !ok || !more {
		t.Fatal("etc/sluice.yaml has no such comment")
	}
	if got := f.load(t, "inputs:\n  - syslog: tls://"+strings.ReplaceAll(block, "\n  # ", "\n  ")+"\nrules: [{to: {console: stdout}}]"); got != "" {
		t.Error(got)
	}
}

var tlsDate = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`)

// load is what a configuration in f's folder comes to.
func (f *tlsFolder) load(t *testing.T, text string) string {
	t.Helper()
	file := f.path("sluice.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(file)
	got := ""
	if err != nil {
		got = err.Error()
	} else if len(cfg.Warnings) > 0 {
		got = "warning: " + cfg.Warnings.Error()
	}
	return tlsDate.ReplaceAllString(strings.ReplaceAll(strings.ReplaceAll(got, file+":", ""), f.dir, "DIR"), "DATE")
}

// The `tls:` of a target is checked likewise; its paths count from the file that they are written in, `defaults:` too.
func TestTLSTargets(t *testing.T) {
	f := newTLSFolder(t, t.TempDir())
	sub := filepath.Join(f.dir, "conf.d")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	f.ca.write(t, sub, "own", wish{cn: "own"})
	for _, c := range []struct{ name, main, own, want string }{
		{"good", ``, `{cert: own.pem, key: own.key, server_name: siem.example.net}`, ``},
		{"a default", `{defaults: {forward: {tls: {ca: ca.pem, min_version: 1.3}}}}`, `{cert: own.pem, key: own.key}`, ``},
		{"a missing default", `{defaults: {forward: {tls: {ca: nothing.pem}}}}`, `{cert: own.pem, key: own.key}`, `1:1: tls: ca: open DIR/nothing.pem: no such file or directory`},
		{"a missing file", ``, `{ca: nothing.pem}`, `1:6: tls: ca: open DIR/conf.d/nothing.pem: no such file or directory`},
		{"a key alone", ``, `{key: own.key}`, `1:7: tls: key: needs a cert`},
		{"insecure", ``, `{insecure_skip_verify: true}`, `1:24: insecure_skip_verify: whoever answers at that address gets the messages`},
		{"insecure, by fingerprint", ``, `{insecure_skip_verify: true, permitted_peers: "sha256:` + sha256OfZeros + `"}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLoader(&Config{})
			main := fragment{dir: f.dir, Defaults: newDefaults()}
			doc := l.Parse("main.yaml", []byte(c.main))
			l.Decode(doc.Root, &main)
			l.defaultPaths(doc.Root, &main)
			spec := main.Defaults.Forward
			if spec.TLS == nil {
				spec.TLS = &clientTLS{}
			}
			own := l.Parse("own.yaml", []byte(c.own))
			l.Decode(own.Root, &spec.TLS)
			l.clientTLS(sub, own.Root, spec.TLS)
			found := append(l.Errors(), l.cfg.Warnings...)
			if got := strings.ReplaceAll(strings.ReplaceAll(found.Error(), "own.yaml:", ""), f.dir, "DIR"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A key that only the daemon may read stops nobody from explaining a message; who runs or checks needs it.
func TestUnreadableKey(t *testing.T) {
	l := newLoader(&Config{})
	doc := l.Parse("x.yaml", []byte("tls: {cert: c.pem, key: k.pem}"))
	n := strict.Lookup(doc.Root, "tls")
	l.tlsFiles(n, &tlsFault{"key", &os.PathError{Op: "open", Path: "k.pem", Err: os.ErrPermission}})
	if err := l.Errors().Err(); err != nil {
		t.Errorf("explain fails: %v", err)
	}
	if diff := cmp.Diff("x.yaml:1:25: tls: key: open k.pem: permission denied", l.cfg.Unreadable.Error()); diff != "" {
		t.Error(diff)
	}
}
