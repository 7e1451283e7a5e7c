package convert

// What rsyslog.conf is made of, in its order.
type (
	statement interface {
		where() origin
		from(o origin) statement // the same, as if it stood there
	}

	directive struct { // $Name arguments
		origin
		name, args string
	}
	object struct { // name(key="value" ..), and what a template or ruleset holds in braces
		origin
		kind   string
		params params
		body   []statement
	}
	filtered struct { // what is done with messages that pass, and with those that do not
		origin
		filter    filter
		then, els []statement
	}
	again struct { // & action: the filter before
		origin
		then []statement
	}
	action struct { // in the old language
		origin
		what string
	}
	halt struct{ origin } // stop, ~
	call struct {
		origin
		name string
	}
	unreadable struct {
		origin
		why string
	}
)

func (o origin) where() origin { return o }

func (s directive) from(o origin) statement  { s.origin = o; return s }
func (s object) from(o origin) statement     { s.origin = o; return s }
func (s filtered) from(o origin) statement   { s.origin = o; return s }
func (s again) from(o origin) statement      { s.origin = o; return s }
func (s action) from(o origin) statement     { s.origin = o; return s }
func (s halt) from(o origin) statement       { s.origin = o; return s }
func (s call) from(o origin) statement       { s.origin = o; return s }
func (s unreadable) from(o origin) statement { s.origin = o; return s }

// A filter makes its condition. The error says why sluice has none.
type filter func() (condition, error)
