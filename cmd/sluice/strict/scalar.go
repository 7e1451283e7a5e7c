package strict

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// scalar fills v from the scalar n.
type scalar func(d *Decoder, n *yaml.Node, v reflect.Value)

// scalarOf is how a value of type t is read; nil if it is no scalar.
func scalarOf(t reflect.Type, opt options) scalar {
	if one, ok := special[t]; ok {
		return one.read
	}
	if reflect.PointerTo(t).Implements(textType) {
		return unmarshal
	}
	switch {
	case opt.size && (reflect.Zero(t).CanInt() || reflect.Zero(t).CanUint()):
		return size.read
	case reflect.Zero(t).CanInt():
		return integer
	case reflect.Zero(t).CanUint():
		return unsigned
	case reflect.Zero(t).CanFloat():
		return float
	case t.Kind() == reflect.Bool:
		return boolean
	case t.Kind() == reflect.String:
		return func(d *Decoder, n *yaml.Node, v reflect.Value) {
			if s, ok := d.scalar(n, "text"); ok {
				v.SetString(s)
			}
		}
	}
	return nil
}

// unit is a scalar with a syntax of its own; the error of parse must not quote the text.
type unit struct {
	want  string
	parse func(string) (any, error)
}

var size = unit{"a size such as 64KiB", func(s string) (any, error) { return ParseSize(s) }}

var special = map[reflect.Type]unit{
	reflect.TypeFor[time.Duration]():  {"a duration such as 10s or 1d12h", func(s string) (any, error) { return ParseDuration(s) }},
	reflect.TypeFor[fs.FileMode]():    {"an octal mode such as 0640", func(s string) (any, error) { return ParseMode(s) }},
	reflect.TypeFor[*time.Location](): {"a time zone such as Europe/Berlin, UTC or Local", location},
	reflect.TypeFor[netip.Addr]():     {"an IP address", address},
	reflect.TypeFor[netip.Prefix]():   {"an address or a network such as 10.0.0.0/8", network},
}

func (u unit) read(d *Decoder, n *yaml.Node, v reflect.Value) {
	text, ok := d.scalar(n, u.want)
	if !ok {
		return
	}
	x, err := u.parse(text)
	switch {
	case err != nil && err.Error() == "":
		d.errorf(n, "want %s, have %s", u.want, d.show(n))
	case err != nil:
		d.errorf(n, "want %s, have %s (%v)", u.want, d.show(n), err)
	case v.CanInt() && v.OverflowInt(reflect.ValueOf(x).Convert(reflect.TypeFor[int64]()).Int()),
		v.CanUint() && v.OverflowUint(uint64(reflect.ValueOf(x).Convert(reflect.TypeFor[int64]()).Int())):
		d.errorf(n, "want %s, have %s (that is too large)", u.want, d.show(n))
	default:
		v.Set(reflect.ValueOf(x).Convert(v.Type()))
	}
}

// errPlain has nothing to add to what is wanted.
var errPlain = errors.New("")

func location(s string) (any, error) {
	switch strings.ToLower(s) {
	case "":
		return nil, errPlain
	case "local":
		return time.Local, nil
	}
	zone, err := time.LoadLocation(s)
	if err != nil {
		return nil, errors.New("unknown zone")
	}
	return zone, nil
}

func address(s string) (any, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return nil, errPlain
	}
	return a, nil
}

// network takes 10.1.2.3/8 for 10.0.0.0/8, as rsyslog does.
func network(s string) (any, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, errPlain
	}
	return p.Masked(), nil
}

// scalar is the text of n with its variables replaced; no is reported as what was wanted.
func (d *Decoder) scalar(n *yaml.Node, want string) (text string, ok bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.mismatch(n, want)
		return "", false
	}
	return d.text(n)
}

// typed is scalar for what YAML has types for: there "514" is text and no number. With a variable it
// may be either, for inside { } a variable needs quotes.
func (d *Decoder) typed(n *yaml.Node, want string, valid func(string) bool) (text string, ok bool) {
	text, ok = d.scalar(n, want)
	switch isQuoted := n.Style&^(yaml.TaggedStyle|yaml.FlowStyle) != 0 && !d.secret(n); {
	case !ok:
	case !valid(text):
		d.mismatch(n, want)
		return "", false
	case isQuoted:
		d.errorf(n, "want %s, have %s (leave the quotes out)", want, d.show(n))
		return "", false
	}
	return text, ok
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func integer(d *Decoder, n *yaml.Node, v reflect.Value) {
	text, ok := d.typed(n, wholeOr(n), decimal.MatchString)
	if !ok {
		return
	}
	x, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil {
		high := int64(math.MaxInt64) >> (64 - v.Type().Bits())
		d.errorf(n, "want a number from %d to %d, have %s", -high-1, high, d.show(n))
		return
	}
	v.SetInt(x)
}

func unsigned(d *Decoder, n *yaml.Node, v reflect.Value) {
	text, ok := d.typed(n, wholeOr(n), decimal.MatchString)
	if !ok {
		return
	}
	x, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if err != nil {
		d.errorf(n, "want a number from 0 to %d, have %s", uint64(math.MaxUint64)>>(64-v.Type().Bits()), d.show(n))
		return
	}
	v.SetUint(x)
}

// wholeOr is what an integer wants: a number, and a whole one if n is one that is not.
func wholeOr(n *yaml.Node) string {
	if tag := n.ShortTag(); n.Kind == yaml.ScalarNode && (tag == "!!float" || tag == "!!int") {
		return "a whole number"
	}
	return "a number"
}

func float(d *Decoder, n *yaml.Node, v reflect.Value) {
	var x float64
	if _, ok := d.typed(n, "a number", func(s string) (ok bool) {
		var err error
		x, err = strconv.ParseFloat(s, v.Type().Bits())
		return err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
	}); ok {
		v.SetFloat(x)
	}
}

var booleans = map[string]bool{"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false}

func boolean(d *Decoder, n *yaml.Node, v reflect.Value) {
	text, ok := d.typed(n, "true or false", func(s string) bool { _, ok := booleans[s]; return ok })
	if ok {
		v.SetBool(booleans[text])
	}
}

// unmarshal fills an encoding.TextUnmarshaler, which leaves the words it knows in its error.
func unmarshal(d *Decoder, n *yaml.Node, v reflect.Value) {
	text, ok := d.scalar(n, "text")
	if !ok {
		return
	}
	fresh := reflect.New(v.Type())
	fresh.Elem().Set(v)
	into := fresh.Interface().(encoding.TextUnmarshaler)
	err := into.UnmarshalText([]byte(text))
	var words interface{ Valid() []string }
	hint := ""
	if errors.As(err, &words) {
		for _, word := range words.Valid() {
			if err != nil && Fold(word) == Fold(text) {
				err = into.UnmarshalText([]byte(word))
			}
		}
		if !d.secret(n) { // the nearest word would tell of it
			hint = d.suggest(text, words.Valid())
		}
	}
	if err != nil {
		d.Errorf(n, "%s", fmt.Sprint(err)+hint)
		return
	}
	v.Set(fresh.Elem())
}
