package ingest

import (
	"fmt"
	"strings"
	"testing"
)

var redisAddresses = []struct{ text, want string }{
	{"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
	{"redis://cache", "redis://cache:6379/0"},
	{"redis://cache/", "redis://cache:6379/0"},
	{"redis://[::1]/2", "redis://[::1]:6379/2"},
	{"redis://[::1]:7000?db=3", "redis://[::1]:7000/3"},
	{"redis:///0", "redis:///0"},
	{"REDISS://cache", "rediss://cache:6379/0"},
	{"redis://:pw@cache", "redis://cache:6379/0 as  pw"},
	{"redis://web:p%40w@cache", "redis://cache:6379/0 as web p@w"},
	{"redis://:p@w/x?y://@cache:1/2", "redis://cache:1/2 as  p@w/x?y://"},
	{"literal redis://:50%25@cache", "redis://cache:6379/0 as  50%25"},
	{"unix:///run/redis.sock", "unix:///run/redis.sock"},
	{"unix://web:pw@/run/redis.sock?db=2", "unix:///run/redis.sock?db=2 as web pw"},
	{"unix://redis.sock", "unix://redis.sock"},
	{"password@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0 as  password"},
	{":password@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0 as  password"},
	{"p:/a%ss@w@127.0.0.1:6379/1", "redis://127.0.0.1:6379/1 as  p:/a%ss@w"},
	{"127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
	{"127.0.0.1", "redis://127.0.0.1:6379/0"},

	{"http://cache", "error: unknown scheme: want redis://, rediss:// or unix://"},
	{"redis://secret@cache", "error: a user needs a password: redis://user:password@host, or redis://:password@host without a user"},
	{"redis://:secret%@cache", "error: the password has a % that begins no escape: write it %25"},
	{"redis://secret%:pw@cache", "error: the user has a % that begins no escape: write it %25"},
	{"redis://:secret@cache:port", "error: the port is not 1 to 65535"},
	{"redis://:secret@cache:0", "error: the port is not 1 to 65535"},
	{"redis://:secret@cache/x", "error: the database is no number"},
	{"redis://:secret@cache/-1", "error: the database is no number"},
	{"redis://:secret@cache/1?db=1", "error: the database is there twice, as path and as db"},
	{"redis://:secret@cache?timeout=5s", "error: in the URL there can only be the option db; write others as keys beside it"},
	{"redis://:secret@:6379", "error: the address is not host:port/db"},
	{"redis://:secret@a:b:c", "error: the address is not host:port/db"},
	{"unix://web:secret@", "error: the address names no socket: want unix:///path"},
}

func TestParseRedisAddress(t *testing.T) {
	for _, c := range redisAddresses {
		text, literal := strings.CutPrefix(c.text, "literal ")
		a, err := ParseRedisAddress(text, literal)
		got := a.String()
		if a.User != "" || a.Password != "" {
			got += fmt.Sprintf(" as %s %s", a.User, a.Password)
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.text, got, c.want)
		}
	}
}

// An address that is read is read again from what it shows of itself, and neither that nor an error shows a password.
func FuzzParseRedisAddress(f *testing.F) {
	for _, c := range redisAddresses {
		text, literal := strings.CutPrefix(c.text, "literal ")
		f.Add(text, literal)
	}
	f.Fuzz(func(t *testing.T, text string, literal bool) {
		a, err := ParseRedisAddress(text, literal)
		if err != nil {
			return
		}
		b, err := ParseRedisAddress(a.String(), false)
		if err != nil {
			t.Fatalf("%q shows itself as %q, which is none: %v", text, a, err)
		}
		if a.User, a.Password = "", ""; a != b {
			t.Errorf("%q is %+v, and read again %+v", text, a, b)
		}
	})
}

// A configuration that makes no sense is refused before anything is asked of Redis, and no password is shown.
func TestRedisCheck(t *testing.T) {
	for want, set := range map[string]func(*RedisConfig){
		"want one of subscribe, lists and streams":      func(c *RedisConfig) { c.Subscribe = nil },
		"want only one of subscribe, lists and streams": func(c *RedisConfig) { c.Lists = []string{"x"} },
		"an empty name":         func(c *RedisConfig) { c.Subscribe = []string{""} },
		`"x" is there twice`:    func(c *RedisConfig) { c.Subscribe = []string{"x", "y", "x"} },
		"streams need a group":  func(c *RedisConfig) { c.Subscribe, c.Streams, c.Group = nil, []string{"x"}, "" },
		"claim_after is 0s":     func(c *RedisConfig) { c.ClaimAfter = 0 },
		"max_message_size is 0": func(c *RedisConfig) { c.MaxMessageSize = 0 },
		"want both master and":  func(c *RedisConfig) { c.Sentinel.Master = "m" },
		"is a socket of this one": func(c *RedisConfig) {
			c.Address.Network, c.Sentinel = "unix", RedisSentinel{Master: "m", Addresses: []string{"s"}}
		},
		"the address names no host": func(c *RedisConfig) { c.Address.Where = "" },
		"no handler":                func(c *RedisConfig) { c.Handler = nil },
	} {
		a, err := ParseRedisAddress("redis://:hunter2@cache", false)
		fatal(t, err)
		cfg := RedisConfig{Setting: Setting{Handler: newSink()}, RedisOptions: DefaultRedisOptions(), Address: a}
		cfg.Subscribe = []string{"x"}
		set(&cfg)
		if _, err := NewRedis(cfg); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("have %v, want %s", err, want)
		}
	}
}
