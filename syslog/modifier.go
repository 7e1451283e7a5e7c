package syslog

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ncruces/go-strftime"
)

// A modifier changes a field's value: it appends what it makes of v to dst.
type modifier func(dst, v []byte) []byte

// modifiers are the words that may stand behind a field, and how each is made of what follows its colon. The
// modifiers of moments in time are in compileStamp.
var modifiers = map[string]func(arg string) (modifier, error){
	"json":  plain(appendJSONString),
	"lower": plain(letters(unicode.ToLower)),
	"upper": plain(letters(unicode.ToUpper)),
	"default": func(arg string) (modifier, error) {
		return func(dst, v []byte) []byte {
			if len(v) == 0 {
				return append(dst, arg...)
			}
			return append(dst, v...)
		}, nil
	},
	"max": func(arg string) (modifier, error) {
		limit, err := strconv.Atoi(arg)
		if err != nil || limit < 1 {
			return nil, fmt.Errorf("max needs a number of bytes, as in {message|max:200}")
		}
		return func(dst, v []byte) []byte { return append(dst, cutUTF8(v, limit)...) }, nil
	},
	"until": func(arg string) (modifier, error) {
		if arg == "" {
			return nil, fmt.Errorf("until needs the text to stop at, as in {channel|until:.}")
		}
		return func(dst, v []byte) []byte {
			before, _, _ := bytes.Cut(v, []byte(arg))
			return append(dst, before...)
		}, nil
	},
}

func plain(m modifier) func(string) (modifier, error) {
	return func(arg string) (modifier, error) {
		if arg != "" {
			return nil, fmt.Errorf("takes nothing behind a colon")
		}
		return m, nil
	}
}

// letters maps the characters of v; bytes that are no UTF-8 stay. bytes.ToLower would allocate.
func letters(mapping func(rune) rune) modifier {
	return func(dst, v []byte) []byte {
		for len(v) > 0 {
			r, n := utf8.DecodeRune(v)
			if r == utf8.RuneError {
				dst = append(dst, v[:n]...)
			} else {
				dst = utf8.AppendRune(dst, mapping(r))
			}
			v = v[n:]
		}
		return dst
	}
}

// cutUTF8 is at most limit bytes of v, and no broken character at the end, unless v is no UTF-8 there.
func cutUTF8(v []byte, limit int) []byte {
	if len(v) <= limit {
		return v
	}
	for n := limit; n > 0 && n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(v[n]) {
			return v[:n]
		}
	}
	return v[:limit]
}

// compileModifier makes a modifier of a word such as max:200.
func compileModifier(word string) (modifier, error) {
	name, arg, _ := strings.Cut(word, ":")
	build, ok := modifiers[name]
	if !ok {
		if name == "utc" || name == "unix" || strings.HasPrefix(name, "%") {
			return nil, fmt.Errorf("%q is for timestamp and received only", word)
		}
		return nil, WordError{"modifier", name, append(slices.Sorted(maps.Keys(modifiers)), "utc", "unix")}
	}
	m, err := build(arg)
	if err != nil {
		return nil, fmt.Errorf("modifier %s: %w", name, err)
	}
	return m, nil
}

// A stampFormat writes a moment. It keeps what it wrote last, since the messages of a second share all but fractions.
type stampFormat struct {
	zone     *time.Location // nil: the stamp's own
	layout   string         // strftime; "" is RFC 3339
	unix     bool
	strict   bool // as RFC 5424, section 6.2.3: at most six digits, no second 60
	fraction bool // the layout shows parts of a second
	last     Stamp
	text     []byte
}

// compileStamp takes the modifiers of moments off words: %-layouts, utc and unix. It returns the others.
func compileStamp(words []string, zone *time.Location) (*stampFormat, []string, error) {
	f := &stampFormat{}
	for len(words) > 0 {
		switch w := words[0]; {
		case w == "utc":
			f.zone = time.UTC
		case w == "unix":
			f.unix = true
		case strings.HasPrefix(w, "%"):
			if f.layout != "" {
				return nil, nil, fmt.Errorf("two layouts for one stamp")
			}
			if err := checkLayout(w); err != nil {
				return nil, nil, err
			}
			f.layout = w
			f.fraction = strftime.Format(w, time.Unix(0, 0)) != strftime.Format(w, time.Unix(0, 123456789))
			if f.zone == nil {
				f.zone = zone
			}
		default:
			return f, words, nil
		}
		words = words[1:]
	}
	return f, nil, nil
}

// checkLayout finds a letter behind a % that strftime does not know: it would come out as it stands.
func checkLayout(layout string) error {
	for _, rest, ok := strings.Cut(layout, "%"); ok; _, rest, ok = strings.Cut(rest, "%") {
		n := 1
		if rest != "" && (rest[0] == '-' || rest[0] == ':') {
			n = 2
		}
		if len(rest) < n {
			return fmt.Errorf("%q ends in a %% (a %% is written %%%%)", layout)
		}
		if spec := "%" + rest[:n]; strftime.Format(spec, time.Unix(0, 0)) == spec {
			return fmt.Errorf("%q: strftime knows no %s", layout, spec)
		}
		rest = rest[n:]
	}
	return nil
}

func (f *stampFormat) append(dst []byte, s Stamp) []byte {
	switch {
	case f.strict:
		s.Digits, s.Second = min(s.Digits, 6), min(s.Second, 59)
		return s.AppendRFC3339(dst)
	case f.unix:
		return strconv.AppendInt(dst, s.Time().Unix(), 10)
	case f.layout == "" && f.zone == nil:
		if s != f.last || f.text == nil {
			f.text, f.last = s.AppendRFC3339(f.text[:0]), s
		}
		return append(dst, f.text...)
	case f.layout == "":
		u := StampOf(s.Time(), s.Digits)
		u.UTC = true
		return u.AppendRFC3339(dst)
	}
	if f.text == nil || f.fraction && s != f.last || !s.sameSecond(f.last) {
		f.text = strftime.AppendFormat(f.text[:0], f.layout, s.Time().In(f.zone))
		f.last = s
	}
	return append(dst, f.text...)
}
