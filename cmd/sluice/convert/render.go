package convert

import (
	"reflect"
	"slices"
	"strings"

	"sluice/cmd/sluice/strict"
)

// A page is lines, each with whom it is about.
type page struct {
	lines  []string
	owners []dropper
}

// A dropper can be left out in the end.
type dropper interface{ drop(why string) }

func (p *page) write(owner dropper, lines ...string) {
	for _, l := range lines {
		p.lines, p.owners = append(p.lines, l), append(p.owners, owner)
	}
}

// gap is an empty line between two parts.
func (p *page) gap() {
	if n := len(p.lines); n > 0 && p.lines[n-1] != "" {
		p.write(nil, "")
	}
}

// render writes the document.
func (d *document) render() []byte {
	d.page, d.left = page{}, nil
	d.write(nil, "# What sluice convert made of "+comment(d.name)+". Ask about it with: sluice check -c FILE", "")
	d.renderSettings()
	d.renderDefaults()
	d.renderFormats()
	d.renderInputs()
	d.renderTargets()
	d.renderRules()
	for len(d.lines) > 0 && d.lines[len(d.lines)-1] == "" {
		d.lines, d.owners = d.lines[:len(d.lines)-1], d.owners[:len(d.owners)-1]
	}
	return []byte(strings.Join(d.lines, "\n") + "\n")
}

// drop leaves out what the mistakes are about, and reports whether there was anything. One that is about nothing in
// particular is about everything.
func (d *document) drop(mistakes []Mistake) bool {
	any := false
	var first dropper
	for _, m := range mistakes {
		if m.Line < 1 || m.Line > len(d.owners) || d.owners[m.Line-1] == nil {
			continue
		}
		o := d.owners[m.Line-1]
		if first == nil {
			first = o
		}
		if reflect.TypeOf(o) == reflect.TypeOf(first) { // what is wrong with others may be gone with these
			o.drop(m.Text)
			any = true
		}
	}
	if any {
		return true
	}
	for _, o := range d.owners {
		if o != nil {
			o.drop(mistakes[0].Text)
			any = true
		}
	}
	return any
}

// leave writes a comment about what is left out.
func (d *document) leave(l *LeftOut, indent string) {
	d.left = append(d.left, *l)
	d.write(nil, indent+"# left out, "+l.Place+": "+l.What+": "+l.Why)
}

func (d *document) from(origins []origin, indent string) {
	for i, o := range origins {
		if i > 0 && o.place == origins[i-1].place {
			continue
		}
		d.write(nil, indent+"# "+o.place.String()+": "+o.text)
	}
}

func (d *document) renderSettings() {
	for _, e := range d.settings {
		if e.left != nil {
			d.leave(e.left, "")
			continue
		}
		d.from(e.origins, "")
		d.write(e, field(e.key, e.value, "")...)
	}
	d.gap()
}

func (d *document) renderDefaults() {
	begun := ""
	for _, e := range d.defaults {
		if e.left != nil {
			d.leave(e.left, "")
			continue
		}
		kind, key, _ := strings.Cut(e.key, ".")
		if begun == "" {
			d.write(nil, "defaults:")
		}
		if begun != kind {
			d.write(nil, "  "+kind+":")
			begun = kind
		}
		d.write(e, field(key, e.value, "    ")...)
	}
	d.gap()
}

func (d *document) renderFormats() {
	begun := false
	for _, e := range d.formats {
		if e.left != nil {
			d.leave(e.left, "")
			continue
		}
		if !begun {
			d.write(nil, "formats:")
			begun = true
		}
		d.write(e, field(e.key, e.value, "  ")...)
	}
	d.gap()
}

func (d *document) renderInputs() {
	indent := ""
	if slices.ContainsFunc(d.inputs, func(in *input) bool { return in.left == nil }) {
		d.write(nil, "inputs:")
		indent = "  "
	}
	for _, in := range d.inputs {
		if in.left != nil {
			d.leave(in.left, indent)
			continue
		}
		d.from([]origin{in.origin}, "  ")
		if in.key == "" && in.name == "" && len(in.options) == 0 {
			d.write(in, "  - "+strict.Quote(in.url))
			continue
		}
		key := "syslog"
		if in.key != "" {
			key = in.key
		}
		what := mapping(pair{key, text(in.url)})
		if in.name != "" {
			what.pairs = append(what.pairs, pair{"name", text(in.name)})
		}
		what.pairs = append(what.pairs, in.options...)
		if len(what.pairs) == 1 {
			d.write(in, "  - "+field(key, what.pairs[0].value, "")[0])
			continue
		}
		d.write(in, value{list: []value{what}}.block("  ")...)
	}
	d.gap()
}

func (d *document) renderTargets() {
	indent := ""
	if slices.ContainsFunc(d.targets, func(t *target) bool { return t.left == nil && t.name != "" }) {
		d.write(nil, "targets:")
		indent = "  "
	}
	for _, t := range d.targets {
		if t.left != nil {
			d.leave(t.left, indent)
		}
		if t.name == "" || t.left != nil {
			continue
		}
		what := mapping(pair{"file", texts(t.where)})
		if t.forward {
			what = mapping(pair{"forward", texts(t.where)})
		}
		if t.format != "" {
			what.pairs = append(what.pairs, pair{"format", text(t.format)})
		}
		what.pairs = append(what.pairs, t.options...)
		d.write(t, field(t.name, what, "  ")...)
	}
	d.gap()
}

// targetsOf are those targets of a rule that were not left out.
func targetsOf(r *rule) []*target {
	return slices.DeleteFunc(slices.Clone(r.to), func(t *target) bool { return t.left != nil })
}

func (d *document) renderRules() {
	works := func(r *rule) bool { return r.left == nil && (r.stop || len(targetsOf(r)) > 0) }
	indent := ""
	if slices.ContainsFunc(d.rules, works) {
		d.write(nil, "rules:")
		indent = "  "
	}
	for _, r := range d.rules {
		to := targetsOf(r)
		switch {
		case r.left != nil:
			d.leave(r.left, indent)
			continue
		case !works(r) && len(r.notes) == 0:
			continue // its targets have said why
		}
		d.from(r.origins, indent)
		for _, n := range r.notes {
			d.write(nil, indent+"#   "+n)
		}
		if !works(r) {
			continue
		}
		var what value
		if r.passes != always(true) {
			what.pairs = append(what.pairs, pair{"match", r.passes.value()})
		}
		if len(to) > 0 {
			var names []string
			for _, t := range to {
				if t.name != "" {
					names = append(names, t.name)
				} else {
					names = append(names, t.where[0])
				}
			}
			what.pairs = append(what.pairs, pair{"to", texts(names)})
		}
		if r.stop {
			what.pairs = append(what.pairs, pair{"stop", bare("true")})
		}
		lines := what.block("    ")
		lines[0] = "  - " + strings.TrimPrefix(lines[0], "    ")
		d.write(r, lines...)
	}
}
