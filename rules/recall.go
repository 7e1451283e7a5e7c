package rules

import (
	"slices"
	"sync"

	"sluice/syslog"
)

// A recall is for Sets whose rules look at nothing but the PRI and fields whose values recur: what they made of one message
// they make of every other that looks the same to them, so that most need not be asked at all.
type recall struct {
	fields   []syslog.Field // what the rules look at; nil: they are asked each time
	memories sync.Pool      // of *syslog.Recall[outcome]: there are no more than route at once
}

const (
	recallFrom = 6 // so many rules must look at fields: fewer are quicker asked
	maxMatched = 8 // rules that a message matches, to be remembered
)

// A memory is what one goroutine remembers.
type memory struct{ *syslog.Recall[outcome] }

// An outcome is the rules that a message matched.
type outcome struct {
	rules [maxMatched]int32
	n     uint8
}

// use decides whether the rules are worth it.
func (c *recall) use(rules []*Rule) {
	var fields []syslog.Field
	for k := range newBinder(rules).places {
		if !slices.Contains(fields, k.field) {
			fields = append(fields, k.field)
		}
	}
	looking := 0
	for _, r := range rules {
		if r.Match != nil && !onlyPRI(r.Match) {
			looking++
		}
	}
	if looking < recallFrom {
		return
	}
	if r := syslog.NewRecall[outcome](true, fields...); r != nil {
		c.fields = fields
		c.memories.Put(r)
	}
}

// begin returns a memory for a batch, which has to be given back; one that remembers nothing if that is of no use.
func (c *recall) begin() memory {
	if c.fields == nil {
		return memory{}
	}
	if r, _ := c.memories.Get().(*syslog.Recall[outcome]); r != nil {
		return memory{r}
	}
	return memory{syslog.NewRecall[outcome](true, c.fields...)}
}

func (c *recall) end(m memory) {
	if m.Recall != nil {
		c.memories.Put(m.Recall)
	}
}

// find returns the rules that matched a message which looked like this one, if there was one. A broken PRI makes all of the
// text the message, at which no rule of these looks.
func (m memory) find(msg *syslog.Message) (matched []int32, ok bool) {
	if m.Recall == nil || msg.Guess&syslog.BrokenPRI != 0 {
		return nil, false
	}
	v, ok := m.Find(msg)
	if !ok {
		return nil, false
	}
	return v.rules[:v.n], true
}

// keep remembers them if it was not known.
func (m memory) keep(msg *syslog.Message, matched []int32) {
	if m.Recall != nil && msg.Guess&syslog.BrokenPRI == 0 && len(matched) <= maxMatched {
		var o outcome
		o.n = uint8(copy(o.rules[:], matched))
		m.Keep(o)
	}
}
