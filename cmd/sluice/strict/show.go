package strict

import (
	"bytes"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// Show is n as YAML again, for people to read: aliases and merges carried out, comments gone,
// variables as they are written, and secrets masked: passwords in URLs, and the values of keys named
// password, secret, token and the like. n is the Root of a Document, or made of parts of some.
func Show(n *yaml.Node) string {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(shown(n, false)); err != nil {
		return "# " + err.Error() + "\n"
	}
	return out.String()
}

// shown copies n; with secret every scalar in it is one.
func shown(n *yaml.Node, secret bool) *yaml.Node {
	n = Resolve(n)
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	switch n.Kind {
	case yaml.MappingNode:
		for _, p := range pairs(n, func(key string) string { return key }) {
			key := Resolve(p.At)
			out.Content = append(out.Content,
				&yaml.Node{Kind: yaml.ScalarNode, Style: key.Style, Tag: key.Tag, Value: key.Value},
				shown(p.Value, secret || secretKey(p.Key)))
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			out.Content = append(out.Content, shown(item, secret))
		}
	case yaml.ScalarNode:
		out.Value = MaskURL(n.Value)
		if secret && !isNull(n) {
			out.Value = maskText(n.Value)
		}
		if out.Value != n.Value {
			out.Tag, out.Style = "!!str", 0
		}
	}
	return out
}

var reference = regexp.MustCompile(`\$\{[^{}]*\}`)

// maskText keeps a text that is nothing but variables without defaults, and masks any other.
func maskText(s string) string {
	rest := reference.ReplaceAllStringFunc(s, func(ref string) string { return maskWord(ref) })
	if slices.Contains([]string{"", mask}, reference.ReplaceAllString(rest, "")) {
		return rest
	}
	return mask
}
