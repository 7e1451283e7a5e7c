package strict

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is one key that a struct takes.
type field struct {
	name  string
	index []int
	options
}

// options stand behind the comma of a tag.
type options struct {
	size bool // an integer counts bytes: 64KiB
	list bool // one value will do for a list of one
}

var known sync.Map // reflect.Type to []field

// fieldsOf panics on a tag that says nothing it knows: that is a bug of the struct.
func fieldsOf(t reflect.Type) []field {
	if have, ok := known.Load(t); ok {
		return have.([]field)
	}
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if rest == "inline" {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		one := field{name: name, index: []int{i}}
		for option := range strings.SplitSeq(rest, ",") {
			switch option {
			case "":
			case "size":
				one.size = true
			case "list":
				one.list = true
			default:
				panic("strict: " + t.String() + "." + f.Name + ": unknown option " + option)
			}
		}
		out = append(out, one)
	}
	known.Store(t, out)
	return out
}

// keysOf are the keys that the struct takes, sorted.
func keysOf(t reflect.Type) []string {
	var out []string
	for _, f := range fieldsOf(t) {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}
