package main

import (
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
)

// A kernelSpec is an input for the kernel's log as YAML has it.
type kernelSpec struct {
	Path string `yaml:"kernel"`
	Name string `yaml:"name"`
}

func decodeKernelInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	var spec kernelSpec
	ok, at := l.Decode(n, &spec), strict.Resolve(strict.Lookup(n, "kernel"))
	if in.URL, in.Name = spec.Path, spec.Name; in.Name == "" {
		in.Name = spec.Path
	}
	switch {
	case spec.Path == "" && ok, strings.Contains(spec.Path, "://"):
		l.Errorf(at, "kernel: %q is no path: want /dev/kmsg", spec.Path)
		return
	case spec.Path == "/proc/kmsg":
		l.Errorf(at, "kernel: /proc/kmsg has no numbers to go on from after a restart; want /dev/kmsg")
		return
	}
	path := l.path(at, f.dir, spec.Path)
	if !ok {
		return
	}
	in.Transport, in.Address, in.Parse, in.Connects = syslog.Kernel, path, syslog.DefaultParseOptions(), true
	in.Parse.DefaultFacility = syslog.Kern // of a test's message without PRI
	in.spec = spec
	in.Open = func(e env) (runner, error) {
		setting := ingest.Setting{Name: in.Name, Hostname: e.hostname, Zone: e.zone, StateDir: e.stateDir, Handler: e.handler, Log: e.log}
		return ingest.NewKernel(ingest.KernelConfig{Setting: setting, Path: path})
	}
}
