package convert

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"sluice/syslog"
)

// An entry is a key of the whole file, or what is left out in its place.
type entry struct {
	origins []origin
	key     string
	value   value
	left    *LeftOut
}

type entries []*entry

func (l *entries) leave(o origin, why string) { *l = append(*l, &entry{left: newLeftOut(o, why)}) }

func (e *entry) drop(why string) {
	o := origin{text: e.key}
	if len(e.origins) > 0 {
		o = e.origins[0]
	}
	e.left = newLeftOut(o, why)
}

// A document is the YAML that is written.
type document struct {
	name     string
	settings entries
	defaults entries // one for each option: file.mode
	formats  entries
	inputs   inputs
	targets  []*target
	rules    ruleList

	left []LeftOut // of the last rendering
	page
}

func fold(s string) string { return strings.ToLower(s) }

// document puts together what was read.
func (c *converter) document(name string) *document {
	d := &document{name: path.Base(name), settings: c.settings, formats: c.formats, inputs: c.inputs, targets: c.targets}
	for _, in := range c.inputs {
		c.finish(in)
	}
	d.rules = c.bound()
	d.rules, _ = c.flat(d.rules, c.rulesets[fold(defaultRuleset)], always(true))
	used := map[*target]bool{}
	for _, r := range d.rules {
		for _, t := range r.to {
			used[t] = true
		}
	}
	d.targets = slices.DeleteFunc(d.targets, func(t *target) bool { return !used[t] })
	d.share(c)
	d.nameFormats()
	d.nameTargets()
	return d
}

// finish gives an input what was said of all of its kind.
func (c *converter) finish(in *input) {
	transport, _, isURL := strings.Cut(in.url, "://")
	if in.left != nil || !isURL {
		return
	}
	if transport == "tls" {
		transport = "tcp"
	}
	if allowed := c.allowed[transport]; len(allowed) > 0 {
		in.set("allow", list(allowed))
	}
	if size, ok := bytesOf(c.globals.get("maxmessagesize")); ok && size.scalar != "64KiB" {
		in.set("max_message_size", size)
	}
}

// nameFormats gives a format that several targets have its template's name.
func (d *document) nameFormats() {
	count := map[string]int{}
	for _, t := range d.targets {
		if t.named != "" && t.format != "" {
			count[t.named]++
		}
	}
	done := map[string]bool{}
	for _, t := range d.targets {
		if count[t.named] < 2 || t.format == "" || slices.Contains(syslog.FormatNames(), strings.ReplaceAll(fold(t.named), "-", "_")) || strings.Contains(t.named, "{") || comment(t.named) != t.named {
			continue
		}
		if !done[t.named] {
			done[t.named] = true
			d.formats = append(d.formats, &entry{key: t.named, value: text(t.format), origins: []origin{t.origin}})
		}
		t.format = t.named
	}
}

var notOfName = regexp.MustCompile(`\{[^}]*\}|[^A-Za-z0-9._-]`)

// nameTargets gives those that have options a name; the others stand in their rules.
func (d *document) nameTargets() {
	taken := map[string]bool{}
	for _, t := range d.targets {
		if t.format == "" && len(t.options) == 0 && len(t.where) == 1 {
			continue
		}
		name := t.hint
		if t.forward {
			name = hostOf(t.where[0])
		} else if !strings.Contains(t.where[0], "{") || name == "" {
			name = strings.TrimSuffix(path.Base(t.where[0]), ".log")
		}
		if _, err := netip.ParseAddr(name); err != nil {
			name = strings.Trim(notOfName.ReplaceAllString(name, ""), "-_.")
		}
		name = cmp.Or(name, "target")
		for n, base := 2, name; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		taken[name] = true
		t.name = name
	}
}

// hostOf is the host of a URL without its domain, or its address.
func hostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	host = strings.Trim(host[:max(strings.LastIndexByte(host, ':'), 0)], "[]")
	if _, err := netip.ParseAddr(host); err != nil {
		host, _, _ = strings.Cut(host, ".")
	}
	return host
}
