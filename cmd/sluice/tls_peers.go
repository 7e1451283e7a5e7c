package main

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A permittedPeer is an entry of permitted_peers, as rsyslog's: a name, an address, *.example.net, or a certificate's
// fingerprint.
type permittedPeer struct {
	name     string // in lower case; a wildcard without its star: .example.net
	wildcard bool
	hash     string // sha256 or sha1, of a fingerprint
	sum      string // its bytes
}

// UnmarshalText reads web1.example.net, *.example.net, 10.0.0.7, sha256:AB:CD.. or sha1:..
func (p *permittedPeer) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	for hash, size := range map[string]int{"sha256": sha256.Size, "sha1": sha1.Size} {
		digits, ok := strings.CutPrefix(s, hash+":")
		if !ok {
			continue
		}
		sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
		if err != nil || len(sum) != size {
			return fmt.Errorf("permitted_peers: %s: want %d hexadecimal digits, with or without colons", text, 2*size)
		}
		*p = permittedPeer{hash: hash, sum: string(sum)}
		return nil
	}
	if address, err := netip.ParseAddr(s); err == nil {
		*p = permittedPeer{name: address.Unmap().String()}
		return nil
	}
	name, wildcard := strings.CutPrefix(s, "*.")
	switch {
	case s == "*":
		return fmt.Errorf("permitted_peers: * permits everybody; without permitted_peers everybody whom client_ca vouches for may send")
	case strings.Contains(name, "*"):
		return fmt.Errorf("permitted_peers: %s: a * stands for the first label, alone: *.example.net", text)
	case strings.Contains(name, ":"):
		return fmt.Errorf("permitted_peers: %s: fingerprints are sha256:HEX or sha1:HEX", text)
	case name == "" || strings.ContainsAny(name, " \t/"):
		return fmt.Errorf("permitted_peers: %q is no name", text)
	}
	if wildcard {
		name = "." + name
	}
	*p = permittedPeer{name: strings.TrimSuffix(name, "."), wildcard: wildcard}
	return nil
}

// named reports whether p is what a certificate calls itself. A wildcard stands for one label (RFC 6125, section 6.4.3).
func (p permittedPeer) named(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if !p.wildcard {
		return p.hash == "" && name == p.name
	}
	first, rest, ok := strings.Cut(name, ".")
	return ok && first != "" && "."+rest == p.name
}

func (p permittedPeer) prints(cert *x509.Certificate) bool {
	switch p.hash {
	case "sha256":
		sum := sha256.Sum256(cert.Raw)
		return string(sum[:]) == p.sum
	case "sha1":
		sum := sha1.Sum(cert.Raw)
		return string(sum[:]) == p.sum
	}
	return false
}

// fingerprinted reports whether some of the peers are known by their fingerprints.
func fingerprinted(peers []permittedPeer) bool {
	return slices.ContainsFunc(peers, func(p permittedPeer) bool { return p.hash != "" })
}

// permit says whether peers have cert. Names count only if somebody trusted has vouched for them.
func permit(peers []permittedPeer, cert *x509.Certificate, trusted bool) error {
	names := peerNames(cert)
	for _, p := range peers {
		if p.prints(cert) || trusted && slices.ContainsFunc(names, p.named) {
			return nil
		}
	}
	sum := sha256.Sum256(cert.Raw)
	if len(names) == 0 {
		names = []string{"no name"}
	}
	return fmt.Errorf("permitted_peers has neither %s nor sha256:%x, which its certificate is", strings.Join(names, ", "), sum)
}

// peerNames are what a certificate calls itself: its DNS names, its addresses, and then its common name, as rsyslog does.
func peerNames(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if cn := cert.Subject.CommonName; cn != "" && !slices.Contains(names, cn) {
		names = append(names, cn)
	}
	for i, name := range names {
		names[i] = string(bytes.ToValidUTF8([]byte(name), []byte("?")))
	}
	return names
}
