package main

import (
	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// merge is the main file's mapping with what it includes in the places where it takes effect: what `check --show` prints.
func merge(root *yaml.Node, fragments []*fragment) *yaml.Node {
	merged := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	own := map[string]bool{"include": true}
	for _, key := range []string{"formats", "inputs", "targets", "rules", "tests"} {
		own[key] = true
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key := root.Content[i].Value; !own[strict.Fold(key)] && !strict.Extension(key) {
			merged.Content = append(merged.Content, root.Content[i], root.Content[i+1])
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
			if n := part.of(f); n != nil && len(n.Content) > 0 {
				if all == nil {
					all = &yaml.Node{Kind: n.Kind, Tag: n.Tag}
				}
				all.Content = append(all.Content, n.Content...)
			}
		}
		if all != nil {
			merged.Content = append(merged.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part.key}, all)
		}
	}
	return merged
}
