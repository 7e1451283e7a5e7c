package main

import (
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
	"sluice/writer"
)

// A Target is one configured way out.
type Target struct {
	Name   string // of an in-place target: Shown
	Kind   string
	Where  string // path, URL or stream
	Shown  string // the same to people: a variable in a URL may be a secret
	Format syslog.FormatSpec
	Path   func() (*writer.Path, error) // nil unless Where holds fields

	spec  any // what YAML said, to tell whether two targets for one place agree, and whether a reload changes anything
	queue writer.QueueOptions
	retry writer.Retry
	sink  func(e env) (writer.Sink, error)
	made  any                          // what of spec the sink is made of
	lead  func() (*writer.Path, error) // nil: all goes to one place, or where the sink wants it
}

// Open makes the target, which does not run yet.
func (t *Target) Open(e env) (*writer.Target, error) {
	sink, err := t.sink(e)
	if err != nil {
		return nil, err
	}
	template, err := t.Format.Compile()
	if err != nil {
		return nil, err
	}
	path, err := t.path()
	if err != nil {
		return nil, err
	}
	w := writer.NewTarget(t.Name, writer.NewQueue(t.queue, template, path), sink, e.log)
	w.Retry = t.retry
	if err := w.OpenSpool(spoolOf(e.stateDir, t.Name), e.log.With("target", t.Name)); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// path makes the paths of messages.
func (t *Target) path() (*writer.Path, error) {
	if t.lead == nil {
		return nil, nil
	}
	return t.lead()
}

// change is what makes of w, which is the target before, the target t; nil if they are the same. Nothing is changed yet.
func (t *Target) change(e env, w *writer.Target, before *Target, zoneChanged bool) (*writer.Change, error) {
	if !zoneChanged && reflect.DeepEqual(t.spec, before.spec) && reflect.DeepEqual(t.Format, before.Format) {
		return nil, nil
	}
	template, err := t.Format.Compile()
	if err != nil {
		return nil, err
	}
	if err := w.PrepareSpool(t.queue); err != nil {
		return nil, err
	}
	c := &writer.Change{Format: template, Queue: t.queue, Retry: t.retry}
	if !zoneChanged && t.Kind == before.Kind && reflect.DeepEqual(t.made, before.made) {
		return c, nil
	}
	if c.Path, err = t.path(); err != nil {
		return nil, err
	}
	c.Sink, err = t.sink(e)
	return c, err
}

// targets reads the named targets of a file.
func (l *loader) targets(f *fragment) {
	if f.Targets == nil {
		return
	}
	pairs, _ := l.Pairs(f.Targets)
	for _, p := range pairs {
		if strict.Extension(p.Key) {
			continue
		}
		done := l.In("target %q", p.Key)
		t := &Target{Name: p.Key}
		if l.named(p.Key) != nil {
			l.Errorf(p.At, "is defined twice")
		} else if l.target(f, t, p.Value) {
			if other := l.at(t.Where); other != nil && !reflect.DeepEqual(t.spec, other.spec) {
				l.Errorf(p.Value, "%s is the place of target %q already, with other options", t.Shown, other.Name)
			} else if other != nil {
				l.warn(p.Value, "%s is the place of target %q already", t.Shown, other.Name)
			}
		}
		l.places[t] = p.At
		l.add(t) // a broken one too: rules that name it are not wrong
		done()
	}
}

// named returns the target of that name, at the one that goes to that place, or nil.
func (l *loader) named(name string) *Target {
	if i, ok := l.byName[name]; ok {
		return l.cfg.Targets[i]
	}
	return nil
}

func (l *loader) at(where string) *Target {
	if i, ok := l.byPlace[where]; ok {
		return l.cfg.Targets[i]
	}
	return nil
}

// add makes t one of the configuration's, and returns its index.
func (l *loader) add(t *Target) int {
	i := len(l.cfg.Targets)
	l.cfg.Targets = append(l.cfg.Targets, t)
	if _, taken := l.byName[t.Name]; !taken {
		l.byName[t.Name] = i
	}
	if _, taken := l.byPlace[t.Where]; !taken {
		l.byPlace[t.Where] = i
	}
	return i
}

func find[T any](list []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i]
	}
	return nil
}

