package convert

import (
	"errors"
	"fmt"
	"slices"
)

// A rule is one of sluice's, or what is left out in its place.
type rule struct {
	in      *context
	passes  condition
	origins []origin
	to      []*target
	stop    bool
	call    string // a ruleset, whose rules come then
	notes   []string
	left    *LeftOut
}

// A ruleList has rules, and what is left out among them.
type ruleList []*rule

func (l *ruleList) leave(o origin, why string) {
	*l = append(*l, &rule{left: newLeftOut(o, why)})
}

func (r *rule) drop(why string) { r.left = newLeftOut(r.origins[0], why) }

// newLeftOut says what is left out and why. What the line was may be long.
func newLeftOut(o origin, why string) *LeftOut {
	return &LeftOut{o.place.String(), o.text, comment(why)}
}

// maxRules bounds what rulesets that call others can become.
const maxRules = 20000

var errTooManyRules = errors.New("rulesets that call others make too many rules")

// flat are the rules of a ruleset for what passes a condition, with those of the rulesets that it calls in their place.
func (c *converter) flat(list ruleList, s *ruleset, passes condition, callers ...*ruleset) (ruleList, error) {
	defer func() { s.said = true }()
	for _, r := range s.rules {
		if len(list) > maxRules {
			return list, errTooManyRules
		}
		if r.left != nil {
			if !s.said {
				list = append(list, r)
			}
			continue
		}
		one := *r
		one.passes, one.call = both(passes, r.passes), ""
		switch {
		case one.passes == always(false):
			one.left = newLeftOut(r.origins[0], "no message ever passes this")
			list = append(list, &one)
			continue
		case len(one.to) > 0 || one.stop || one.notes != nil:
			list = append(list, &one)
		}
		if r.call == "" {
			continue
		}
		called := c.rulesets[fold(r.call)]
		o := r.origins[len(r.origins)-1]
		var err error
		switch {
		case called == nil:
			err = errors.New("there is no ruleset of this name")
		case called == s || slices.Contains(callers, called):
			err = errors.New("it calls itself")
		case called.queue && called.stops():
			err = errors.New("a ruleset with a queue of its own gets a copy, and its stop does not hold for the rest")
		default:
			list, err = c.flat(list, called, one.passes, append(callers[:len(callers):len(callers)], s)...)
		}
		if err == errTooManyRules && len(callers) > 0 {
			return list, err
		}
		if err != nil {
			list.leave(o, err.Error())
		}
	}
	return list, nil
}

// stops reports whether the ruleset may say stop.
func (s *ruleset) stops() bool {
	return slices.ContainsFunc(s.rules, func(r *rule) bool { return r.stop || r.call != "" })
}

// bound are the rules of rulesets that inputs are bound to. They come first, and nothing goes on behind them.
func (c *converter) bound() (list ruleList) {
	for _, key := range c.order {
		var from []*input
		for _, in := range c.inputs {
			if in.left == nil && fold(in.ruleset) == key && in.ruleset != "" {
				from = append(from, in)
			}
		}
		s := c.rulesets[key]
		if len(from) == 0 {
			continue
		}
		if len(from) == 1 && from[0].name == "" && !c.titled(s.name) {
			from[0].name = s.name
		}
		var titles []string
		for _, in := range from {
			titles = append(titles, in.title())
		}
		here := comparison{field: "input", want: titles}
		list, _ = c.flat(list, s, here)
		end := origin{s.place, fmt.Sprintf("the end of ruleset %s", comment(s.name))}
		if s.line == 0 {
			end.place = from[0].place
		}
		list = append(list, &rule{passes: here, origins: []origin{end}, stop: true})
	}
	return list
}

func (c *converter) titled(name string) bool {
	for _, in := range c.inputs {
		if in.title() == name {
			return true
		}
	}
	return false
}
