package convert

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// A target is one of sluice's, as YAML will have it.
type target struct {
	origin
	forward bool
	where   []string // a path, or the URLs of collectors
	format  string   // empty: the kind's own
	named   string   // the template of the user's that the format is
	options []pair   // only what differs from sluice's own
	hint    string   // the template that a path with fields is of
	name    string   // under which it is defined; empty: it stands in its rules
	left    *LeftOut // it is none, but what stands in its place
}

func (t *target) drop(why string) { t.left = newLeftOut(t.origin, why) }

func (t *target) set(key string, v value) { t.options = append(t.options, pair{key, v}) }

// to sends the messages of a context to a target.
func (c *converter) to(in *context, o origin, t *target) {
	t = c.known(t)
	r := c.rule(in, o)
	if !slices.Contains(r.to, t) {
		r.to = append(r.to, t)
	}
}

// known is the target for that place: t, or one that was there before. sluice has one target for a place.
func (c *converter) known(t *target) *target {
	for _, other := range c.targets {
		if !slices.Equal(other.where, t.where) || other.forward != t.forward {
			continue
		}
		if other.format != t.format || !reflect.DeepEqual(other.options, t.options) {
			c.current.rules.leave(t.origin, fmt.Sprintf("its options are other ones than in %s, and a place has one target: those hold", other.place))
		}
		return other
	}
	c.targets = append(c.targets, t)
	return t
}

func newFile(o origin, path string) *target { return &target{origin: o, where: []string{path}} }

// own sets whose a file is, and its modes.
func (c *converter) own(t *target, owner, group, mode, dirMode string) {
	if owner != "" && owner != cmp.Or(c.user, "root") && !(c.user == "" && owner == "0") && owner != "-1" {
		t.set("owner", text(owner))
	}
	if group != "" && group != cmp.Or(c.group, "root") && !(c.group == "" && group == "0") && group != "-1" {
		t.set("group", text(group))
	}
	if m := octal(mode, c.legacy.umask); m != "0640" {
		t.set("mode", bare(m))
	}
	if m := octal(dirMode, c.legacy.umask); dirMode != "" && m != "0750" {
		t.set("dir_mode", bare(m))
	}
	if c.legacy.escapeOff {
		t.set("escape", bare("none"))
	}
}

// octal is a mode as YAML has it, without what the umask takes.
func octal(mode string, umask int64) string {
	n, err := strconv.ParseInt(cmp.Or(mode, "0644"), 8, 32)
	if err != nil || n < 0 || n > 0o7777 {
		n = 0o644
	}
	return fmt.Sprintf("%04o", n&^umask)
}

// omfile converts action(type="omfile").
func (c *converter) omfile(o object, in *context) {
	path, why, hint := braces.Replace(o.params.get("file")), "", ""
	if tpl := o.params.get("dynafile"); tpl != "" {
		path, why = c.path(tpl)
		hint = tpl
	} else {
		why = absolutePath(path)
	}
	if why != "" {
		c.current.rules.leave(in.whole(o.origin), why)
		return
	}
	t := newFile(o.origin, path)
	t.hint = hint
	m := c.modules["omfile"]
	option := func(names ...string) string { return cmp.Or(firstOf(o.params, names...), firstOf(m, names...)) }
	c.formatFile(t, o.params.get("template"))
	c.own(t, option("fileowner", "fileownernum"), option("filegroup", "filegroupnum"), option("filecreatemode"), option("dircreatemode"))
	if isOn(o.params.get("sync")) {
		t.set("fsync", bare("true"))
	}
	if o.params.get("queue.filename") != "" {
		t.set("queue", mapping(pair{"spool", spool(o.params.get("queue.maxdiskspace"))}))
	}
	c.to(in, o.origin, t)
}

// usualSpool is what a forward has without a word.
const usualSpool = "1GiB"

// spool is the size of a queue on disk.
func spool(size string) value {
	if v, ok := bytesOf(size); ok {
		return v
	}
	return bare(usualSpool)
}
