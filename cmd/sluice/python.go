package main

import (
	"io/fs"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
	"sluice/syslog/listen"
)

// A pythonSpec is an input for Python's SocketHandler as YAML has it.
type pythonSpec struct {
	URL                  string        `yaml:"python"`
	Name                 string        `yaml:"name"`
	KeepAlive            time.Duration `yaml:"keep_alive"` // tcp
	Mode                 fs.FileMode   `yaml:"mode"`       // unix
	Owner                string        `yaml:"owner"`
	Group                string        `yaml:"group"`
	ingest.PythonOptions `yaml:",inline"`
}

// pythonPort is logging.handlers.DEFAULT_TCP_LOGGING_PORT.
const pythonPort = "9020"

func decodePythonInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	socket := listen.DefaultOptions()
	spec := pythonSpec{PythonOptions: ingest.DefaultPythonOptions(), KeepAlive: socket.KeepAlive, Mode: socket.Mode}
	ok, at := l.Decode(n, &spec), strict.Resolve(strict.Lookup(n, "python"))
	if in.URL, in.Name = spec.URL, spec.Name; in.Name == "" {
		in.Name = spec.URL
	}
	if allow := strict.Lookup(n, "allow"); allow != nil && len(spec.Allow) == 0 {
		l.Errorf(allow, "allow: an empty list lets nobody in; leave it out to let everybody in")
	}
	switch scheme, rest, found := strings.Cut(spec.URL, "://"); {
	case !found:
		l.Errorf(at, "python: %q is no URL: want one such as tcp://127.0.0.1:9020 or unix:///run/sluice/python.sock", spec.URL)
		return
	case scheme != "tcp" && scheme != "unix":
		l.Errorf(at, "python: SocketHandler speaks tcp:// and unix://, not %s://", scheme)
		return
	case strings.Contains(rest, "?"):
		l.Errorf(at, "python: options do not go into the URL: write them as keys beside it")
		return
	}
	cfg := listen.Config{Name: in.Name, Options: socket, Handler: nobody{}}
	if !ok || !l.socketPort(f, &cfg, at, spec.URL, pythonPort) {
		return
	}
	cfg.KeepAlive, cfg.Mode, cfg.Owner, cfg.Group, cfg.Allow = spec.KeepAlive, spec.Mode, spec.Owner, spec.Group, spec.Allow
	if err := cfg.Check(); err != nil {
		l.Errorf(at, "%v", err)
		return
	}
	if err := spec.PythonOptions.Check(); err != nil {
		l.Errorf(at, "%s: %v", spec.URL, err)
		return
	}
	in.Transport, in.Address, in.Parse, in.Decode = syslog.Python, cfg.Address, spec.ParseOptions, ingest.JSON
	in.spec, in.claim = spec, claimOf(cfg)
	in.endpoints = []endpoint{{Network: cfg.Transport.String(), Address: cfg.Address, Bound: true, Owned: cfg.Owner+cfg.Group != ""}}
	in.Open = func(e env) (runner, error) {
		cfg, err := withSockets(cfg, in, e)
		if err != nil {
			return nil, err
		}
		bound, err := listen.Bind(cfg)
		if err != nil {
			return nil, err
		}
		setting := ingest.Setting{Name: in.Name, Hostname: e.hostname, Zone: e.zone, StateDir: e.stateDir, Handler: e.handler, Log: e.log}
		return ingest.NewPython(ingest.PythonConfig{Setting: setting, PythonOptions: spec.PythonOptions, Socket: bound})
	}
}
