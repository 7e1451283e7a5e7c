package writer

import (
	"bytes"
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

	limit int                 // how many different paths it makes at most; 0: any number
	made  map[string]struct{} // those that it has made
	last  []byte              // the one it made last
	other []byte              // what it makes instead of one too many
}

// otherName stands for every field's value in the path that takes what would be one file too many.
const otherName = "_other"

// Limit bounds how many different paths are made, so that a sender who invents hosts cannot fill a disk with files. What
// would be one more goes to the path with _other in the place of its fields.
func (p *Path) Limit(paths int) {
	p.limit, p.made, p.other = paths, map[string]struct{}{}, []byte(p.template.Fill(otherName))
}

// CompilePath compiles a path with {field}s. It returns nil for a path that has none.
func CompilePath(text string, zone *time.Location) (*Path, error) {
	t, err := syslog.CompileTemplate(text, syslog.EscapePath, zone)
	if err != nil || len(t.Fields()) == 0 {
		return nil, err
	}
	return &Path{template: t}, nil
}

// render returns m's path, valid until the next call.
func (p *Path) render(m *syslog.Message) []byte {
	p.text = p.template.Append(p.text[:0], m)
	if len(p.text) > maxComponent {
		p.text = cutComponents(p.text)
	}
	if p.limit > 0 && !bytes.Equal(p.text, p.last) && !p.allowed() {
		return p.other
	}
	return p.text
}

// allowed reports whether the path at hand was made before, or may be made.
func (p *Path) allowed() bool {
	if _, ok := p.made[string(p.text)]; !ok {
		if len(p.made) >= p.limit {
			return false
		}
		p.made[string(p.text)] = struct{}{}
	}
	p.last = append(p.last[:0], p.text...)
	return true
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
func (p *Path) Of(m *syslog.Message) string { return string(p.render(m)) }
