package convert

import (
	"cmp"
	"slices"
	"strings"
)

// secureInput gives an input its certificate.
func (c *converter) secureInput(in *input, p, m params) {
	var tls []pair
	file := func(key, own, global string) {
		if v := cmp.Or(p.get(own), m.get(own), c.globals.get(global)); v != "" {
			tls = append(tls, pair{key, text(v)})
		}
	}
	file("cert", "streamdriver.certfile", "defaultnetstreamdrivercertfile")
	file("key", "streamdriver.keyfile", "defaultnetstreamdriverkeyfile")
	auth := strings.ToLower(cmp.Or(p.get("streamdriver.authmode"), m.get("streamdriver.authmode"), c.globals.get("inputtcpserverstreamdriverauthmode")))
	peers := p["permittedpeer"]
	if len(peers) == 0 {
		peers = m["permittedpeer"]
	}
	if v := c.globals["inputtcpserverstreamdriverpermittedpeer"]; len(peers) == 0 {
		peers = v
	}
	if auth != "" && auth != "anon" {
		if auth != "x509/fingerprint" {
			file("client_ca", "streamdriver.cafile", "defaultnetstreamdrivercafile")
		}
		if len(peers) > 0 && auth != "x509/certvalid" {
			tls = append(tls, pair{"permitted_peers", list(fingerprints(peers))})
		}
	}
	in.set("tls", mapping(tls...))
}

// fingerprints writes rsyslog's SHA1:.. as sluice has it.
func fingerprints(peers []string) []string {
	out := slices.Clone(peers)
	for i, p := range out {
		for _, sum := range []string{"SHA1:", "SHA256:"} {
			if digest, ok := strings.CutPrefix(p, sum); ok {
				out[i] = strings.ToLower(sum) + digest
			}
		}
	}
	return out
}
