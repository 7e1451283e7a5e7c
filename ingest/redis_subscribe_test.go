package ingest

import (
	"testing"
)

func TestSubscribe(t *testing.T) {
	s := startRedis(t)
	f := openRedis(t, "redis://"+s.addr(), func(c *RedisConfig) { c.Subscribe = []string{"req.*"} })
	f.ready(t)
	s.do("PUBLISH", "req.app1", "hello")
	t.Log(f.sink.wait(t, 1))
	f.stop()
	t.Log(f.logs)
}
