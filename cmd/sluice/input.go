package main

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
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
