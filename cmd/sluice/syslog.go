package main

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
	"sluice/syslog/listen"
)

// A syslogSpec is a syslog input as YAML has it.
type syslogSpec struct {
	URL            string     `yaml:"syslog"`
	Name           string     `yaml:"name"`
	TLS            *serverTLS `yaml:"tls"`
	Decode         decoding   `yaml:"decode"`
	listen.Options `yaml:",inline"`
}

// A decoding says what the text of a message is.
type decoding string

// UnmarshalText reads text or json.
func (d *decoding) UnmarshalText(text []byte) error { return word(d, "decode", text, "text", "json") }

func decodeSyslogInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	spec, at := syslogSpec{Options: listen.DefaultOptions(), Decode: "text"}, n
	if n.Kind == yaml.ScalarNode {
		spec.URL, _ = l.Text(n)
	} else {
		l.Decode(n, &spec)
		at = strict.Lookup(n, "syslog")
	}
	if allow := strict.Lookup(n, "allow"); allow != nil && len(spec.Allow) == 0 {
		l.Errorf(allow, "allow: an empty list lets nobody in; leave it out to let everybody in")
	}
	in.URL, in.Name = spec.URL, spec.Name
	if in.Name == "" {
		in.Name = spec.URL
	}
	cfg := listen.Config{Name: in.Name, Options: spec.Options, Handler: nobody{}}
	if !l.socket(f, &cfg, at, spec.URL) {
		return
	}
	if !l.inputTLS(f, &cfg, at, strict.Lookup(n, "tls"), spec) {
		return
	}
	if err := cfg.Check(); err != nil {
		l.Errorf(at, "%v", err)
		return
	}
	in.Transport, in.Address, in.Parse = cfg.Transport, cfg.Address, spec.ParseOptions
	if !cfg.Inherit {
		in.endpoints = []endpoint{{cfg.Transport.String(), cfg.Address, true, cfg.Owner+cfg.Group != "", cfg.ReceiveBuffer}}
	}
	if in.Cee = spec.Decode == "json"; in.Cee {
		cfg.Decoder = func(p *syslog.Parser) listen.Decoder { return ingest.NewCeeDecoder(p) }
	}
	in.spec, in.claim = spec, claimOf(cfg)
	whole := func(e env) (_ listen.Config, err error) {
		cfg, err := withSockets(cfg, in, e)
		if err != nil {
			return cfg, err
		}
		cfg.Handler, cfg.Hostname, cfg.Zone, cfg.Log = e.handler, e.hostname, e.zone, e.log
		if spec.TLS != nil {
			cfg.TLS, err = spec.TLS.config(e.log.With("input", in.Name))
		}
		return cfg, err
	}
	in.Open = func(e env) (runner, error) {
		cfg, err := whole(e)
		if err != nil {
			return nil, err
		}
		return listen.Listen(cfg)
	}
	in.Change = func(e env, r runner) (func(), error) {
		l, ok := r.(*listen.Listener)
		if !ok {
			return nil, nil
		}
		cfg, err := whole(e)
		if err == nil {
			err = l.CheckChange(cfg)
		}
		return func() { l.Change(cfg) }, err
	}
}

// inputTLS checks that a tls:// URL has its certificate, and no other URL one.
func (l *loader) inputTLS(f *fragment, cfg *listen.Config, at, n *yaml.Node, spec syslogSpec) bool {
	if cfg.Inherit && spec.TLS != nil {
		cfg.Transport = syslog.TLS // whatever the socket is called
	}
	switch secure := cfg.Transport == syslog.TLS; {
	case secure && spec.TLS == nil:
		l.Errorf(at, "tls needs a certificate: {syslog: \"%s\", tls: {cert: c.pem, key: k.pem}}", spec.URL)
		return false
	case !secure && spec.TLS != nil:
		l.Errorf(n, "tls: belongs to a tls:// URL, and this is %s", spec.URL)
		return false
	case secure:
		l.serverTLS(f.dir, n, spec.TLS)
		cfg.TLS = new(tls.Config) // stands for what Open makes
	}
	return true
}

// nobody stands for the handler until there is one.
type nobody struct{}

func (nobody) Handle(*syslog.Batch) {}

// What a URL without port means.
const (
	syslogPort = "514"
	tlsPort    = "6514" // RFC 5425
)

// socket reads a URL such as udp://:514 or unixgram:///dev/log into cfg.
func (l *loader) socket(f *fragment, cfg *listen.Config, at *yaml.Node, url string) bool {
	if strings.HasPrefix(url, "tls://") {
		return l.socketPort(f, cfg, at, url, tlsPort)
	}
	return l.socketPort(f, cfg, at, url, syslogPort)
}

// socketPort does so where a URL without port means port.
func (l *loader) socketPort(f *fragment, cfg *listen.Config, at *yaml.Node, url, port string) bool {
	scheme, rest, ok := strings.Cut(url, "://")
	switch {
	case !ok:
		l.Errorf(at, "%q is no URL: want one such as udp://:514 or unixgram:///dev/log", url)
		return false
	case scheme == "fd":
		return l.inherited(cfg, at, rest)
	case strings.Contains(rest, "@"):
		l.Errorf(at, "%s: a socket has no user or password", strict.MaskURL(url))
		return false
	case strings.Contains(rest, "?"):
		l.Errorf(at, "options do not go into the URL: write {syslog: %s, ..}", url[:strings.Index(url, "?")])
		return false
	}
	transport := slices.Index(syslog.Transports, scheme)
	cfg.Transport, cfg.Address = syslog.Transport(max(transport, 0)), rest
	switch {
	case scheme == "unix" || scheme == "unixgram":
		cfg.Address = l.path(at, f.dir, rest)
		return true
	case scheme == "udp" || scheme == "tcp" || scheme == "tls":
		rest = strings.TrimSuffix(rest, "/")
		if host, given, err := net.SplitHostPort(rest); err == nil {
			cfg.Address = net.JoinHostPort(host, given)
		} else {
			cfg.Address = net.JoinHostPort(strings.Trim(rest, "[]"), port)
		}
		return true
	}
	l.Unknown(at, "scheme", scheme, []string{"unixgram", "unix", "udp", "tcp", "tls", "fd"})
	return false
}
