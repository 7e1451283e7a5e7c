package writer

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"sluice/syslog"
)

// maxComponent is the longest name a file or folder may have on Linux, in bytes.
const maxComponent = 255

// A Path makes file names of messages. A field's value never leaves its place in it: what could is replaced (see
// syslog.EscapePath), and a component that gets too long is cut and ends in a hash of the whole.
type Path struct {
	template *syslog.Template
	text     []byte
	recall   *syslog.Recall[*leaf] // nil: every message's is made

	leaves map[string]*leaf // those that it has made
	last   *leaf            // the one that it made last
	limit  int              // how many it makes at most; 0: any number
	other  *leaf            // what it makes instead of one too many
}

// A leaf is one of the paths that a Path makes.
type leaf struct {
	path  string
	named uint64 // the block that has its name, as block.first + 1
	name  uint32 // its name there
}

// maxLeaves bounds what is known of paths whose number has no limit.
const maxLeaves = 10000

// otherName stands for every field's value in the path that takes what would be one file too many.
const otherName = "_other"

// Limit bounds how many different paths are made, so that a sender who invents hosts cannot fill a disk with files. What
// would be one more goes to the path with _other in the place of its fields.
func (p *Path) Limit(paths int) {
	p.limit, p.other = paths, &leaf{path: p.template.Fill(otherName)}
}

// CompilePath compiles a path with {field}s. It returns nil for a path that has none.
func CompilePath(text string, zone *time.Location) (*Path, error) {
	t, err := syslog.CompileTemplate(text, syslog.EscapePath, zone)
	if err != nil || len(t.Fields()) == 0 {
		return nil, err
	}
	return &Path{template: t, leaves: map[string]*leaf{}, recall: syslog.NewRecall[*leaf](false, t.Fields()...)}, nil
}

// of returns the leaf that m goes to.
func (p *Path) of(m *syslog.Message) *leaf {
	if p.recall == nil {
		return p.find(m)
	}
	if before, ok := p.recall.Find(m); ok {
		return *before
	}
	to := p.find(m)
	p.recall.Keep(to)
	return to
}

// find makes m's path, and returns what is known of it.
func (p *Path) find(m *syslog.Message) *leaf {
	p.text = p.template.Append(p.text[:0], m)
	if len(p.text) > maxComponent {
		p.text = cutComponents(p.text)
	}
	if p.last != nil && p.last.path == string(p.text) {
		return p.last
	}
	to := p.leaves[string(p.text)]
	if to == nil {
		switch {
		case p.limit > 0 && len(p.leaves) >= p.limit:
			return p.other
		case len(p.leaves) >= maxLeaves:
			clear(p.leaves) // a path may have two leaves: that costs a name, no more
		}
		to = &leaf{path: string(p.text)}
		p.leaves[to.path] = to
	}
	p.last = to
	return to
}

// cutComponents shortens every component that is too long. Components that differ anywhere still differ.
func cutComponents(path []byte) []byte {
	var out []byte
	for from := 0; from <= len(path); {
		to := from
		for to < len(path) && path[to] != '/' {
			to++
		}
		component := path[from:to]
		if len(component) > maxComponent {
			sum := sha256.Sum256(component)
			const hash = 16
			component = append(component[:maxComponent-hash-1:maxComponent-hash-1], '~')
			component = append(component, hex.EncodeToString(sum[:hash/2])...)
		}
		out = append(out, component...)
		if to < len(path) {
			out = append(out, '/')
		}
		from = to + 1
	}
	return out
}

// Of is the path of m's file.
func (p *Path) Of(m *syslog.Message) string { return p.of(m).path }
