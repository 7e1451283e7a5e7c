package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/syslog"
)

// A redisList pops from a list. Redis keeps the list while we are away, and while our targets are full: nothing is popped
// that cannot be handed over. What was popped and had not come here when the connection broke is lost, at most a batch.
type redisList struct {
	redis  *Redis
	key    string
	intake *redisIntake
	old    bool // the server knows no BLMPOP
}

func newRedisList(r *Redis, key string) *redisList {
	return &redisList{redis: r, key: key, intake: newRedisIntake(r, key)}
}

func (s *redisList) read(ctx context.Context, l *redisLink) error {
	for ctx.Err() == nil {
		payloads, err := s.pop(context.WithoutCancel(ctx), l)
		if err == nil {
			l.up()
		}
		if len(payloads) > 0 {
			s.intake.begin(l)
			for _, p := range payloads {
				s.intake.take(p)
			}
			s.intake.handOver()
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", s.key, sayRedis(err))
		}
	}
	return nil
}

// pop takes up to a batch from the left, where what was pushed first is if it was pushed on the right. With an error
// there may be payloads, too.
func (s *redisList) pop(ctx context.Context, l *redisLink) ([]string, error) {
	if s.old {
		return s.popOld(ctx, l)
	}
	_, payloads, err := l.BLMPop(ctx, redisBlock, "left", syslog.BatchSize, s.key).Result()
	switch {
	case err == redis.Nil:
		return nil, nil
	case isUnknownCommand(err):
		s.redis.saidOld.Do(func() {
			s.redis.log.Info("the server knows no BLMPOP, as Redis 7 does, so BLPOP, LRANGE and LTRIM do its work")
		})
		s.old = true
		return nil, nil
	}
	return payloads, err
}

// popOld waits for one with BLPOP and takes those behind it in one transaction.
func (s *redisList) popOld(ctx context.Context, l *redisLink) ([]string, error) {
	first, err := l.BLPop(ctx, redisBlock, s.key).Result()
	if err == redis.Nil {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	const more = syslog.BatchSize - 1
	var rest *redis.StringSliceCmd
	_, err = l.TxPipelined(ctx, func(p redis.Pipeliner) error {
		rest = p.LRange(ctx, s.key, 0, more-1)
		p.LTrim(ctx, s.key, more, -1)
		return nil
	})
	if err != nil {
		return first[1:], err
	}
	return append(first[1:], rest.Val()...), nil
}

// A redisIntake takes what the library read, as strings, from one key.
type redisIntake struct {
	*intake
	feed   syslog.Feed
	key    []byte
	max    int
	origin *syslog.Origin
	arena  []byte // what messages of this batch point into
}

func newRedisIntake(r *Redis, key string) *redisIntake {
	return &redisIntake{
		intake: newIntake(&r.cfg.Setting, r.cfg.ParseOptions, r.cfg.Decode, &r.counters),
		feed:   syslog.Feed{Patience: syslog.Patiently},
		key:    []byte(key),
		max:    r.cfg.MaxMessageSize,
	}
}

// begin says over what the payloads that follow came, now. There are at most as many as a batch holds before handOver.
func (in *redisIntake) begin(l *redisLink) {
	if l.origin == nil {
		l.origin = l.from()
	}
	in.origin = l.origin
	in.intake.begin(&in.feed, time.Now())
	if cap(in.arena) > keepArena {
		in.arena = nil
	}
	in.arena = in.arena[:0]
}

// take takes a payload.
func (in *redisIntake) take(payload string) {
	n := len(in.arena)
	in.arena = append(in.arena, payload[:min(len(payload), in.max)]...)
	var guess syslog.Guess
	if len(payload) > in.max {
		guess = syslog.Truncated
	}
	in.intake.take(in.arena[n:len(in.arena):len(in.arena)], in.key, in.origin, guess)
}
