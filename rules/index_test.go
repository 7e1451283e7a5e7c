package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/syslog"
)

// words are few, so that random rules and random messages meet.
var words = []string{"", "a", "ab", "abc", "Service1Log", "Service2Log", "nginx", "NGINX", "cron", "host7"}

// randomCondition makes a condition about one of those fields, out of all kinds that there are.
func randomCondition(t testing.TB, r *rand.Rand, fields []string, depth int) Condition {
	word := func() string { return words[r.IntN(len(words))] }
	f := field(t, fields[r.IntN(len(fields))])
	group := func() []Condition {
		list := make([]Condition, 1+r.IntN(3))
		for i := range list {
			list[i] = randomCondition(t, r, fields, depth-1)
		}
		return list
	}
	kind := r.IntN(12)
	if depth == 0 {
		kind %= 9
	}
	switch kind {
	case 0:
		return cond(t, "facility", "", syslog.Facilities[r.IntN(24)], syslog.Facilities[r.IntN(24)])
	case 1:
		return SeverityAtLeast(syslog.Severity(r.IntN(8)))
	case 2:
		s, err := Selector([]string{"*.info;mail.none", "local0.*", "*.=debug", "kern,user.!err;*.crit"}[r.IntN(4)])
		if err != nil {
			t.Fatal(err)
		}
		return s
	case 3:
		return Exists(f, r.IntN(2) == 0)
	case 9:
		return All(group()...)
	case 10:
		return Any(group()...)
	case 11:
		return Not(randomCondition(t, r, fields, depth-1))
	}
	op := []string{"", "equals", "contains", "prefix", "suffix", "glob", "regex"}[r.IntN(7)]
	c, err := Compare(f, op, []string{word(), word()}[:1+r.IntN(2)], r.IntN(4) == 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// targetsOf is where message i goes, ascending.
func (r *Routes) targetsOf(i int) (targets []int) {
	for target, indexes := range r.To {
		if slices.Contains(indexes, int32(i)) {
			targets = append(targets, target)
		}
	}
	return targets
}

// TestIndexAgrees routes random messages through random rules, with the index and by asking each rule: the index, and what is
// remembered of messages that look alike, must change nothing but the time it takes.
func TestIndexAgrees(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		fields := []string{"app_name", "tag", "hostname", "message", "procid"}
		if seed%2 == 0 {
			fields = fields[:3] // those that recur
		}
		onlyByPRI := seed%10 == 4
		var set []*Rule
		for i := range 1 + r.IntN(int(60+seed%5*100)) { // many enough for every kind of index
			rule := &Rule{Name: fmt.Sprint(i), Targets: []int{r.IntN(5), r.IntN(5)}, Stop: r.IntN(20) == 0}
			if r.IntN(20) > 0 {
				for rule.Match = randomCondition(t, r, fields, 2); onlyByPRI && !onlyPRI(rule.Match); {
					rule.Match = randomCondition(t, r, fields, 2)
				}
			}
			set = append(set, rule)
		}
		lines := make([]string, 40)
		for i := range lines {
			pri := r.IntN(220) // some are broken
			word := func() string { return words[r.IntN(len(words))] }
			lines[i] = fmt.Sprintf("<%d>Nov 20 15:17:52 host%d %s[%d]: %s %s", pri, r.IntN(9), word(), r.IntN(3), word(), word())
			if r.IntN(3) == 0 {
				lines[i] = fmt.Sprintf("<%d>1 2026-11-20T15:17:52Z host%d %s %d - - %s", pri, r.IntN(9), "x"+word(), r.IntN(3), word())
			}
		}
		lines = slices.Repeat(lines, 4)
		b, s, routes := batchOf(t, lines...), NewSet(set, 5), new(Routes)
		s.Route(b, routes)
		matches := make([]uint64, len(set))
		unrouted := uint64(0)
		for i := range b.Messages {
			verdicts := s.Explain(&b.Messages[i])
			want := Destinations(verdicts)
			slices.Sort(want)
			if got := routes.targetsOf(i); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s: routed to %v, explained as %v", seed, lines[i], got, want)
			}
			any := false
			for n, v := range verdicts {
				if v.Matched {
					matches[n]++
					any = true
				}
			}
			if !any {
				unrouted++
			}
		}
		for n, rule := range set {
			if rule.Matches() != matches[n] {
				t.Fatalf("seed %d, rule %d: %d matches counted, %d explained", seed, n, rule.Matches(), matches[n])
			}
		}
		if s.Unrouted() != unrouted {
			t.Fatalf("seed %d: %d unrouted counted, %d explained", seed, s.Unrouted(), unrouted)
		}
	}
}

// Routing allocates nothing, whatever the rules ask.
func TestRouteAllocatesNothing(t *testing.T) {
	for _, c := range benchSets {
		var set []*Rule
		for i := range c.n {
			set = append(set, &Rule{Name: fmt.Sprint(i), Match: c.rule(t, i), Targets: []int{0}})
		}
		folded, err := Compare(field(t, "message"), "contains", []string{"ÄRGER"}, true)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, &Rule{Name: "folded", Match: folded}, &Rule{Name: "all", Targets: []int{0}})
		b, s, r := batchOf(t, line3164, line5424), NewSet(set, 1), new(Routes)
		if n := testing.AllocsPerRun(100, func() { s.Route(b, r) }); n > 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}
