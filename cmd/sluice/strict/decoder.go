package strict

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Decoder fills Go values from documents and collects what is wrong with them. It never stops at an
// error: what could not be read keeps its default, and Errors has them all in the end.
type Decoder struct {
	// Getenv looks up ${NAME}, ReadFile reads ${file:PATH}. NewDecoder sets os.LookupEnv, and a reader
	// of at most 64 KiB.
	Getenv   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)

	// Synonyms are words that others use for ours (level: severity), proposed where ours are valid.
	Synonyms map[string]string

	files   []string
	docs    []*Document // whose nodes are not in home yet
	home    map[*yaml.Node]*Document
	texts   map[*yaml.Node]text
	context []string
	key     string // the key whose value is being decoded
	errs    Errors
	failed  int // reports so far, those of no news included
}

// NewDecoder reads the environment of the process; documents are named in errors in this order.
func NewDecoder(docs ...*Document) *Decoder {
	d := &Decoder{
		Getenv:   os.LookupEnv,
		ReadFile: readFile,
		Synonyms: map[string]string{
			"level": "severity", "program": "app_name", "host": "hostname", "text": "message", "logger": "channel",
		},
		home:  map[*yaml.Node]*Document{},
		texts: map[*yaml.Node]text{},
	}
	for _, doc := range docs {
		d.Add(doc)
	}
	return d
}

// Parse reads a further file and adds it, its errors too. It answers nil for one beyond decoding.
func (d *Decoder) Parse(name string, src []byte) *Document {
	doc, errs := Parse(name, src)
	if doc == nil {
		d.addFile(name)
		d.errs = append(d.errs, errs...)
		return nil
	}
	d.Add(doc)
	return doc
}

// Add makes the places of doc known, and its errors those of d.
func (d *Decoder) Add(doc *Document) {
	d.addFile(doc.Name)
	d.errs = append(d.errs, doc.errs...)
	d.docs = append(d.docs, doc)
}

// homeOf is the document that n stands in, nil if it is in none. Only what has an error asks.
func (d *Decoder) homeOf(n *yaml.Node) *Document {
	for _, doc := range d.docs {
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			d.home[n] = doc
			for _, c := range n.Content {
				walk(c)
			}
		}
		walk(doc.Root)
	}
	d.docs = nil
	return d.home[n]
}

func (d *Decoder) addFile(name string) {
	if !slices.Contains(d.files, name) {
		d.files = append(d.files, name)
	}
}

// Errors is all that was found so far: in the order of the files, by line and column, each once.
func (d *Decoder) Errors() Errors { return d.errs.sorted(d.files) }

// In adds to the context of what follows, until done is called:
//
//	defer d.In("rule %q", name)()
func (d *Decoder) In(format string, args ...any) (done func()) {
	context, key := d.context, d.key
	d.context = append(slices.Clip(context), fmt.Sprintf(format, args...))
	return func() { d.context, d.key = context, key }
}

// Errorf reports an error at n. What variables put into n, or into values below it, appears as it is
// written in the file: "${PASSWORD}".
func (d *Decoder) Errorf(n *yaml.Node, format string, args ...any) {
	d.report(n, d.mask(n, fmt.Sprintf(format, args...)))
}

// report is for what quotes no variable's value.
func (d *Decoder) report(n *yaml.Node, msg string) {
	d.failed++
	e := Error{Context: strings.Join(d.context, ": "), Msg: msg}
	if n != nil {
		e.Line, e.Col = n.Line, n.Column
		if doc := d.homeOf(n); doc != nil {
			if doc.wrong[n] {
				return
			}
			e.File = doc.Name
			if last := len(doc.lines); e.Line > last { // yaml.v3 puts a missing value behind the end
				e.Line, e.Col = last, len(doc.lines[last-1])+1
			}
		}
	}
	d.errs = append(d.errs, e)
}

// Unknown reports that got, at n, is none of the valid words: `unknown key "owener" (did you mean
// owner?)`, or all of them where they are few and none is near.
func (d *Decoder) Unknown(n *yaml.Node, what, got string, have []string) {
	d.Errorf(n, "unknown %s %q%s", what, clip(MaskURL(got)), d.suggest(got, have))
}

// suggest is the hint behind an unknown word, with its space and parentheses.
func (d *Decoder) suggest(got string, have []string) string {
	near, ok := Nearest(got, have)
	usual := d.synonyms(have)
	if word, known := usual[Fold(strings.ToLower(got))]; known {
		near, ok = word, true
	} else if !ok {
		if word, known := Nearest(got, slices.Sorted(maps.Keys(usual))); known {
			near, ok = usual[word], true
		}
	}
	switch {
	case ok:
		return " (did you mean " + near + "?)"
	case len(have) == 0:
		return ""
	case len(have) <= 8:
		return " (have " + strings.Join(slices.Sorted(slices.Values(have)), ", ") + ")"
	case near != "":
		return " (nearest is " + near + ")"
	}
	return ""
}

// synonyms is those words that stand for one of have, folded.
func (d *Decoder) synonyms(have []string) map[string]string {
	usual := map[string]string{}
	for word, ours := range d.Synonyms {
		for _, valid := range have {
			if Fold(valid) == Fold(ours) {
				usual[Fold(strings.ToLower(word))] = valid
			}
		}
	}
	return usual
}

// errorf is report with the key at hand before it.
func (d *Decoder) errorf(n *yaml.Node, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if d.key != "" {
		msg = d.key + ": " + msg
	}
	d.report(n, msg)
}

// mismatch reports that n is not what is wanted, with the remedy where YAML misled the author.
func (d *Decoder) mismatch(n *yaml.Node, want string) {
	doc := d.homeOf(n)
	switch {
	case want != "a mapping" && isBraces(n) && doc != nil && doc.braced(n) != "":
		d.report(n, needsQuotes(doc.braced(n)))
	case want == "a mapping" && n.Kind == yaml.ScalarNode && n.Style == 0 && wideKey.MatchString(n.Value):
		d.errorf(n, "want %s, have %s: %s", want, d.show(n), wideColon)
	case want == "a mapping" && n.Kind == yaml.ScalarNode && n.Style == 0 && unspaced.MatchString(n.Value):
		d.errorf(n, "want %s, have %s: a space is missing after the colon", want, d.show(n))
	case isNull(n):
		d.errorf(n, "needs a value")
	default:
		d.errorf(n, "want %s, have %s", want, d.show(n))
	}
}

// isBraces tells {message}, a key without a value, from a mapping somebody wanted.
func isBraces(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) == 2 && isNull(n.Content[1])
}

// show is n as an error quotes it: as it is written, never a variable's value, never a password.
func (d *Decoder) show(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		return kind(n)
	case secretKey(d.key):
		return mask
	case n.Style == 0 && n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp":
		return clip(n.Value)
	}
	return fmt.Sprintf("%q", clip(MaskURL(n.Value)))
}

// clip keeps an error on a line.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
