package main

import (
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// merge is the main file's mapping with what it includes in the places where it takes effect: what `check --show` prints.
// What an included file says counts there alone, its `defaults:` and where its paths begin, so that both are carried out.
// It changes nodes, and is the last to look at them.
func (l *loader) merge(main *fragment, fragments []*fragment) *yaml.Node {
	merged := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	own := map[string]bool{"include": true}
	for _, key := range []string{"formats", "inputs", "targets", "rules", "tests"} {
		own[key] = true
	}
	for i := 0; i+1 < len(main.root.Content); i += 2 {
		if key := main.root.Content[i].Value; !own[strict.Fold(key)] && !strict.Extension(key) {
			merged.Content = append(merged.Content, main.root.Content[i], main.root.Content[i+1])
		}
	}
	for _, part := range []struct {
		key string
		of  func(*fragment) *yaml.Node
	}{
		{"formats", func(f *fragment) *yaml.Node { return f.Formats }},
		{"inputs", func(f *fragment) *yaml.Node { return f.Inputs }},
		{"targets", func(f *fragment) *yaml.Node { return f.Targets }},
		{"rules", func(f *fragment) *yaml.Node { return f.Rules }},
		{"tests", func(f *fragment) *yaml.Node { return f.Tests }},
	} {
		var all *yaml.Node
		for _, f := range fragments {
			n := part.of(f)
			if n == nil || len(n.Content) == 0 {
				continue
			}
			if defaults := strict.Lookup(f.root, "defaults"); defaults != nil && f != main {
				switch part.key {
				case "targets":
					n = each(n, func(t *yaml.Node) *yaml.Node { return l.withDefaults(f, t, defaults) })
				case "rules":
					n = each(n, func(r *yaml.Node) *yaml.Node { return l.ruleWithDefaults(f, r, defaults) })
				}
			}
			if all == nil {
				all = &yaml.Node{Kind: n.Kind, Tag: n.Tag}
			}
			all.Content = append(all.Content, n.Content...)
		}
		if all != nil {
			merged.Content = append(merged.Content, scalar(part.key), all)
		}
	}
	for n, dir := range l.relative {
		rebase(n, dir, main.dir)
	}
	return merged
}

// rebase has the path in n, which counts from dir, count from base.
func rebase(n *yaml.Node, dir, base string) {
	if n.Kind != yaml.ScalarNode || dir == base {
		return
	}
	if rel, err := filepath.Rel(base, dir); err == nil {
		dir = rel
	}
	scheme, path, isURL := strings.Cut(n.Value, "://")
	if !isURL {
		path = n.Value
	}
	if path = dir + "/" + strings.TrimPrefix(path, "./"); isURL {
		path = scheme + "://" + path
	}
	n.Value = path
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
