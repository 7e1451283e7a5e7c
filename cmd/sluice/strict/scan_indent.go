package strict

import "fmt"

// level is a list or a mapping that is open, at the column of its dashes or keys.
type level struct {
	col  int
	list bool
	open bool // its last key or dash has no value yet
}

// enter begins a key or a dash at column c. It answers false where that fits nothing above.
func (s *scanner) enter(c int, list bool) bool {
	if s.lost {
		return true
	}
	deep := len(s.levels)
	top := s.leave(c)
	switch {
	case top == nil, top.col < c && top.open:
		if top != nil {
			top.open = false
		}
		s.levels = append(s.levels, level{c, list, true})
	case top.col < c && len(s.levels) < deep:
		return s.misfit(c, "the indentation fits no line above")
	case top.col < c:
		return s.misfit(c, fmt.Sprintf("indented deeper than line %d, which already has its value", s.before+1))
	case top.list == list:
		top.open = true
	case list && top.open: // a list may stand under its key without indentation
		top.open = false
		s.levels = append(s.levels, level{c, list, true})
	case !list && len(s.levels) > 1 && s.levels[len(s.levels)-2].col == c:
		s.levels = s.levels[:len(s.levels)-1]
		s.top().open = true
	case list:
		return s.misfit(c, `a list item among keys: indent it under its key`)
	default:
		return s.misfit(c, `a key among list items: begin it with "- ", or indent it differently`)
	}
	return true
}

// misfit reports indentation that fits nothing above, unless a mistake in the line before explains it.
func (s *scanner) misfit(c int, msg string) bool {
	s.lost = true
	if last := len(s.found) - 1; last >= 0 && s.found[last].row >= s.before {
		s.found[last].fatal = true
	} else {
		s.fatal(c, msg)
	}
	return false
}

// leave closes what stands deeper than column c, and answers what is then open.
func (s *scanner) leave(c int) *level {
	for top := s.top(); top != nil && top.col > c; top = s.top() {
		s.levels = s.levels[:len(s.levels)-1]
	}
	return s.top()
}

func (s *scanner) top() *level {
	if len(s.levels) == 0 {
		return nil
	}
	return &s.levels[len(s.levels)-1]
}

// parent is the column of the key or dash whose value is being read, -1 at the top of the file.
func (s *scanner) parent() int {
	if top := s.top(); top != nil && !s.lost {
		return top.col
	}
	return indent(s.lines[s.row]) - 1
}
