package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// A redisTLS says how to come to a server over TLS.
type redisTLS struct {
	CA                 string `yaml:"ca"` // who vouches for it; empty: the system's authorities
	Cert               string `yaml:"cert"`
	Key                string `yaml:"key"`
	ServerName         string `yaml:"server_name"` // in its certificate; empty: the host it is asked for
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// load reads the files, whose places path knows.
func (t *redisTLS) load(path func(string) string) (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CA != "" {
		text, err := os.ReadFile(path(t.CA))
		if err != nil {
			return nil, fmt.Errorf("tls: ca: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("tls: ca: %s holds no certificate", t.CA)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, fmt.Errorf("tls: want both cert and key, or none")
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(path(t.Cert), path(t.Key))
		if err != nil {
			return nil, fmt.Errorf("tls: cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