// target reads a path, a URL or a mapping, and reports whether it is one.
func (l *loader) target(f *fragment, t *Target, n *yaml.Node) bool {
	n = strict.Resolve(n)
	text := ""
	if n.Kind == yaml.ScalarNode {
		var ok bool
		if text, ok = l.Text(n); !ok {
			return false
		}
	}
	k := targetKindOf(n, text)
	switch {
	case k != nil:
		t.Kind = k.key
		k.decode(l, f, t, n)
		return t.sink != nil
	case n.Kind == yaml.ScalarNode:
		l.Errorf(n, "%q is neither a path nor a URL of a collector", strict.MaskURL(text))
	default:
		var keys []string
		for _, k := range targetKinds {
			keys = append(keys, k.key)
		}
		l.Errorf(n, "want a path, a URL, or a mapping with one of the keys %s", strings.Join(keys, ", "))
	}
	return false
}

// targetKindOf is the kind of a target that is a text, or a mapping; nil if it is of none.
func targetKindOf(n *yaml.Node, text string) *targetKind {
	scheme, _, isURL := strings.Cut(text, "://")
	for i, k := range targetKinds {
		is := strict.Lookup(n, k.key) != nil
		if n.Kind == yaml.ScalarNode {
			is = isURL && slices.Contains(k.schemes, scheme) || !isURL && k.key == "file"
		}
		if is {
			return &targetKinds[i]
		}
	}
	return nil
}

// destination finds or makes the target that an entry of `to` means: a name, a path, a URL or a mapping. It returns the
// target's index, or -1.
func (l *loader) destination(f *fragment, n *yaml.Node) int {
	n = strict.Resolve(n)
	if n.Kind == yaml.ScalarNode {
		name, ok := l.Text(n)
		if !ok {
			return -1
		}
		if i, ok := l.byName[name]; ok {
			return i
		}
		switch {
		case strings.HasPrefix(name, "-/"):
			l.Errorf(n, "%s: leave the - out: only fsync: true waits for the disk", name)
			return -1
		case strings.HasPrefix(name, "|"):
			l.Errorf(n, "%s: leave the | out: a FIFO is written to as a file is", name)
			return -1
		case strings.HasPrefix(name, "@@"):
			l.Errorf(n, "rsyslog's @@ is tcp://%s here", name[2:])
			return -1
		case strings.HasPrefix(name, "@"):
			l.Errorf(n, "rsyslog's @ is udp://%s here", name[1:])
			return -1
		}
		if !strings.Contains(name, "/") && !strings.HasPrefix(name, "~") {
			var have []string
			for _, t := range l.cfg.Targets {
				if t.Name != t.Shown {
					have = append(have, t.Name)
				}
			}
			if strings.Contains(name, ".") {
				l.Errorf(n, "unknown target %q (a file in place has a slash in its path: ./%s)", name, name)
			} else {
				l.Unknown(n, "target", name, have)
			}
			return -1
		}
	}
	t := &Target{}
	if !l.target(f, t, n) {
		return -1
	}
	if other := l.at(t.Where); other != nil {
		if n.Kind == yaml.MappingNode && !reflect.DeepEqual(t.spec, other.spec) {
			l.Errorf(n, "%s has other options where it is named before (target %q)", t.Shown, other.Name)
		}
		return l.byPlace[t.Where]
	}
	t.Name = t.Shown
	return l.add(t)
}

// compile makes the format of a target and reports what is wrong with it at the key that says so.
func (l *loader) compile(n *yaml.Node, text string, escape *syslog.Escape) syslog.FormatSpec {
	spec := syslog.FormatSpec{Text: text, Named: l.cfg.Formats, Escape: escape, Zone: l.cfg.Timezone}
	if _, err := spec.Compile(); err != nil {
		at := strict.Lookup(n, "format")
		if at == nil {
			at = n
		}
		l.wrong(at, "format", err)
	} else if at := strict.Lookup(n, "format"); at != nil {
		l.lintFormat(at, text)
	}
	return spec
}

// spoolOf is the folder of a target's spool. An in-place target's name is a path or a URL.
func spoolOf(stateDir, target string) string {
	return filepath.Join(stateDir, "spool", url.PathEscape(target))
}
