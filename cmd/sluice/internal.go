package main

import (
	"log/slog"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// An internalSpec is sluice's own log as an input.
type internalSpec struct {
	Internal logLevel `yaml:"internal"` // and what is more severe
	Name     string   `yaml:"name"`
}

func decodeInternalInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	spec := internalSpec{Internal: "warn", Name: "internal"}
	if n.Kind != yaml.ScalarNode {
		l.Decode(n, &spec)
	}
	in.Name, in.URL, in.Transport, in.Connects = spec.Name, "internal://", syslog.Internal, true
	in.Parse = syslog.DefaultParseOptions()
	in.Decode = ingest.Syslog
	in.log = spec.Internal.slog()
	in.spec = spec
	in.Open = func(e env) (runner, error) {
		e.internal.Open(ingest.Setting{Name: in.Name, Hostname: e.hostname, Zone: e.zone, Handler: e.handler})
		return e.internal, nil
	}
	in.Change = func(e env, _ runner) (func(), error) {
		return func() {
			e.log.Warn("a reload does not change the input of sluice's own log, a restart does", "input", in.Name)
		}, nil
	}
	for _, other := range l.cfg.Inputs {
		if other.Transport == syslog.Internal {
			l.Errorf(strict.Resolve(n), "internal: is an input already")
		}
	}
}

// slog is the level as the log knows it.
func (l logLevel) slog() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l)) // one of four words
	return level
}

// hear returns a log like d's whose lines are also messages, if that is configured.
func (d *daemon) hear() *slog.Logger {
	in := find(d.now().cfg.Inputs, func(in *Input) bool { return in.Transport == syslog.Internal })
	if in == nil {
		return d.log
	}
	d.internal = ingest.NewInternal(in.log)
	return slog.New(d.internal.Log(d.log.Handler()))
}

// leaveOutAbout takes from r what its target must not get: lines of our own log about itself, which would beget others.
func leaveOutAbout(b *syslog.Batch, r *rules.Routes, targets []*writer.Target) {
	if len(b.Messages) == 0 || b.Messages[0].Origin.Transport != syslog.Internal {
		return
	}
	for i, indexes := range r.To {
		kept := indexes[:0]
		for _, n := range indexes {
			if b.Messages[n].Origin.About != targets[i].Name {
				kept = append(kept, n)
			}
		}
		r.To[i] = kept
	}
}
