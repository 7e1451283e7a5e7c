package main

import (
	"cmp"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
	"sluice/writer"
)

// A fileSpec is a file target as YAML has it.
type fileSpec struct {
	File               string         `yaml:"file"`
	Format             string         `yaml:"format"`
	Escape             *syslog.Escape `yaml:"escape"`
	writer.FileOptions `yaml:",inline"`
}

func decodeFileTarget(l *loader, f *fragment, t *Target, n *yaml.Node) {
	spec, at, ok := f.Defaults.File, n, true
	if n.Kind == yaml.ScalarNode {
		spec.File, ok = l.Text(n)
	} else {
		ok = l.Decode(n, &spec)
		at = strict.Lookup(n, "file")
	}
	if spec.File == "" {
		l.Errorf(at, "file: want a path")
		return
	}
	spec.File = l.path(at, f.dir, spec.File)
	t.Format = l.compile(n, spec.Format, spec.Escape)
	if spec.MaxOpen < 1 || spec.MaxPaths < 1 || spec.IdleClose <= 0 {
		l.Errorf(at, "file: max_open, max_paths and idle_close must be more than 0")
	}
	compilePath := func() (*writer.Path, error) {
		path, err := writer.CompilePath(spec.File, l.cfg.Timezone)
		if path != nil {
			path.Limit(spec.MaxPaths)
		}
		return path, err
	}
	path, err := compilePath()
	if err != nil {
		l.wrong(at, "file", err)
	}
	if err == nil {
		l.checkRotate(n, at, &spec)
	}
	if !ok || err != nil {
		return
	}
	t.Where, t.Shown, t.spec = spec.File, spec.File, spec
	fixed := spec.File
	if path != nil {
		fixed, t.Path = "", compilePath
	}
	t.queue, t.retry, t.lead = spec.Queue, writer.DefaultRetry(), t.Path
	made := spec
	made.Format, made.Escape, made.Queue = "", nil, writer.QueueOptions{}
	t.made = made
	t.sink = func(e env) (writer.Sink, error) {
		options := spec.FileOptions
		options.Owner, options.Group = cmp.Or(options.Owner, e.runAs.owner()), cmp.Or(options.Group, e.runAs.group())
		sink, err := writer.NewFileSink(fixed, options)
		if err != nil {
			return nil, err
		}
		if err := sink.UseRotation(spec.File, e.zone, e.log.With("target", t.Name)); err != nil {
			sink.Close()
			return nil, err
		}
		return sink, nil
	}
}
