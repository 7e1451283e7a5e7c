package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"sluice/syslog"
)

// RedisOptions are the options of a Redis input. It has one of Subscribe, Lists and Streams.
type RedisOptions struct {
	syslog.ParseOptions `yaml:",inline"`

	Subscribe []string `yaml:"subscribe,list"` // channels, and patterns where * ? or [ is in them
	Lists     []string `yaml:"lists,list"`     // popped from the left
	Streams   []string `yaml:"streams,list"`

	Group      string        `yaml:"group"`
	Consumer   string        `yaml:"consumer"`    // in the group; empty: this machine's hostname
	ClaimAfter time.Duration `yaml:"claim_after"` // what another consumer left pending for so long is ours

	Decode         Decoding      `yaml:"decode"`
	MaxMessageSize int           `yaml:"max_message_size,size"` // longer: cut there and counted
	Sentinel       RedisSentinel `yaml:"sentinel"`
}

// A RedisSentinel says who knows where the master is. Then the host of the input's URL is not used.
type RedisSentinel struct {
	Master    string   `yaml:"master"`
	Addresses []string `yaml:"addresses,list"`
	User      string   `yaml:"user"` // the Sentinels' own
	Password  string   `yaml:"password"`
}

// DefaultRedisOptions are the options of an input that sets none.
func DefaultRedisOptions() RedisOptions {
	opts := RedisOptions{
		ParseOptions:   syslog.DefaultParseOptions(),
		Group:          "sluice",
		ClaimAfter:     5 * time.Minute,
		MaxMessageSize: 1 << 20,
	}
	opts.DefaultSeverity = syslog.Info
	return opts
}

// A RedisConfig is all that a Redis input is made of.
type RedisConfig struct {
	Setting
	RedisOptions
	Address RedisAddress
	// TLS gives the configuration for a connection to a host: the server's, or that of a Sentinel. It is asked for each.
	// nil: the system's authorities vouch for the host.
	TLS func(host string) (*tls.Config, error)
}

// maxRedisMessage keeps a slip of the pen from being taken for buffers.
const maxRedisMessage = 64 << 20

// Check reports what can be said against c without asking Redis. NewRedis calls it first.
func (c *RedisConfig) Check() error {
	ways := 0
	for _, names := range [][]string{c.Subscribe, c.Lists, c.Streams} {
		if len(names) > 0 {
			ways++
		}
		for i, name := range names {
			if name == "" {
				return c.errorf("an empty name is none of a channel, list or stream")
			}
			if slices.Contains(names[:i], name) {
				return c.errorf("%q is there twice", name)
			}
		}
	}
	switch {
	case ways == 0:
		return c.errorf("want one of subscribe, lists and streams: what is to be read")
	case ways > 1:
		return c.errorf("want only one of subscribe, lists and streams; make it an input for each")
	case len(c.Streams) > 0 && c.Group == "":
		return c.errorf("streams need a group")
	case c.ClaimAfter <= 0:
		return c.errorf("claim_after is %s, not more than 0s", c.ClaimAfter)
	case c.MaxMessageSize < 1 || c.MaxMessageSize > maxRedisMessage:
		return c.errorf("max_message_size is %d, not 1 to %d bytes", c.MaxMessageSize, maxRedisMessage)
	case c.TLS != nil && !c.Address.TLS:
		return c.errorf("tls is for an address that begins with rediss://")
	case (c.Sentinel.Master == "") != (len(c.Sentinel.Addresses) == 0):
		return c.errorf("sentinel: want both master and addresses")
	case c.Sentinel.Master != "" && c.Address.Network != "tcp":
		return c.errorf("sentinel: it names hosts, and %s is a socket of this one", c.Address.Where)
	case c.Address.Where == "" && c.Sentinel.Master == "":
		return c.errorf("the address names no host")
	case c.Handler == nil:
		return c.errorf("no handler")
	}
	return nil
}

