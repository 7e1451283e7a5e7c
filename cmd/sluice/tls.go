package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
)

// A serverTLS is the `tls:` of an input.
type serverTLS struct {
	Cert           string          `yaml:"cert"` // the chain, the input's own first
	Key            string          `yaml:"key"`  // empty: in the file of cert
	ClientCA       string          `yaml:"client_ca"`
	PermittedPeers []permittedPeer `yaml:"permitted_peers,list"`
	MinVersion     tlsVersion      `yaml:"min_version"`
}

// A clientTLS is the `tls:` of a target.
type clientTLS struct {
	CA                 string          `yaml:"ca"`   // empty: the system's
	Cert               string          `yaml:"cert"` // empty: none is presented
	Key                string          `yaml:"key"`  // empty: in the file of cert
	ServerName         string          `yaml:"server_name"`
	InsecureSkipVerify bool            `yaml:"insecure_skip_verify"`
	PermittedPeers     []permittedPeer `yaml:"permitted_peers,list"`
	MinVersion         tlsVersion      `yaml:"min_version"`
}

// A tlsVersion is a version of the protocol; 0 is 1.2.
type tlsVersion uint16

// UnmarshalText reads 1.2 or 1.3. RFC 8996 has retired what came before.
func (v *tlsVersion) UnmarshalText(text []byte) error {
	switch string(text) {
	case "1.2":
		*v = tls.VersionTLS12
	case "1.3":
		*v = tls.VersionTLS13
	case "1.0", "1.1", "1":
		return fmt.Errorf("min_version: TLS %s has been broken for years: want 1.2 or 1.3", text)
	default:
		return fmt.Errorf("min_version: want 1.2 or 1.3, have %q", text)
	}
	return nil
}

func (v tlsVersion) orDefault() uint16 { return max(uint16(v), tls.VersionTLS12) }

// config is what a listener works with. Files that change are read again at the next handshake, a broken one being said in
// the log and otherwise left alone until it is right. The error is a *tlsFault.
func (s serverTLS) config(log *slog.Logger) (*tls.Config, error) {
	files, err := watchFiles(log, s.load, s.Cert, s.Key, s.ClientCA)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return files.get(), nil },
	}, nil
}

// load makes a configuration of what the files hold now.
func (s serverTLS) load() (*tls.Config, error) {
	cert, err := readCertificate(s.Cert, s.Key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		Certificates: []tls.Certificate{*cert},
		MinVersion:   s.MinVersion.orDefault(),
		// A resumed session would skip the client's certificate, whatever has become of its authority since.
		SessionTicketsDisabled: true,
	}
	switch {
	case s.ClientCA != "":
		if cfg.ClientCAs, err = readAuthorities("client_ca", s.ClientCA); err != nil {
			return nil, err
		}
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	case len(s.PermittedPeers) > 0: // fingerprints: whoever has signed the certificate
		cfg.ClientAuth = tls.RequireAnyClientCert
	}
	if len(s.PermittedPeers) > 0 {
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			return permit(s.PermittedPeers, state.PeerCertificates[0], len(state.VerifiedChains) > 0)
		}
	}
	return cfg, nil
}

// config is what a connection to host is made with; one serves all connections to it. Files that change are read again as
// those of an input are. The error is a *tlsFault.
func (s clientTLS) config(host string, log *slog.Logger) (*tls.Config, error) {
	files, err := watchFiles(log, s.load, s.CA, s.Cert, s.Key)
	if err != nil {
		return nil, err
	}
	name := s.ServerName
	if name == "" {
		name = host
	}
	cfg := &tls.Config{
		ServerName: name,
		MinVersion: s.MinVersion.orDefault(),
		// crypto/tls would verify with the authorities of the moment when this was made; verify does with today's.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return s.verify(state, name, files.get().roots) },
	}
	if s.Cert != "" {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return files.get().cert, nil }
	}
	return cfg, nil
}

// clientFiles are what the files of a clientTLS hold.
type clientFiles struct {
	cert  *tls.Certificate
	roots *x509.CertPool // nil: the system's
}

func (s clientTLS) load() (f clientFiles, err error) {
	if s.CA != "" {
		if f.roots, err = readAuthorities("ca", s.CA); err != nil {
			return f, err
		}
	}
	switch {
	case s.Cert != "":
		f.cert, err = readCertificate(s.Cert, s.Key)
	case s.Key != "":
		err = &tlsFault{"key", errors.New("needs a cert")}
	}
	return f, err
}

// verify is crypto/tls's verification of a server, but that permitted_peers, where there are some, replace its name, and
// that a fingerprint needs no authority if none is given.
func (s clientTLS) verify(state tls.ConnectionState, name string, roots *x509.CertPool) error {
	certs := state.PeerCertificates
	trusted := s.InsecureSkipVerify
	if !trusted {
		options := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
		for _, c := range certs[1:] {
			options.Intermediates.AddCert(c)
		}
		if len(s.PermittedPeers) > 0 {
			options.DNSName = ""
		}
		_, err := certs[0].Verify(options)
		if trusted = err == nil; !trusted && (s.CA != "" || !fingerprinted(s.PermittedPeers)) {
			return &tls.CertificateVerificationError{UnverifiedCertificates: certs, Err: err}
		}
	}
	if len(s.PermittedPeers) == 0 {
		return nil
	}
	return permit(s.PermittedPeers, certs[0], trusted)
}
