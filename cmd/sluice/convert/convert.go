// Package convert makes sluice's YAML of an rsyslog.conf and what that includes. What it writes means what rsyslogd makes of
// the file, which the tests ask a real one; what sluice has nothing for is left out, and said.
package convert

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A LeftOut is a piece of a configuration that could not be carried over.
type LeftOut struct {
	Place     string // file:line
	What, Why string // in one line each, of printable characters
}

func (l LeftOut) String() string { return fmt.Sprintf("%s: left out: %s: %s", l.Place, l.What, l.Why) }

// A Mistake is what the reader of the YAML has against a line of it.
type Mistake struct {
	Line int
	Text string
}

// Result is a converted configuration.
type Result struct {
	YAML []byte
	Left []LeftOut
}

// File converts the file of that name, a path in fsys, with what it includes; absolute paths in it count from the root of
// fsys. Whatever check has against the result is left out of it, too, so that in the end it has nothing. The error
// says that the file cannot be read.
func File(fsys fs.FS, name string, check func(yaml []byte) []Mistake) (*Result, error) {
	r := newReader(fsys, name)
	list, err := r.file(name)
	if err != nil {
		return nil, err
	}
	c := newConverter()
	c.survey(list)
	c.walk(list, &context{passes: always(true)})
	d := c.document(name)
	for {
		text := d.render()
		mistakes := check(text)
		if len(mistakes) == 0 {
			return &Result{text, d.left}, nil
		}
		if !d.drop(mistakes) {
			return nil, fmt.Errorf("line %d of what came of it: %s", mistakes[0].Line, mistakes[0].Text)
		}
	}
}

// A converter holds what was read so far.
type converter struct {
	templates map[string]*template
	channels  map[string]string // of $outchannel: their files
	modules   map[string]params // what module(load=..) said, by module
	globals   params
	legacy    legacy
	network   bool // messages come from other machines
	user      string
	group     string

	settings entries
	inputs   inputs
	formats  entries // remarks about templates
	targets  []*target
	allowed  map[string][]string // of $AllowedSender, by transport
	rulesets map[string]*ruleset
	order    []string // of rulesets
	current  *ruleset
}

// A ruleset is a list of rules.
type ruleset struct {
	origin
	name  string
	rules ruleList
	queue bool // it has one of its own
	said  bool // what was left out of it
}

const defaultRuleset = "RSYSLOG_DefaultRuleset"

func newConverter() *converter {
	c := &converter{
		templates: map[string]*template{}, channels: map[string]string{}, modules: map[string]params{}, globals: params{},
		legacy: newLegacy(), allowed: map[string][]string{}, rulesets: map[string]*ruleset{},
	}
	for name, text := range builtinTemplates {
		c.templates[strings.ToLower(name)] = &template{name: name, parts: parseTemplate(text)}
	}
	c.current = c.ruleset(defaultRuleset)
	return c
}

// ruleset is the one of that name, in any case.
func (c *converter) ruleset(name string) *ruleset {
	key := strings.ToLower(name)
	r := c.rulesets[key]
	if r == nil {
		r = &ruleset{name: name}
		c.rulesets[key] = r
		c.order = append(c.order, key)
	}
	return r
}

// survey collects what may be said behind the line that needs it.
func (c *converter) survey(list []statement) {
	for _, s := range list {
		switch s := s.(type) {
		case object:
			switch s.kind {
			case "template":
				c.define(s)
			case "global":
				for k, v := range s.params {
					c.globals[k] = v
				}
			case "module":
				name := strings.TrimPrefix(s.params.get("load"), "builtin:")
				c.modules[name] = s.params
			case "input":
				c.network = c.network || slices.Contains(networkInputs, s.params.get("type"))
			case "ruleset":
				c.survey(s.body)
			}
		case directive:
			switch s.name {
			case "template":
				c.defineLegacy(s)
			case "outchannel":
				c.defineChannel(s)
			case "udpserverrun", "inputtcpserverrun", "inputptcpserverrun", "inputrelpserverrun":
				c.network = true
			}
			if global, ok := globalDirectives[s.name]; ok {
				c.globals[global] = []string{argument(s.args)}
			}
		case filtered:
			c.survey(s.then)
			c.survey(s.els)
		}
	}
	c.user, c.group = firstOf(c.globals, "privdrop.user.name", "privdrop.user.id"), firstOf(c.globals, "privdrop.group.name", "privdrop.group.id")
}

func firstOf(p params, names ...string) string {
	for _, n := range names {
		if v := p.get(n); v != "" {
			return v
		}
	}
	return ""
}

// A context is a filter within those around it.
type context struct {
	passes condition
	origin
}

// whole is the line of an action with its filter, if that stands in one with it.
func (in *context) whole(o origin) origin {
	if in.line > 0 && (in.place == o.place || in.file == o.file && strings.HasSuffix(in.text, o.text)) {
		return in.origin
	}
	return o
}

// walk converts statements in their order, since each directive of the old language holds for what is behind it.
// It returns the context of what a & behind it adds to; nil if that was left out.
func (c *converter) walk(list []statement, around *context) (before *context) {
	anything := false
	for _, s := range list {
		switch s := s.(type) {
		case directive:
			c.directive(s)
		case object:
			c.object(s, around)
			if s.kind == "action" {
				before, anything = around, true
			}
		case filtered:
			before, anything = c.filtered(s, around), true
		case again:
			switch {
			case !anything:
				c.current.rules.leave(s.origin, "nothing stands before it")
			case before == nil:
				c.current.rules.leave(s.origin, "the filter before it was left out")
			default:
				c.walk(s.then, before)
			}
		case action:
			c.action(s, around)
			before, anything = around, true
		case halt:
			c.rule(around, s.origin).stop = true
		case call:
			c.rule(around, s.origin).call = s.name
		case unreadable:
			c.current.rules.leave(s.origin, s.why)
		}
	}
	return before
}

// filtered converts a filter and what it guards, and returns its context; nil if there is none.
func (c *converter) filtered(s filtered, around *context) *context {
	passes, err := s.filter()
	if err != nil {
		c.current.rules.leave(s.origin, err.Error())
		c.leaveAll(s.then, s.line)
		c.leaveAll(s.els, s.line)
		return nil
	}
	inner := &context{both(around.passes, passes), s.origin}
	c.walk(s.then, inner)
	if s.els != nil {
		return c.walk(s.els, &context{both(around.passes, negate(passes)), origin{s.place, s.text + " .. else"}})
	}
	return inner
}

// leaveAll says of what stands behind a filter that it is left out with it, unless it stands in the line of the filter.
func (c *converter) leaveAll(list []statement, line int) {
	for _, s := range list {
		if s.where().line != line && s.where().text != "" {
			c.current.rules.leave(s.where(), "its filter was left out")
		}
		if f, ok := s.(filtered); ok {
			c.leaveAll(f.then, f.line)
			c.leaveAll(f.els, f.line)
		}
	}
}

// rule is the one that messages of a context go to next: the last one, if that is of the same context and can take more.
func (c *converter) rule(in *context, o origin) *rule {
	list := &c.current.rules
	if n := len(*list); n > 0 {
		if r := (*list)[n-1]; r.in == in && !r.stop && r.call == "" && r.left == nil {
			if !strings.HasSuffix(in.text, o.text) {
				r.origins = append(r.origins, o)
			}
			return r
		}
	}
	r := &rule{in: in, passes: in.passes, origins: []origin{o}}
	if o != in.whole(o) {
		r.origins = []origin{in.origin}
	} else if in.line > 0 {
		r.origins = []origin{in.origin, o}
	}
	*list = append(*list, r)
	return r
}
