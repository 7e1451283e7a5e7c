package ingest

import (
	"fmt"
	"testing"
	"time"

	"sluice/syslog"
)

// A notebook is a Handler that writes down what it is given.
type notebook struct{ lines []string }

func (n *notebook) Handle(b *syslog.Batch) {
	for i := range b.Messages {
		n.lines = append(n.lines, fmt.Sprintf("%s %s", b.Messages[i].Channel, b.Messages[i].Text()))
	}
}

// More payloads than a batch holds, empty ones and ones that strict does not allow: each is handed over once, or counted.
func TestIntake(t *testing.T) {
	var n notebook
	var counters syslog.Counters
	opts := redisOptions()
	opts.Strict = true
	in := newIntake(&Setting{Name: "queue", Handler: &n}, opts, Auto, &counters)
	in.begin(&syslog.Feed{}, time.Now())
	const many = 2*syslog.BatchSize + 1
	for i := range many {
		in.take(fmt.Appendf(nil, "text %d", i), []byte("req.web"), origins["redis"], 0)
	}
	in.take([]byte("\n"), nil, origins["redis"], 0)
	in.take([]byte("<14>no stamp"), nil, origins["redis"], 0)
	in.handOver()
	in.handOver()
	if len(n.lines) != many || n.lines[many-1] != fmt.Sprintf("req.web text %d", many-1) {
		t.Errorf("%d messages, the last %q", len(n.lines), n.lines[len(n.lines)-1])
	}
	if got, strict := counters.Messages.Load(), counters.DroppedStrict.Load(); got != many || strict != 1 {
		t.Errorf("counted %d messages and %d that strict dropped", got, strict)
	}
}
