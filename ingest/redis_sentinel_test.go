package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"sluice/syslog/freeport"
)

// The master moves to another server: Sentinels say where, and we follow. One of those we ask does not exist.
func TestSentinel(t *testing.T) {
	needs(t, "redis-sentinel", "redis-sentinel")
	t.Parallel()
	master := startRedis(t, "--repl-diskless-sync-delay", "0")
	replica := startRedis(t, "--replicaof", "127.0.0.1 "+master.port, "--repl-diskless-sync-delay", "0")
	eventually(t, "the replica", func() bool {
		return strings.Contains(replica.do("INFO", "replication").(string), "master_link_status:up") // seen by Sentinel's first look
	})
	port, dir := freeport.New(t), t.TempDir()
	config := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor shop 127.0.0.1 %s 1\nsentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 2000\n", port, dir, master.port)
	fatal(t, os.WriteFile(config, []byte(text), 0o644))
	watch := runUntil(t, "+monitor master", "redis-sentinel", config)
	t.Cleanup(func() { watch.Process.Kill(); watch.Wait() })
	sentinel := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + port, Protocol: 2})
	t.Cleanup(func() { sentinel.Close() })
	eventually(t, "the replica to be known", func() bool {
		known, err := sentinel.Replicas(t.Context(), "shop").Result()
		return err == nil && len(known) == 1 && known[0]["master-link-status"] == "ok"
	})
	set := func(c *RedisConfig) {
		c.Sentinel = RedisSentinel{Master: "shop", Addresses: []string{freeport.Address(t), "127.0.0.1:" + port}}
	}
	channels := openRedis(t, "redis:///0", func(c *RedisConfig) { set(c); c.Subscribe = []string{"req.*"} })
	list := openRedis(t, "redis:///0", func(c *RedisConfig) { set(c); c.Lists = []string{"logs"} })
	lost := openRedis(t, "redis:///0", func(c *RedisConfig) { set(c); c.Sentinel.Master, c.Lists = "other", []string{"logs"} })
	channels.ready(t)
	list.ready(t)
	master.do("PUBLISH", "req.a", "from the first")
	channels.sink.wait(t, 1)
	if got := channels.Addr().String(); got != "shop/0" {
		t.Errorf("address %s", got)
	}

	fatal(t, sentinel.Failover(t.Context(), "shop").Err())
	eventually(t, "the replica to be the master", func() bool {
		role, err := replica.Do(t.Context(), "ROLE").Slice()
		return err == nil && role[0] == "master"
	})
	eventually(t, "the subscriber to follow", func() bool { return replica.do("PUBSUB", "NUMPAT") == int64(1) })
	replica.do("PUBLISH", "req.a", "from the second")
	channels.sink.wait(t, 2)
	replica.do("RPUSH", "logs", "pushed to the second")
	list.sink.wait(t, 1)
	if text := lost.logs.String(); !strings.Contains(text, `it knows no master \"other\"`) {
		t.Errorf("log:\n%s", text)
	}
}
