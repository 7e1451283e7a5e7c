package ingest

import (
	"bytes"
	"context"
	"strings"
	"time"

	"sluice/syslog"
)

// A redisSubscriber reads channels. Redis keeps nothing for it while it is away, and cuts it off if it reads too slowly:
// so it waits for nobody. The library connects it, and what follows it reads itself, in place: a message of 150 bytes
// costs a few tens of nanoseconds, and all that one read from the socket brought is handed over before the next.
type redisSubscriber struct {
	redis           *Redis
	names, patterns []string
	intake          *intake
	feed            syslog.Feed
	prior           prior
}

func newRedisSubscriber(r *Redis) *redisSubscriber {
	s := &redisSubscriber{
		redis:  r,
		intake: newIntake(&r.cfg.Setting, r.cfg.ParseOptions, r.cfg.Decode, &r.counters),
		feed:   syslog.Feed{Patience: syslog.Never},
	}
	for _, name := range r.cfg.Subscribe {
		if strings.ContainsAny(name, "*?[") {
			s.patterns = append(s.patterns, name)
		} else {
			s.names = append(s.names, name)
		}
	}
	return s
}

// subscriptions is how many there are.
func (s *redisSubscriber) subscriptions() int { return len(s.names) + len(s.patterns) }

func (s *redisSubscriber) read(ctx context.Context, l *redisLink) error {
	w, err := s.subscribe(ctx, l)
	if err != nil {
		return err
	}
	defer w.stopAt(ctx)()
	s.prior = prior{}
	in := newPushReader(w, s.redis.cfg.MaxMessageSize)
	defer s.intake.handOver()
	for {
		x, err := in.next()
		if err == errShort {
			s.intake.handOver()
			s.prior.keep()
			if in.full() {
				x, err = in.long()
			} else if err = w.refill(in); err == nil {
				s.intake.begin(&s.feed, w.last)
				continue
			}
		}
		if err != nil {
			return w.why(in, err)
		}
		if done := s.take(l, w, &x); done {
			return nil
		}
	}
}

// subscribe lets the library connect and say what we want, and takes the connection from there.
func (s *redisSubscriber) subscribe(ctx context.Context, l *redisLink) (*wire, error) {
	ctx = context.WithoutCancel(ctx)
	client := l.Subscribe(ctx)
	if len(s.names) > 0 {
		if err := client.Subscribe(ctx, s.names...); err != nil {
			return nil, sayRedis(err)
		}
	}
	if len(s.patterns) > 0 {
		if err := client.PSubscribe(ctx, s.patterns...); err != nil {
			return nil, sayRedis(err)
		}
	}
	l.origin = l.from()
	return &wire{conn: l.newest(), last: time.Now()}, nil
}

// take takes one push. It returns true if it was the last.
func (s *redisSubscriber) take(l *redisLink, w *wire, x *push) (done bool) {
	switch string(x.kind) {
	case "message", "pmessage":
		if s.subscriptions() > 1 && s.prior.again(x) {
			return false
		}
		var guess syslog.Guess
		if x.cut {
			guess = syslog.Truncated
		}
		s.intake.take(x.payload, x.channel, l.origin, guess)
	case "subscribe", "psubscribe":
		if int(x.count) == s.subscriptions() {
			l.up()
		}
	case "unsubscribe", "punsubscribe":
		return x.count == 0 && w.stopping.Load()
	}
	return false
}

// A prior is the message before, in case it comes again: Redis sends a message once for each of our subscriptions that
// matches its channel, one right after the other.
type prior struct {
	push
	own    bool // it points into memory
	memory []byte
}

// again reports whether x is the message before, by another of our subscriptions. Those that match a channel always send
// in turn, so the one that sent first tells the next message, even if that has the same text.
func (p *prior) again(x *push) bool {
	if bytes.Equal(p.channel, x.channel) && !bytes.Equal(p.pattern, x.pattern) && bytes.Equal(p.payload, x.payload) {
		return true
	}
	p.push, p.own = *x, false
	return false
}

// keep copies the message before, as what it points into is to be overwritten.
func (p *prior) keep() {
	if p.own {
		return
	}
	a, b := len(p.pattern), len(p.pattern)+len(p.channel)
	p.memory = append(append(append(p.memory[:0], p.pattern...), p.channel...), p.payload...)
	p.pattern, p.channel, p.payload = p.memory[:a], p.memory[a:b], p.memory[b:]
	p.own = true
}
