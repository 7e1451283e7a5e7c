package syslog

import "time"

// A Part is a piece of a template: a text, or a field and how it is shown.
type Part struct {
	Literal  string
	Field    Field          // of the zero name if the part is a text
	Layout   string         // of a moment: strftime's; empty where it is shown as RFC 3339 or a number
	Zone     *time.Location // of the layout
	Modified bool           // a modifier changes the value
}

// Parts are the pieces of the template in their order, for whoever has to recognise what it made.
func (t *Template) Parts() []Part {
	var parts []Part
	for _, o := range t.ops {
		if o.literal != "" {
			parts = append(parts, Part{Literal: o.literal})
		}
		if o.kind == opLiteral {
			continue
		}
		p := Part{Field: o.field, Modified: o.mods != nil}
		if o.stamp != nil {
			p.Layout, p.Zone = o.stamp.layout, o.stamp.zone
		}
		parts = append(parts, p)
	}
	return parts
}
