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
	return p.text
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
