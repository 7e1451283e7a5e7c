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
	if list := c.allowed[transport]; len(list) > 0 {
		in.set("allow", value{list: texts(append(slices.Clone(list), "")).list[:len(list)]})
	}
	if size, ok := bytesOf(c.globals.get("maxmessagesize")); ok && size.scalar != "64KiB" {
		in.set("max_message_size", size)
	}
}

// share makes what most files have, and likewise most forwards, the default of all.
func (d *document) share(c *converter) {
	usual := map[string]value{
		"format": text("standard"), "escape": bare("octal"), "mode": bare("0640"), "dir_mode": bare("0750"), "fsync": bare("false"),
		"owner": text(cmp.Or(c.user, "root")), "group": text(cmp.Or(c.group, "root")),
	}
	for _, kind := range []string{"file", "forward"} {
		var of []*target
		for _, t := range d.targets {
			if t.forward == (kind == "forward") {
				of = append(of, t)
			}
		}
		for _, key := range []string{"format", "escape", "owner", "group", "mode", "dir_mode", "fsync"} {
			if kind == "forward" && key != "escape" || len(of) < 2 {
				continue
			}
			most, times := mostly(of, key)
			if times*2 <= len(of) || times < 2 {
				continue
			}
			d.defaults = append(d.defaults, &entry{key: kind + "." + key, value: most, origins: []origin{{of[0].place, key}}})
			for _, t := range of {
				switch own, has := t.option(key); {
				case has && own.scalar == most.scalar:
					t.unset(key)
				case !has && key == "format":
					t.format = "standard"
				case !has:
					t.set(key, usual[key])
				}
			}
		}
	}
}

// mostly is the value of an option that most targets have, and how many do.
func mostly(of []*target, key string) (most value, times int) {
	count := map[string]int{}
	for _, t := range of {
		if v, ok := t.option(key); ok {
			if count[v.scalar]++; count[v.scalar] > times {
				most, times = v, count[v.scalar]
			}
		}
	}
	return most, times
}

// option is an option of the target; its format is one.
func (t *target) option(key string) (value, bool) {
	if key == "format" {
		return text(t.format), t.format != ""
	}
	return value{pairs: t.options}.lookup(key)
}

func (t *target) unset(key string) {
	if key == "format" {
		t.format, t.named = "", ""
	}
	t.options = slices.DeleteFunc(t.options, func(p pair) bool { return p.key == key })
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
