package convert

import (
	"cmp"
	"slices"
)

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
