package strict

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// At is a remark about n, with its place and the context at hand, that is not among Errors: a warning.
func (d *Decoder) At(n *yaml.Node, format string, args ...any) Error {
	e := Error{Context: strings.Join(d.context, ": "), Msg: d.mask(n, fmt.Sprintf(format, args...))}
	if n != nil {
		e.Line, e.Col = n.Line, n.Column
		if doc := d.homeOf(n); doc != nil {
			e.File = doc.Name
		}
	}
	return e
}
