package main

import (
	"gopkg.in/yaml.v3"

	"sluice/writer"
)

// An inputKind is one way in. The key stands in an input's mapping and holds its URL; a plain string is of the kind that
// has its scheme.
type inputKind struct {
	key     string
	schemes []string
	spec    any // what the mapping fills, for the schema
	decode  func(l *loader, f *fragment, in *Input, n *yaml.Node)
}

// A targetKind is one way out. The key stands in a target's mapping and holds the path or URL; a plain string is a file
// if it is a path, else of the kind that has its scheme.
type targetKind struct {
	key     string
	schemes []string
	spec    any // what the mapping fills, for the schema
	decode  func(l *loader, f *fragment, t *Target, n *yaml.Node)
}

// Every kind there is. A new one is a file with its struct and decode function, and a line here.
var (
	inputKinds  []inputKind
	targetKinds []targetKind
)

func init() { // not in the declaration: the functions reach the tables
	inputKinds = []inputKind{
		{"syslog", []string{"unixgram", "unix", "udp", "tcp", "tls", "fd"}, syslogSpec{}, decodeSyslogInput},
		{"redis", []string{"redis", "rediss"}, redisSpec{}, decodeRedisInput},
		{"zmq", nil, zmqSpec{}, decodeZMQInput},
		{"python", nil, pythonSpec{}, decodePythonInput},
		{"kernel", nil, kernelSpec{}, decodeKernelInput},
		{"internal", []string{"internal"}, internalSpec{}, decodeInternalInput},
	}
	targetKinds = []targetKind{
		{"file", nil, fileSpec{}, decodeFileTarget},
		{"console", nil, consoleSpec{}, decodeConsoleTarget},
		{"forward", []string{"udp", "tcp", "tls", "unix", "unixgram"}, forwardSpec{}, decodeForwardTarget},
	}
}

// defaults are the options, by kind, of targets that do not set them.
type defaults struct {
	File    fileSpec    `yaml:"file"`
	Console consoleSpec `yaml:"console"`
	Forward forwardSpec `yaml:"forward"`
}

func newDefaults() defaults {
	return defaults{
		File:    fileSpec{Format: "standard", FileOptions: writer.DefaultFileOptions()},
		Forward: forwardSpec{Format: "rfc3164", RemoteOptions: writer.DefaultRemoteOptions()},
		Console: consoleSpec{Format: "standard", Queue: writer.QueueOptions{Memory: 1 << 20, WhenFull: writer.DropNewest}},
	}
}
