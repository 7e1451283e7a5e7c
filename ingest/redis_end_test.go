package ingest

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog/freeport"
)

// Run ends soon and leaves no goroutine, whether it reads, waits for a server that is not there, or waits for the first
// word of one that says nothing.
func TestRedisLeavesNothing(t *testing.T) {
	s := startRedis(t)
	s.do("PING") // the library's own goroutines are there now
	ways := map[string]func(*RedisConfig){
		"subscribe": func(c *RedisConfig) { c.Subscribe = []string{"req.*"} },
		"lists":     func(c *RedisConfig) { c.Lists = []string{"logs", "more"} },
		"streams":   func(c *RedisConfig) { c.Streams = []string{"ulog", "more"} },
	}
	ends := func(t *testing.T, url string, reads bool) {
		for way, set := range ways {
			t.Run(way, func(t *testing.T) {
				before := runtime.NumGoroutine()
				f := openRedis(t, url, set)
				if reads {
					eventually(t, "to read", func() bool { return f.counters.Connections.Load() > 0 })
				} else {
					runtime.Gosched()
				}
				begin := time.Now()
				f.stop()
				if d := time.Since(begin); d > redisGrace {
					t.Errorf("it took %s", d)
				}
				eventually(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
			})
		}
	}
	t.Run("reading", func(t *testing.T) { ends(t, "redis://"+s.addr(), true) })
	t.Run("nobody", func(t *testing.T) { ends(t, "redis://127.0.0.1:"+freeport.New(t), false) })
	fatal(t, s.cmd.Process.Signal(unix.SIGSTOP))
	t.Run("silence", func(t *testing.T) { ends(t, "redis://"+s.addr(), false) })
}