// errorf is an error about this input. Its address comes first, without user and password.
func (c *RedisConfig) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{c.Address}, args...)...)
}

// A Redis reads what others publish, push or add to a Redis server.
type Redis struct {
	cfg      RedisConfig
	counters syslog.Counters
	log      *slog.Logger
	stop     context.Context // ends with Close
	close    context.CancelFunc
	saidOld  sync.Once // that lists are popped in another way
}

// NewRedis checks cfg and returns an input that connects in Run.
func NewRedis(cfg RedisConfig) (*Redis, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Consumer == "" {
		cfg.Consumer = cfg.Hostname
	}
	if cfg.Consumer == "" {
		cfg.Consumer = "sluice"
	}
	for i, a := range cfg.Sentinel.Addresses {
		cfg.Sentinel.Addresses[i] = withPort(a, sentinelPort)
	}
	r := &Redis{cfg: cfg, log: cfg.log()}
	r.stop, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Addr is where it reads, without user and password.
func (r *Redis) Addr() net.Addr {
	a := r.cfg.Address
	if s := r.cfg.Sentinel; s.Master != "" {
		a.Where = s.Master
	}
	return address{a.scheme(), a.place()}
}

// Counters are what it has counted.
func (r *Redis) Counters() *syslog.Counters { return &r.counters }

// Close ends Run, or keeps it from beginning.
func (r *Redis) Close() { r.close() }

// A redisSource is one connection's worth of reading: a subscription, a list or a stream.
type redisSource interface {
	// read reads over l until ctx ends, when all that was read has been handed over, or until something is wrong. It
	// calls l.up once it is known that messages come.
	read(ctx context.Context, l *redisLink) error
}

// sources are what the input reads at the same time. Lists and streams have a connection each, so that one that is of the
// wrong type, or has much to read, is nothing to the others.
func (r *Redis) sources() (sources []redisSource) {
	if len(r.cfg.Subscribe) > 0 {
		sources = append(sources, newRedisSubscriber(r))
	}
	for _, key := range r.cfg.Lists {
		sources = append(sources, newRedisList(r, key))
	}
	for _, key := range r.cfg.Streams {
		sources = append(sources, newRedisStream(r, key))
	}
	return sources
}

// Run reads until ctx ends and all that was read then is handed over. Where Redis cannot be reached, or will not have
// us, it tries for ever.
func (r *Redis) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.stop, cancel)()
	var readers sync.WaitGroup
	for _, s := range r.sources() {
		readers.Go(func() { r.keepReading(ctx, s) })
	}
	readers.Wait()
	return nil
}

// How long a source waits before it connects again. While a subscriber is away it loses what is published, so the first
// try is soon; and the wait grows only until Redis has been there for a while.
const (
	redisRetryMin = 50 * time.Millisecond
	redisRetryMax = 5 * time.Second
	redisSettled  = 5 * time.Second
)

// keepReading reads from s, over one connection after the other.
func (r *Redis) keepReading(ctx context.Context, s redisSource) {
	var fault syslog.Fault
	wait := redisRetryMin
	for ctx.Err() == nil {
		l := &redisLink{redis: r, stop: ctx, fault: &fault}
		err := l.run(ctx, s)
		if ctx.Err() != nil {
			return
		}
		var lost lostError
		if errors.As(err, &lost) {
			r.counters.CutOff.Add(1)
		}
		if !l.since.IsZero() {
			r.counters.Reconnects.Add(1)
			if time.Since(l.since) >= redisSettled {
				wait = redisRetryMin
			}
		}
		if unsaid, ok := fault.Due(time.Now()); ok {
			r.log.Warn("cannot read from Redis, trying again", "address", r.Addr().String(), "error", err, "unsaid", unsaid)
		}
		pause(ctx, wait/2+rand.N(wait)) // half to one and a half: many that lost the same server do not come back together
		wait = min(2*wait, redisRetryMax)
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
