package strict

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// Pair is one key of a mapping with its value; At is where the key stands.
type Pair struct {
	Key   string
	At    *yaml.Node
	Value *yaml.Node
}

// Fold makes `-` and `_` one: keys and fixed words are compared folded.
func Fold(word string) string { return strings.ReplaceAll(word, "-", "_") }

// Extension tells a key that belongs to nobody, `x-..`: a place for anchors and for remarks.
func Extension(key string) bool { return strings.HasPrefix(Fold(key), "x_") }

// Resolve is the node that n stands for: the anchor's, if n is an alias.
func Resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return Resolve(n.Content[0])
	}
	return n
}

// Pairs is what the mapping n holds, its own keys first, then those that `<<` adds, in the order of
// the file. If n is no mapping that is an error, and the answer false; an empty value is an empty
// mapping. Keys `x-..` are included.
func (d *Decoder) Pairs(n *yaml.Node) ([]Pair, bool) {
	n = Resolve(n)
	if n.Kind != yaml.MappingNode && !isNull(n) {
		d.mismatch(n, "a mapping")
		return nil, false
	}
	return pairs(n, Fold), true
}

// Lookup is the value of key in n, nil if n is no mapping or lacks it. It reports nothing, so it suits
// a look ahead: at a name for In, or at which of several kinds a mapping is.
func Lookup(n *yaml.Node, key string) *yaml.Node {
	if n = Resolve(n); n.Kind != yaml.MappingNode {
		return nil
	}
	key = Fold(key)
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := Resolve(n.Content[i])
		if isMerge(n.Content[i]) {
			merges = true
		} else if k.Kind == yaml.ScalarNode && Fold(k.Value) == key {
			return Resolve(n.Content[i+1])
		}
	}
	if !merges {
		return nil
	}
	for _, p := range pairs(n, Fold) {
		if Fold(p.Key) == key {
			return p.Value
		}
	}
	return nil
}

// pairs leaves out a merged key that n has itself or that an earlier merge brought; same says which
// keys are one.
func pairs(n *yaml.Node, same func(string) string) []Pair {
	out := make([]Pair, 0, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], Resolve(n.Content[i+1])
		switch text := Resolve(key); {
		case isMerge(key):
			if value.Kind == yaml.SequenceNode {
				merges = append(merges, value.Content...)
			} else {
				merges = append(merges, value)
			}
		case text.Kind == yaml.ScalarNode:
			out = append(out, Pair{text.Value, key, value})
		}
	}
	if len(merges) == 0 {
		return out
	}
	have := map[string]bool{}
	for _, p := range out {
		have[same(p.Key)] = true
	}
	for _, m := range merges {
		if m = Resolve(m); m.Kind != yaml.MappingNode {
			continue // the document says so
		}
		for _, p := range pairs(m, same) {
			if key := same(p.Key); !have[key] {
				have[key] = true
				out = append(out, p)
			}
		}
	}
	return out
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// kind names what n is.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "text"
}
