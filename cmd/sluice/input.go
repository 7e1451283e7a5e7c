package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
	"sluice/syslog/listen"
)

// An Input is one configured way in.
type Input struct {
	Name      string
	URL       string
	Transport syslog.Transport
	Address   string // host:port, or a path
	Parse     syslog.ParseOptions
	Decode    ingest.Decoding // of an input without syslog's framing
	Cee       bool            // syslog: a text that is a JSON object is read
	Connects  bool            // to where messages are, instead of listening
	Open      func(e env) (runner, error)

	claim claim // to sockets that systemd passes

	// Change makes of a runner that is at work, and has the same socket, one of this input; nil: it has to be opened anew.
	// The error says that it cannot. What it returns does it.
	Change func(e env, r runner) (func(), error)

	spec      any        // what YAML said, to tell whether a reload changes anything
	log       slog.Level // of sluice's own log: the least that is a message
	endpoints []endpoint
}

// An endpoint is where an input listens or connects to, for whoever has to allow it.
type endpoint struct {
	Network, Address string // as of package net
	Bound            bool
	Owned            bool // a socket file is given to somebody
	Buffer           int  // udp: the receive buffer that is asked for
}

// An env is what inputs and targets are opened with.
type env struct {
	handler  syslog.Handler // of inputs
	hostname string
	zone     *time.Location
	stateDir string
	log      *slog.Logger
	internal *ingest.Internal // nil: our own log is no input
	inputs   []*Input         // all of them: they share the sockets that systemd passes
	runAs    *runAs           // whose files are that say nothing else; nil: the process's
}

// A runner is an input at work. Run reads until ctx ends and what was there then is handed over.
type runner interface {
	Run(ctx context.Context) error
	Addr() net.Addr
	Counters() *syslog.Counters
	Close()
}

// inputs reads the inputs of a file.
func (l *loader) inputs(f *fragment) {
	for i, n := range l.entries(f.Inputs, "inputs") {
		in := &Input{}
		done := l.In("input %d", i+1)
		l.input(f, in, n)
		done()
		if in.Name == "" {
			continue
		}
		if slices.ContainsFunc(l.cfg.Inputs, func(o *Input) bool { return o.Name == in.Name }) {
			l.Errorf(n, "two inputs have the name %q", in.Name)
		}
		l.cfg.Inputs = append(l.cfg.Inputs, in)
	}
}

func (l *loader) input(f *fragment, in *Input, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		url, ok := l.Text(n)
		if !ok {
			return
		}
		scheme, _, _ := strings.Cut(url, "://")
		for _, k := range inputKinds {
			if slices.Contains(k.schemes, scheme) {
				k.decode(l, f, in, n)
				return
			}
		}
		l.Errorf(n, "%q is no URL of a socket: unixgram:///dev/log, unix:///run/x.sock, udp://:514, tcp://:514", strict.MaskURL(url))
		return
	}
	for _, k := range inputKinds {
		if strict.Lookup(n, k.key) != nil {
			k.decode(l, f, in, n)
			return
		}
	}
	keys := make([]string, len(inputKinds))
	for i, k := range inputKinds {
		keys[i] = k.key
	}
	l.Errorf(n, "want a URL, or a mapping with one of the keys %s", strings.Join(keys, ", "))
}

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
