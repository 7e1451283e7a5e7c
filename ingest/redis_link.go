package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"sluice/syslog"
)

const (
	redisDial   = 5 * time.Second  // to connect, with TLS
	redisAnswer = 10 * time.Second // to any command; longer than redisBlock
	redisBlock  = time.Second      // that Redis holds a command until there is something
	redisGrace  = 5 * time.Second  // from the end of the context until what was read need not be at rest any more
)

func init() {
	// What it says comes back as errors, too. (It writes to standard error past the daemon's log otherwise.)
	redis.SetLogger(&nobodyListens{})
}

type nobodyListens struct{}

func (*nobodyListens) Printf(context.Context, string, ...any) {}

// A redisLink is one connection to Redis, or the few that a client makes to the same server, until something goes wrong
// with it.
type redisLink struct {
	*redis.Client
	redis  *Redis
	stop   context.Context // the input's
	fault  *syslog.Fault
	origin *syslog.Origin
	since  time.Time // when messages could come; zero: not yet

	greeted atomic.Bool // commands may be under way

	mu     sync.Mutex
	conns  []net.Conn // all that were made; the last is the newest
	closed bool
}

// run connects, and lets s read until that ends. Nothing stays open.
func (l *redisLink) run(ctx context.Context, s redisSource) error {
	defer l.close()
	defer l.endInTime(ctx)()
	opts, err := l.options(ctx)
	if err != nil {
		return err
	}
	l.Client = redis.NewClient(opts)
	defer l.Client.Close()
	defer func() {
		if !l.since.IsZero() {
			l.redis.counters.Connections.Add(-1)
		}
	}()
	return s.read(ctx, l)
}

// endInTime closes the connections a while after ctx ended: a command that Redis never answers must not hold up the end.
// What it returns ends the watch.
func (l *redisLink) endInTime(ctx context.Context) func() {
	var watch sync.WaitGroup
	over, cancel := context.WithCancel(context.Background())
	watch.Go(func() {
		select {
		case <-over.Done():
			return
		case <-ctx.Done():
		}
		if l.greeted.Load() { // else nothing was asked for that could be lost
			pause(over, redisGrace+redisBlock)
		}
		l.close()
	})
	return func() {
		cancel()
		watch.Wait()
	}
}

// options are those of a client of the server that is the master now.
func (l *redisLink) options(ctx context.Context) (*redis.Options, error) {
	cfg := &l.redis.cfg
	a := cfg.Address
	if cfg.Sentinel.Master != "" {
		master, err := l.askSentinels(ctx)
		if err != nil {
			return nil, err
		}
		a.Where = master
	}
	opts := l.plainOptions(a.Network, a.Where)
	opts.DB, opts.Username, opts.Password = a.DB, a.User, a.Password
	opts.OnConnect = l.greet
	return opts, nil
}

// plainOptions leave everything to us that the library would do behind our back: it neither retries nor dials twice.
func (l *redisLink) plainOptions(network, where string) *redis.Options {
	return &redis.Options{
		Network: network, Addr: where, Dialer: l.dial,
		Protocol:   2, // in Pub/Sub the only one that both sides agree on
		MaxRetries: -1, DialerRetries: 1, DialTimeout: redisDial,
		ReadTimeout: redisAnswer, WriteTimeout: redisAnswer,
		DisableIdentity:          true, // a user who may only subscribe may not say this
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// greet gives the connection a name for whoever asks Redis for its clients. HELLO takes it from every user. A server that
// Sentinels took for the master and that is none is not read from.
func (l *redisLink) greet(ctx context.Context, c *redis.Conn) error {
	_ = c.Hello(ctx, 2, "", "", "sluice").Err()
	l.greeted.Store(true)
	if l.redis.cfg.Sentinel.Master == "" {
		return nil
	}
	role, err := c.Do(ctx, "ROLE").Slice()
	if err == nil && len(role) > 0 && role[0] != "master" {
		return fmt.Errorf("the server is a %v, and no longer the master", role[0])
	}
	return nil // an old server, or a user who may not ask
}

// dial connects. It gives up when the input stops, which the library's context does not say.
func (l *redisLink) dial(_ context.Context, network, where string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.stop, redisDial)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, network, where)
	if err != nil {
		return nil, err
	}
	if l.redis.cfg.Address.TLS {
		if c, err = handshake(ctx, c, l.redis.cfg.TLS, where); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	l.conns = append(l.conns, c)
	return c, nil
}

// handshake makes c secure, or closes it.
func handshake(ctx context.Context, c net.Conn, config func(host string) (*tls.Config, error), where string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(where)
	settings, err := &tls.Config{ServerName: host}, error(nil)
	if config != nil {
		settings, err = config(host)
	}
	if err == nil {
		secure := tls.Client(c, settings)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
	}
	c.Close()
	return nil, fmt.Errorf("TLS: %w", err)
}

// newest is the connection that was made last.
func (l *redisLink) newest() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[len(l.conns)-1]
}

func (l *redisLink) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.conns {
		c.Close()
	}
}

// askSentinels returns the address of the master. The Sentinel that knew is asked first the next time.
func (l *redisLink) askSentinels(ctx context.Context) (string, error) {
	s := &l.redis.cfg.Sentinel
	var faults []error
	for _, where := range slices.Clone(s.Addresses) {
		opts := l.plainOptions("tcp", where)
		opts.Username, opts.Password = s.User, s.Password
		client := redis.NewSentinelClient(opts)
		addr, err := client.GetMasterAddrByName(ctx, s.Master).Result()
		client.Close()
		if err == nil && len(addr) == 2 {
			return net.JoinHostPort(addr[0], addr[1]), nil
		}
		if errors.Is(err, redis.Nil) {
			err = fmt.Errorf("it knows no master %q", s.Master)
		}
		faults = append(faults, fmt.Errorf("sentinel %s: %w", where, sayRedis(err)))
	}
	return "", errors.Join(faults...)
}

// up says that messages can come now. A fault that was said is over.
func (l *redisLink) up() {
	if !l.since.IsZero() {
		return
	}
	l.since = time.Now()
	l.redis.counters.Connections.Add(1)
	if l.fault.Resolved() {
		l.redis.log.Info("reads from Redis again", "address", l.redis.Addr().String())
	}
}

// from is where the messages of this link come from. It must be connected.
func (l *redisLink) from() *syslog.Origin {
	cfg := &l.redis.cfg
	o := &syslog.Origin{Input: cfg.Name, Transport: syslog.Redis, Source: []byte("127.0.0.1"), Host: []byte(cfg.Hostname)}
	if tcp, ok := l.newest().RemoteAddr().(*net.TCPAddr); ok {
		source := []byte(tcp.AddrPort().Addr().Unmap().WithZone("").String())
		o.Source, o.Host = source, source
	}
	return o
}
