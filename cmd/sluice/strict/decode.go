package strict

import (
	"encoding"
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"
)

// custom is a type that reads its own YAML: one that may be a word or a mapping, say.
type custom interface {
	DecodeYAML(d *Decoder, n *yaml.Node)
}

var (
	nodeType   = reflect.TypeFor[*yaml.Node]()
	customType = reflect.TypeFor[custom]()
	textType   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Decode fills what into points to from n, and tells whether it found no error doing so. What n does
// not hold keeps its value: set the defaults before. It reads
//
//   - structs by their tags `yaml:"name"`, and a dash or an underscore alike; after a comma: `size` (an
//     integer that counts bytes), `list` (one value is a list of one), `inline` (the keys of a struct
//     within). Fields without a tag are none of its business.
//   - strings, true and false, integers, floats, lists, maps with string keys, pointers, any
//   - time.Duration, fs.FileMode, *time.Location, netip.Addr and netip.Prefix
//   - an encoding.TextUnmarshaler, whose error becomes the message; if it has Valid() []string, the
//     nearest of those is added, and one that differs only by dash and underscore is taken
//   - a *yaml.Node, for later
//   - whatever has DecodeYAML(*Decoder, *yaml.Node). It is called for an empty value too, except behind
//     a pointer, and may call Decode for a plain type of the same shape.
//
// A key without a value leaves its default; where text or a number belongs, and for an item of a list,
// that is an error. A list replaces the default list, a map adds to the default map. What the defaults
// share (a map, a pointer) is copied, never written through.
func (d *Decoder) Decode(n *yaml.Node, into any) bool {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic("strict: Decode wants a pointer")
	}
	before := d.failed
	d.value(Resolve(n), v.Elem(), options{})
	return d.failed == before
}

func (d *Decoder) value(n *yaml.Node, v reflect.Value, opt options) {
	n = Resolve(n)
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if isCustom(v.Type()) {
		v.Addr().Interface().(custom).DecodeYAML(d, n)
		return
	}
	if read := scalarOf(v.Type(), opt); read != nil {
		read(d, n, v)
		return
	}
	if v.Kind() == reflect.Pointer {
		d.pointer(n, v, opt)
		return
	}
	if isNull(n) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapOf(n, v)
	case reflect.Slice:
		d.list(n, v, opt)
	case reflect.Interface:
		if x, ok := d.any(n); ok && x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		panic("strict: no YAML fills a " + v.Type().String())
	}
}

// pointer decodes over a copy of what v points to: defaults may be shared.
func (d *Decoder) pointer(n *yaml.Node, v reflect.Value, opt options) {
	to := v.Type().Elem()
	if isNull(n) && (isCustom(to) || scalarOf(to, opt) == nil) {
		return
	}
	fresh := reflect.New(to)
	if !v.IsNil() {
		fresh.Elem().Set(v.Elem())
	}
	d.value(n, fresh.Elem(), opt)
	v.Set(fresh)
}

func isCustom(t reflect.Type) bool { return reflect.PointerTo(t).Implements(customType) }

func (d *Decoder) structure(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, "a mapping")
		return
	}
	fields := map[string]field{}
	for _, f := range fieldsOf(v.Type()) {
		fields[Fold(f.name)] = f
	}
	outer := d.key
	defer func() { d.key = outer }()
	seen := map[string]Pair{}
	for _, p := range pairs(n, Fold) {
		key := Fold(p.Key)
		first, again := seen[key]
		seen[key] = p
		f, known := fields[key]
		d.key = p.Key
		switch {
		case Extension(key):
		case again && first.Key != p.Key:
			d.report(p.At, duplicate(p.Key, first))
		case again: // the document says so
		case !known:
			d.Unknown(p.At, "key", p.Key, keysOf(v.Type()))
		default:
			d.value(p.Value, v.FieldByIndex(f.index), f.options)
		}
	}
}

// duplicate is the message for a key that stands in the file a second time, spelled differently.
func duplicate(key string, first Pair) string {
	return fmt.Sprintf("duplicate key %q (first, as %q, at %d:%d)", key, first.Key, first.At.Line, first.At.Column)
}

// mapOf takes keys as they are: they are names that the user gives.
func (d *Decoder) mapOf(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, "a mapping")
		return
	}
	fresh := reflect.MakeMap(v.Type())
	for old := v.MapRange(); old.Next(); {
		fresh.SetMapIndex(old.Key(), old.Value())
	}
	outer := d.key
	defer func() { d.key = outer }()
	for _, p := range pairs(n, func(key string) string { return key }) {
		key := reflect.ValueOf(p.Key).Convert(v.Type().Key())
		value := reflect.New(v.Type().Elem()).Elem()
		if old := fresh.MapIndex(key); old.IsValid() {
			value.Set(old)
		}
		d.key = p.Key
		d.value(p.Value, value, options{})
		fresh.SetMapIndex(key, value)
	}
	v.Set(fresh)
}

func (d *Decoder) list(n *yaml.Node, v reflect.Value, opt options) {
	items := n.Content
	if n.Kind != yaml.SequenceNode {
		if !opt.list {
			d.mismatch(n, "a list")
			return
		}
		items = []*yaml.Node{n}
	}
	fresh := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if isNull(Resolve(item)) {
			d.mismatch(Resolve(item), "")
			continue
		}
		d.value(item, fresh.Index(i), options{size: opt.size})
	}
	v.Set(fresh)
}

// any is n as plain Go values: map[string]any, []any, string, int, float64, bool, nil.
func (d *Decoder) any(n *yaml.Node) (x any, ok bool) {
	switch n = Resolve(n); n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for _, p := range pairs(n, func(key string) string { return key }) {
			m[p.Key], _ = d.any(p.Value)
		}
		return m, true
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i], _ = d.any(item)
		}
		return list, true
	}
	s, ok := d.text(n)
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		if err := n.Decode(&x); err == nil {
			return x, ok
		}
	}
	return s, ok
}
