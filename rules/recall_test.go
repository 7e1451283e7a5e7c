package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/syslog"
)

// recalling is a Set that remembers, of rules for ten tags.
func recalling(t *testing.T, more ...*Rule) *Set {
	t.Helper()
	set := more
	for i := range 10 {
		set = append(set, &Rule{Name: fmt.Sprint(i), Match: cond(t, "tag", "contains", fmt.Sprintf("svc%d", i)), Targets: []int{i}})
	}
	return NewSet(set, 10)
}

// What looks different to any rule is not taken for the same.
func TestRecallTellsApart(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, lines := range [][2]string{
		{"<134>Nov 20 15:17:52 web svc1: x", "<134>Nov 20 15:17:52 web svc2: x"},
		{"<134>Nov 20 15:17:52 web svc1: x", "<133>Nov 20 15:17:52 web svc1: x"},
		{"<134>Nov 20 15:17:52 websvc 1: x", "<134>Nov 20 15:17:52 web svc1: x"},
		{"<134>Nov 20 15:17:52 " + long + "1 svc1: x", "<134>Nov 20 15:17:52 " + long + "2 svc1: x"},
		{"<13>Nov 20 15:17:52 web svc1: x", "<999>Nov 20 15:17:52 web svc1: x"}, // the second is all message
	} {
		s := recalling(t,
			&Rule{Name: "notice", Match: SeverityAtMost(syslog.Notice), Targets: []int{3}},
			&Rule{Name: "web", Match: cond(t, "hostname", "", "web"), Targets: []int{4}},
			&Rule{Name: "long", Match: cond(t, "hostname", "suffix", "x1"), Targets: []int{5}})
		b, r := batchOf(t, slices.Repeat(lines[:], 3)...), new(Routes)
		s.Route(b, r)
		for i := range b.Messages {
			want := Destinations(s.Explain(&b.Messages[i]))
			slices.Sort(want)
			if got := r.targetsOf(i); !slices.Equal(got, want) {
				t.Errorf("%q: routed to %v, explained as %v", lines[i%2], got, want)
			}
		}
	}
}

// Rules that look at what no two messages share, at much, or of which there are few, are asked each time.
func TestRecallIsLeftAlone(t *testing.T) {
	rules := func(n int, names ...string) (set []*Rule) {
		for i := range n {
			set = append(set, &Rule{Name: fmt.Sprint(i), Match: cond(t, names[i%len(names)], "", fmt.Sprint("x", i))})
		}
		return set
	}
	for _, c := range []struct {
		name string
		set  []*Rule
		want bool
	}{
		{"ten of one field", rules(10, "app_name"), true},
		{"ten of four fields", rules(10, "app_name", "tag", "hostname", "source"), true},
		{"ten of five fields", rules(10, "app_name", "tag", "hostname", "source", "channel"), false},
		{"one of the text", append(rules(10, "app_name"), rules(1, "message")...), false},
		{"three", rules(3, "app_name"), false},
		{"the PRI alone", []*Rule{{Match: cond(t, "facility", "", "mail")}}, false},
	} {
		if m := NewSet(c.set, 0).recall.begin(); (m.Recall != nil) != c.want {
			t.Errorf("%s: %t", c.name, m.Recall != nil)
		}
	}
}
