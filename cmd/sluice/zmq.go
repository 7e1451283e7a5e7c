package main

import (
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
)

// A zmqSpec is a ZeroMQ input as YAML has it.
type zmqSpec struct {
	Endpoints         []string `yaml:"zmq,list"`
	Name              string   `yaml:"name"`
	ingest.ZMQOptions `yaml:",inline"`
}

func decodeZMQInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	spec := zmqSpec{ZMQOptions: ingest.DefaultZMQOptions()}
	ok := l.Decode(n, &spec)
	at := strict.Lookup(n, "zmq")
	if allow := strict.Lookup(n, "allow"); allow != nil && len(spec.Allow) == 0 {
		l.Errorf(allow, "allow: an empty list lets nobody in; leave it out to let everybody in")
	}
	if topics := strict.Lookup(n, "topics"); topics != nil && len(spec.Topics) == 0 {
		l.Errorf(topics, "topics: an empty list subscribes to nothing; leave it out to subscribe to everything")
	}
	cfg := ingest.ZMQConfig{ZMQOptions: spec.ZMQOptions}
	in.URL = strings.Join(spec.Endpoints, " ")
	if in.Name = spec.Name; in.Name == "" {
		in.Name = in.URL
	}
	for i, text := range spec.Endpoints {
		here := at
		if text == "" && !ok { // which Decode has said
			continue
		}
		if at.Kind == yaml.SequenceNode {
			here = strict.Resolve(at.Content[i])
		}
		e, err := ingest.ParseZMQEndpoint(text)
		if err != nil {
			l.wrong(here, "zmq", err)
			ok = false
			continue
		}
		if e.Network == "unix" && e.Address[0] != '@' {
			e.Address = l.path(here, f.dir, e.Address)
		}
		cfg.Endpoints = append(cfg.Endpoints, e)
		in.endpoints = append(in.endpoints, endpoint{Network: e.Network, Address: e.Address, Bound: cfg.Bind, Owned: cfg.Owner+cfg.Group != ""})
	}
	if !ok {
		return
	}
	cfg.Name, cfg.Handler = in.Name, nobody{}
	if err := cfg.Check(); err != nil {
		l.Errorf(at, "%v", err)
		return
	}
	in.Transport, in.Parse, in.Decode, in.Connects = syslog.ZMQ, cfg.ParseOptions, cfg.Decode, !cfg.Bind
	in.Address = cfg.Endpoints[0].Address
	in.spec = spec
	in.Open = func(e env) (runner, error) {
		cfg := cfg
		cfg.Owner, cfg.Group = cmp.Or(cfg.Owner, e.runAs.owner()), cmp.Or(cfg.Group, e.runAs.group())
		cfg.Topics = slices.Clone(cfg.Topics)
		cfg.Handler, cfg.Hostname, cfg.Zone, cfg.StateDir, cfg.Log = e.handler, e.hostname, e.zone, e.stateDir, e.log
		return ingest.NewZMQ(cfg)
	}
}
