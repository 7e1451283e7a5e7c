package strict

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// survey goes once through a tree that yaml.v3 accepted. It finds what is wrong whatever the values
// are for: keys given twice, aliases that never end, and text that YAML took for something else.
// It answers false where the tree cannot be walked safely.
func (doc *Document) survey(root *yaml.Node) bool {
	s := &surveyor{doc: doc, size: map[*yaml.Node]int{}, safe: true}
	s.visit(root, 1)
	return s.safe
}

type surveyor struct {
	doc  *Document
	size map[*yaml.Node]int // values a finished node stands for, aliases counted as often as they occur
	deep map[*yaml.Node]int
	sum  int
	safe bool
}

// visit answers how many values n stands for, and how many levels.
func (s *surveyor) visit(n *yaml.Node, depth int) (size, height int) {
	if depth > maxDepth {
		s.unsafe(n, "nested deeper than %d levels", maxDepth)
	} else if len(s.doc.errs) > maxErrors {
		s.unsafe(n, "and so on")
	}
	if !s.safe {
		return 1, 1
	}
	switch n.Kind {
	case yaml.AliasNode:
		return s.alias(n, depth)
	case yaml.MappingNode:
		s.mapping(n)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			s.item(n, item)
		}
	}
	s.node(n)
	size = 1
	for _, c := range n.Content {
		below, levels := s.visit(c, depth+1)
		size, height = size+below, max(height, levels)
	}
	height++
	if n.Anchor != "" {
		if s.deep == nil {
			s.deep = map[*yaml.Node]int{}
		}
		s.size[n], s.deep[n] = size, height
	}
	return size, height
}

// alias needs no second visit: an anchor comes before its aliases, so it is finished, or it is a
// parent of this very node.
func (s *surveyor) alias(n *yaml.Node, depth int) (size, height int) {
	size, height = s.size[n.Alias], s.deep[n.Alias]
	if s.sum += size; s.sum > maxExpanded {
		s.unsafe(n, "the aliases down to *%s stand for more than %d values", n.Value, maxExpanded)
		s.sum = 0
	}
	switch {
	case size == 0:
		s.unsafe(n, "*%s would contain itself", n.Value)
		return 1, 1
	case depth+height > maxDepth:
		s.unsafe(n, "nested deeper than %d levels", maxDepth)
	}
	return size, height
}

func (s *surveyor) unsafe(n *yaml.Node, format string, args ...any) {
	if s.safe {
		s.doc.errorf(n.Line, n.Column, format, args...)
	}
	s.safe = false
}

func (s *surveyor) mapping(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text := Resolve(key)
		switch {
		case s.braces(n, text):
			return // {{message}}: a mapping as a key
		case text.Kind != yaml.ScalarNode:
			s.doc.errorf(key.Line, key.Column, "a key must be plain text, this is %s", kind(text))
			continue
		case isMerge(key):
			s.merge(value)
		case text.Value == "" && text.Style == 0:
			s.doc.errorf(key.Line, key.Column, "a key is missing before the colon")
		// host:514 looks the same in a list, but here it is what {a:b} leaves for a key
		case n.Style&yaml.FlowStyle != 0 && isNull(value) && text.Style == 0 && unspaced.MatchString(text.Value):
			s.doc.mistaken(key, text.Value+" needs a space after the colon")
		default:
			s.plain(key, true)
			if value.Line > key.Line {
				s.wideKey(value)
			}
		}
		if before := first[text.Value]; before != nil {
			s.doc.errorf(key.Line, key.Column, "duplicate key %q (first at %d:%d)", text.Value, before.Line, before.Column)
		} else {
			first[text.Value] = key
		}
	}
}

// braces finds {{x}}, and [?x] with its hidden mapping: legal YAML that nobody means.
func (s *surveyor) braces(n, key *yaml.Node) bool {
	if n.Style&yaml.FlowStyle == 0 {
		return false
	}
	at := s.doc.at(n.Line, n.Column)
	if key.Kind == yaml.ScalarNode && at != '?' || at != '?' && at != '{' {
		return false
	}
	s.doc.mistaken(n, needsQuotes(s.doc.braced(n)))
	return true
}

func (s *surveyor) merge(n *yaml.Node) {
	items := []*yaml.Node{n}
	if list := Resolve(n); list.Kind == yaml.SequenceNode {
		items = list.Content
	}
	for _, item := range items {
		if m := Resolve(item); m.Kind != yaml.MappingNode {
			s.doc.errorf(item.Line, item.Column, "<< wants a mapping or a list of them, have %s", kind(m))
		}
	}
}

// item looks at one of a list. In `- name：x` the wide colon was meant to make a key.
func (s *surveyor) item(list, n *yaml.Node) {
	if list.Style&yaml.FlowStyle == 0 {
		s.wideKey(n)
	}
}

func (s *surveyor) wideKey(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 {
		if key := wideKey.FindString(n.Value); key != "" {
			s.doc.wrong[n] = true
			s.doc.errorf(n.Line, n.Column+len([]rune(key))-1, wideColon)
		}
	}
}

// node looks at n itself: its tag, its anchor and, if it is plain, its text.
func (s *surveyor) node(n *yaml.Node) {
	switch {
	case n.Style&yaml.TaggedStyle != 0 && !knownTag[n.ShortTag()],
		n.Anchor != "" && isNull(n) && n.Value == "":
		s.doc.mistaken(n, needsQuotes(s.doc.rest(n.Line, n.Column)))
	default:
		s.plain(n, false)
	}
}

var knownTag = map[string]bool{
	"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!map": true, "!!seq": true, "!!merge": true,
}

func (s *surveyor) plain(n *yaml.Node, key bool) {
	if n.Kind != yaml.ScalarNode || n.Style != 0 || isASCII(n.Value) && !(key && strings.Contains(n.Value, ":")) {
		return // nothing in it is suspect
	}
	for _, m := range suspects([]rune(n.Value), key) {
		s.doc.wrong[n] = true
		line, col := s.doc.find(n, m.r)
		s.doc.errorf(line, col, "%s", m.msg)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// find is the place of the first r from n on.
func (doc *Document) find(n *yaml.Node, r rune) (line, col int) {
	col = n.Column
	for line := n.Line; line <= len(doc.lines); line++ {
		for ; col <= len(doc.lines[line-1]); col++ {
			if doc.lines[line-1][col-1] == r {
				return line, col
			}
		}
		col = 1
	}
	return n.Line, n.Column
}

// at is the character at a place, 0 if there is none.
func (doc *Document) at(line, col int) rune {
	if line < 1 || line > len(doc.lines) || col < 1 || col > len(doc.lines[line-1]) {
		return 0
	}
	return doc.lines[line-1][col-1]
}

// rest is what is written from a place to the end of its value on that line.
func (doc *Document) rest(line, col int) string {
	if doc.at(line, col) == 0 {
		return ""
	}
	l := doc.lines[line-1]
	return strings.TrimRight(string(l[col-1:plainEnd(l, col-1)]), " \t,]}")
}

// mistaken reports that n is not what its author meant: what a decoder thinks of it is no news.
func (doc *Document) mistaken(n *yaml.Node, msg string) {
	doc.wrong[n] = true
	doc.errorf(n.Line, n.Column, "%s", msg)
}

// braced is the text of a flow value as it is written, as far as it goes on its line.
func (doc *Document) braced(n *yaml.Node) string {
	if doc.at(n.Line, n.Column) == 0 {
		return ""
	}
	l := doc.lines[n.Line-1]
	return strings.TrimSpace(string(l[n.Column-1 : itemEnd(l, n.Column-1)]))
}
