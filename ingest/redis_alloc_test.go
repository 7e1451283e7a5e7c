//go:build !race

package ingest

import (
	"bytes"
	"testing"
	"time"

	"sluice/syslog"
)

// From the connection's buffer to the batch a published message costs no allocation, on one channel or with patterns that
// overlap.
func TestSubscribeAllocatesNothing(t *testing.T) {
	const many = 500
	one := []byte("*4\r\n$8\r\npmessage\r\n$5\r\nreq.*\r\n$7\r\nreq.web\r\n$12\r\nGET / => 200\r\n")
	stream := bytes.Repeat(one, many)
	for _, patterns := range [][]string{{"req.*"}, {"req.*", "*"}} {
		cfg := RedisConfig{Setting: Setting{Handler: &counter{}}, RedisOptions: DefaultRedisOptions(), Address: RedisAddress{Network: "tcp", Where: "x:1"}}
		cfg.Subscribe = patterns
		r, err := NewRedis(cfg)
		fatal(t, err)
		s := newRedisSubscriber(r)
		l := &redisLink{redis: r, origin: origins["redis"], fault: &syslog.Fault{}}
		src := bytes.NewReader(nil)
		in, w, taken := newPushReader(src, 1<<20), &wire{}, 0
		read := func() {
			src.Reset(stream)
			for {
				x, err := in.next()
				if err == errShort {
					s.intake.handOver()
					s.prior.keep()
					if _, _, err := in.fill(); err != nil {
						return
					}
					s.intake.begin(&s.feed, time.Now())
					continue
				}
				fatal(t, err)
				s.take(l, w, &x)
				taken++
			}
		}
		if allocs := testing.AllocsPerRun(100, read); allocs > 0 {
			t.Errorf("%v allocations for %d messages", allocs, many)
		}
		if taken < 100*many {
			t.Errorf("%d messages", taken)
		}
	}
}
