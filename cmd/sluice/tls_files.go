package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A tlsFault is what is wrong with the file that one key of a `tls:` names.
type tlsFault struct {
	key string
	err error
}

func (f *tlsFault) Error() string { return "tls: " + f.key + ": " + f.err.Error() }
func (f *tlsFault) Unwrap() error { return f.err }

// watched is what was made of some files. It is made anew when one of them has changed.
type watched[T any] struct {
	load  func() (T, error)
	files []string
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	seen   []fileStamp // of the files that value was made of
	looked time.Time
	broken bool
}

// watchFiles loads, and loads again what changes later. An empty name is no file.
func watchFiles[T any](log *slog.Logger, load func() (T, error), files ...string) (*watched[T], error) {
	w := &watched[T]{load: load, log: log, looked: time.Now()}
	for _, f := range files {
		if f != "" {
			w.files = append(w.files, f)
		}
	}
	w.seen = w.stamps()
	var err error
	w.value, err = load()
	return w, err
}

// lookAgain is how often the files are looked at, if there are handshakes that often.
const lookAgain = time.Second

// get is what the files hold, as far as it is right: while a new one is wrong, the old value stays.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Sub(w.looked) < lookAgain {
		return w.value
	}
	w.looked = now
	seen := w.stamps() // before they are read: what changes meanwhile is seen the next time
	if slices.Equal(seen, w.seen) {
		if w.broken { // put back as it was
			w.broken = false
			w.log.Info("the certificate files are right again")
		}
		return w.value
	}
	value, err := w.load()
	if err != nil {
		if !w.broken {
			w.broken = true
			w.log.Error("a certificate file has changed and is wrong: going on with the old one", "error", err)
		}
		return w.value
	}
	w.value, w.seen, w.broken = value, seen, false
	w.log.Info("the certificate files have changed and were read again")
	return w.value
}

// A fileStamp tells one state of a file from another.
type fileStamp struct {
	device, inode uint64
	size          int64
	modified      int64 // ns since 1970
}

func (w *watched[T]) stamps() []fileStamp {
	stamps := make([]fileStamp, len(w.files))
	for i, name := range w.files {
		info, err := os.Stat(name)
		if err != nil {
			continue // load says so
		}
		stamps[i] = fileStamp{size: info.Size(), modified: info.ModTime().UnixNano()}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			stamps[i].device, stamps[i].inode = uint64(st.Dev), st.Ino
		}
	}
	return stamps
}

// readCertificate reads a chain and its key; an empty keyFile means that both are in one file.
func readCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	chain, err := os.ReadFile(certFile)
	if err != nil {
		return nil, &tlsFault{"cert", err}
	}
	if _, err := parseCertificates(chain); err != nil {
		return nil, &tlsFault{"cert", fmt.Errorf("%s: %w", certFile, err)}
	}
	at, secret := "cert", chain
	if keyFile == "" {
		keyFile = certFile
	} else if at = "key"; keyFile != certFile {
		if secret, err = os.ReadFile(keyFile); err != nil {
			return nil, &tlsFault{at, err}
		}
	}
	if encrypted(secret) {
		return nil, &tlsFault{at, fmt.Errorf("%s: the key is encrypted, and nobody is there to type its passphrase: openssl pkey -in %s", keyFile, keyFile)}
	}
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		return nil, &tlsFault{at, fmt.Errorf("%s, for the certificate in %s: %s", keyFile, certFile, strings.TrimPrefix(err.Error(), "tls: "))}
	}
	return &pair, nil
}

// readAuthorities reads the certificates that may sign others; key is the option that names the file.
func readAuthorities(key, file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &tlsFault{key, err}
	}
	certs, err := parseCertificates(text)
	if err != nil {
		return nil, &tlsFault{key, fmt.Errorf("%s: %w", file, err)}
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// parseCertificates returns all certificates of a PEM file, at least one.
func parseCertificates(text []byte) (certs []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errors.New("holds no certificate: want PEM, which begins with -----BEGIN CERTIFICATE-----")
	}
	return certs, nil
}

// encrypted reports whether the first key in a PEM file needs a passphrase.
func encrypted(text []byte) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return strings.HasPrefix(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED")
		}
	}
	return false
}
