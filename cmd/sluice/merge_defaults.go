package main

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// ruleWithDefaults is the rule n with the defaults at the targets that it has in place.
func (l *loader) ruleWithDefaults(f *fragment, n, defaults *yaml.Node) *yaml.Node {
	return each(strict.Resolve(n), func(value *yaml.Node) *yaml.Node {
		if value != strict.Lookup(n, "to") {
			return value
		}
		fill := func(t *yaml.Node) *yaml.Node {
			if t = strict.Resolve(t); t.Kind == yaml.ScalarNode && (!strings.Contains(t.Value, "/") || l.placed(t.Value)) {
				return t // a name
			}
			return l.withDefaults(f, t, defaults)
		}
		if value.Kind == yaml.SequenceNode {
			return each(value, fill)
		}
		return fill(value)
	})
}

// placed reports whether a target of that name is in some `targets:`.
func (l *loader) placed(name string) bool {
	for t := range l.places {
		if t.Name == name {
			return true
		}
	}
	return false
}

// withDefaults is the target n with what it leaves to the defaults of f.
func (l *loader) withDefaults(f *fragment, n, defaults *yaml.Node) *yaml.Node {
	n = strict.Resolve(n)
	where := ""
	if n.Kind == yaml.ScalarNode {
		where, _ = l.Text(n)
	}
	kind := targetKindOf(n, where)
	options := strict.Lookup(defaults, kind.key)
	if options == nil {
		return n
	}
	if n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle, Content: []*yaml.Node{scalar(kind.key), n}}
	}
	if queue := strict.Lookup(options, "queue"); queue != nil && l.datagrams(n) {
		options = without(options, "queue")
		queue = without(queue, "spool")
		if f.Defaults.Forward.Queue.Memory > datagramMemory {
			queue = without(queue, "memory")
		}
		if len(queue.Content) > 0 {
			options.Content = append(options.Content, scalar("queue"), queue)
		}
	}
	return overlay(n, options)
}

// datagrams reports whether the target n is a collector that is sent datagrams, which lets the usual queue be smaller.
func (l *loader) datagrams(n *yaml.Node) bool {
	at := strict.Lookup(n, "forward")
	if at == nil {
		return false
	}
	url, _ := l.Text(l.listed(at)[0])
	return strings.HasPrefix(url, "udp:") || strings.HasPrefix(url, "unixgram:")
}

// overlay is the mapping n with those keys of below that it lacks, mappings in it likewise.
func overlay(n, below *yaml.Node) *yaml.Node {
	n, below = strict.Resolve(n), strict.Resolve(below)
	if n.Kind != yaml.MappingNode || below.Kind != yaml.MappingNode {
		return n
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if lower := strict.Lookup(below, key.Value); lower != nil {
			value = overlay(value, lower)
		}
		out.Content = append(out.Content, key, value)
	}
	for i := 0; i+1 < len(below.Content); i += 2 {
		if key := below.Content[i]; strict.Lookup(n, key.Value) == nil {
			out.Content = append(out.Content, key, below.Content[i+1])
		}
	}
	return out
}

// each is n with f of each of its entries, or of its values, in their places.
func each(n *yaml.Node, f func(*yaml.Node) *yaml.Node) *yaml.Node {
	out := *n
	out.Content = slices.Clone(n.Content)
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := step - 1; i < len(out.Content); i += step {
		out.Content[i] = f(strict.Resolve(out.Content[i]))
	}
	return &out
}

// without is the mapping n without a key.
func without(n *yaml.Node, key string) *yaml.Node {
	n = strict.Resolve(n)
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strict.Fold(n.Content[i].Value) != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return out
}
