package main

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// expiresSoon is how long before its end a certificate is warned of.
const expiresSoon = 14 * 24 * time.Hour

// serverTLS checks the `tls:` n of an input: its files, without opening a socket.
func (l *loader) serverTLS(dir string, n *yaml.Node, s *serverTLS) {
	l.tlsPaths(dir, n, map[string]*string{"cert": &s.Cert, "key": &s.Key, "client_ca": &s.ClientCA})
	named := slices.ContainsFunc(s.PermittedPeers, func(p permittedPeer) bool { return p.name != "" })
	peers := strict.Lookup(n, "permitted_peers")
	switch {
	case s.Cert == "":
		l.Errorf(n, "tls: a certificate is missing: tls: {cert: c.pem, key: k.pem}")
		return
	case peers != nil && len(s.PermittedPeers) == 0:
		l.Errorf(peers, "permitted_peers: an empty list lets nobody in; leave it out to let everybody in whom client_ca vouches for")
		return
	case named && s.ClientCA == "" && !fingerprinted(s.PermittedPeers):
		l.Errorf(peers, "permitted_peers: names need client_ca: anybody can write a name into a certificate of his own")
		return
	case named && s.ClientCA == "":
		l.warn(peers, "permitted_peers without client_ca: only the fingerprints count: anybody can write a name into a certificate of his own")
	}
	_, err := s.load()
	l.tlsFiles(n, err)
	l.lintCertificate(n, "cert", s.Cert)
	l.lintCertificate(n, "client_ca", s.ClientCA)
}

// clientTLS checks the `tls:` n of a target likewise.
func (l *loader) clientTLS(dir string, n *yaml.Node, s *clientTLS) {
	l.tlsPaths(dir, n, map[string]*string{"cert": &s.Cert, "key": &s.Key, "ca": &s.CA})
	if s.InsecureSkipVerify && !fingerprinted(s.PermittedPeers) {
		l.warn(strict.Lookup(n, "insecure_skip_verify"), "insecure_skip_verify: whoever answers at that address gets the messages")
	}
	_, err := s.load()
	l.tlsFiles(n, err)
	l.lintCertificate(n, "cert", s.Cert)
	l.lintCertificate(n, "ca", s.CA)
}

// defaultPaths resolves the paths in the `defaults:` of the file root.
func (l *loader) defaultPaths(root *yaml.Node, f *fragment) {
	n := root
	for _, key := range []string{"defaults", "forward", "tls"} {
		if n = strict.Lookup(n, key); n == nil {
			return
		}
	}
	if s := f.Defaults.Forward.TLS; s != nil {
		l.tlsPaths(f.dir, n, map[string]*string{"cert": &s.Cert, "key": &s.Key, "ca": &s.CA})
	}
}

// tlsPaths resolves those paths that n itself writes: others come from `defaults:`, perhaps of another file.
func (l *loader) tlsPaths(dir string, n *yaml.Node, paths map[string]*string) {
	for key, path := range paths {
		if at := strict.Lookup(n, key); at != nil && *path != "" {
			*path = l.path(at, dir, *path)
			l.cfg.certificates = append(l.cfg.certificates, *path)
		}
	}
}

// tlsFiles reports what is wrong with a file at the key that names it. A file that this user may not read is no mistake
// of the configuration: whoever explains a message need not be able to read the daemon's key.
func (l *loader) tlsFiles(n *yaml.Node, err error) {
	var fault *tlsFault
	if !errors.As(err, &fault) {
		return
	}
	at := strict.Lookup(n, fault.key)
	if at == nil {
		at = n
	}
	if errors.Is(err, fs.ErrPermission) {
		l.cfg.Unreadable = append(l.cfg.Unreadable, l.At(at, "%v", err))
		return
	}
	l.Errorf(at, "%v", err)
}

// lintCertificate warns of a certificate that is no longer or not yet good, or not for long: of the first in a file, or of
// a file of authorities none of which is.
func (l *loader) lintCertificate(n *yaml.Node, key, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	certs, err := parseCertificates(text)
	if err != nil {
		return
	}
	cert := certs[0]
	if key != "cert" {
		cert = slices.MaxFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	}
	at, now := strict.Lookup(n, key), time.Now()
	if at == nil {
		at = n
	}
	switch end := cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"); {
	case now.After(cert.NotAfter):
		l.warn(at, "tls: %s: %s expired on %s", key, file, end)
	case now.Before(cert.NotBefore):
		l.warn(at, "tls: %s: %s is not good before %s", key, file, cert.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
	case now.Add(expiresSoon).After(cert.NotAfter):
		l.warn(at, "tls: %s: %s expires on %s", key, file, end)
	}
}
