//go:build !race

package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/syslog"
)

// A thousand rules that a message has nothing to do with cost about what ten do: what the index knows of them is found by
// the message, not by going through them.
func TestIdleRulesCostNothing(t *testing.T) {
	const few, many = 10, 1000
	const times, beyond = 4, 250 * time.Nanosecond // a message of 200 bytes is gone through once
	numbered := func(name, op, text string) func(int) Condition {
		return func(i int) Condition { return cond(t, name, op, fmt.Sprintf(text, i)) }
	}
	for _, c := range []struct {
		name string
		rule func(i int) Condition
	}{
		{"tag equals", numbered("tag", "equals", "svc%d:")},
		{"app_name", numbered("app_name", "", "svc%d")},
		{"app_name and severity", func(i int) Condition {
			return All(cond(t, "app_name", "", fmt.Sprintf("svc%d", i)), SeverityAtLeast(syslog.Err))
		}},
		{"facility", func(i int) Condition { return cond(t, "facility", "", fmt.Sprintf("local%d", 1+i%7)) }},
		{"facility and tag contains", func(i int) Condition {
			return All(cond(t, "facility", "", fmt.Sprintf("local%d", i%8)), cond(t, "tag", "contains", fmt.Sprintf("Service%dLog", i)))
		}},
		{"tag contains", numbered("tag", "contains", "Service%dLog")},
		{"tag prefix", numbered("tag", "prefix", "Service%dLog")},
		{"hostname glob", numbered("hostname", "", "web%d.*")},
		{"message contains", numbered("message", "contains", "error %d")},
		{"message regex", numbered("message", "regex", `(GET|PUT) /path%d/[0-9]+`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := make([]string, syslog.BatchSize)
			for i := range lines {
				lines[i] = line3164 + strings.Repeat(" and so on", 12)
			}
			batch := batchOf(t, lines...)
			set := func(n int) (*Set, *Routes) {
				var rules []*Rule
				for i := range n {
					rules = append(rules, &Rule{Name: fmt.Sprint(i), Match: c.rule(i), Targets: []int{0}})
				}
				return NewSet(rules, 1), new(Routes)
			}
			small, smallRoutes := set(few)
			large, largeRoutes := set(many)
			cost := func(s *Set, r *Routes) time.Duration {
				start := time.Now()
				s.Route(batch, r)
				return time.Since(start) / syslog.BatchSize
			}
			ten, thousand := time.Hour, time.Hour
			for range 300 { // the best of each: whatever else the machine does
				ten = min(ten, cost(small, smallRoutes))
				thousand = min(thousand, cost(large, largeRoutes))
			}
			t.Logf("%d rules cost a message %v, %d rules %v", few, ten, many, thousand)
			if thousand > times*ten+beyond {
				t.Errorf("%d rules cost a message %v, %d rules %v", few, ten, many, thousand)
			}
		})
	}
}
