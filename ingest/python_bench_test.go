package ingest

import (
	"strings"
	"sync"
	"testing"
)

// Four connections send what SocketHandlers would, over loopback. The goal: 200,000 records a second on two cores, the
// senders among them.
func BenchmarkPython(b *testing.B) {
	const connections, together = 4, 100
	one := framed(benchPickles[0].pickle)
	many := []byte(strings.Repeat(one, together))
	rounds := max(b.N/connections/together, 1)
	handler := &counter{want: int64(rounds * connections * together), all: make(chan struct{})}
	f := startPython(b, func(cfg *PythonConfig) { cfg.Handler = handler })
	b.SetBytes(int64(len(one)))
	b.ResetTimer()
	before := cpu()
	var senders sync.WaitGroup
	for range connections {
		c := f.dial(b)
		senders.Go(func() {
			for range rounds {
				if _, err := c.Write(many); err != nil {
					b.Error(err)
				}
			}
		})
	}
	senders.Wait()
	<-handler.all
	b.ReportMetric(float64(handler.want)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(handler.want), "cpu-ns/record")
}
