package main

import (
	"os"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
	"sluice/writer"
)

// A consoleSpec is a console target as YAML has it.
type consoleSpec struct {
	Console string              `yaml:"console"`
	Format  string              `yaml:"format"`
	Escape  *syslog.Escape      `yaml:"escape"`
	Queue   writer.QueueOptions `yaml:"queue"`
}

func decodeConsoleTarget(l *loader, f *fragment, t *Target, n *yaml.Node) {
	spec := f.Defaults.Console
	if !l.Decode(n, &spec) {
		return
	}
	streams := map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}
	out := streams[spec.Console]
	if out == nil {
		l.Unknown(strict.Lookup(n, "console"), "console", spec.Console, []string{"stdout", "stderr"})
		return
	}
	t.Format = l.compile(n, spec.Format, spec.Escape)
	t.Where, t.Shown, t.spec, t.made = spec.Console, spec.Console, spec, spec.Console
	t.queue, t.retry = spec.Queue, writer.DefaultRetry()
	t.sink = func(env) (writer.Sink, error) { return writer.NewConsole(out), nil }
}
