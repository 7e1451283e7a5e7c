package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/syslog"
)

// A redisStream reads a stream as one consumer of a group. An entry is acknowledged when its message is at rest in every
// target, so that whatever dies in between, it is read again: by us after a restart, or by another consumer of the group.
// Meanwhile we read on.
type redisStream struct {
	redis  *Redis
	key    string
	intake *redisIntake
	open   *openEntries
	claims time.Time // when others' entries are looked for next
	claim  bool      // the server knows how
	fields entryFields
}

// maxOpen is how many entries of an input may be read and not yet acknowledged.
const maxOpen = 10_000

func newRedisStream(r *Redis, key string) *redisStream {
	return &redisStream{
		redis: r, key: key, claim: true,
		intake: newRedisIntake(r, key),
		open:   newOpenEntries(max(maxOpen/len(r.cfg.Streams), 1)),
		fields: entryFields{mode: r.cfg.Decode},
	}
}

// read reads what is new while a second goroutine acknowledges what is at rest.
func (s *redisStream) read(ctx context.Context, l *redisLink) error {
	var acks sync.WaitGroup
	var fault error
	asking, cancel := context.WithCancel(context.Background())
	acks.Go(func() {
		if fault = s.acknowledge(asking, l); fault != nil {
			l.close() // which wakes the reader
		}
	})
	err := s.readEntries(ctx, l)
	if err == nil {
		s.open.drain(redisGrace)
	}
	cancel()
	acks.Wait()
	if fault != nil {
		return fault // the other follows from it
	}
	return err
}

func (s *redisStream) readEntries(ctx context.Context, l *redisLink) error {
	if err := s.makeGroup(ctx, l); err != nil {
		return err
	}
	s.claims = time.Time{}
	if err := s.readPending(ctx, l); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.claimDead(ctx, l); err != nil {
			return err
		}
		room := s.open.room(ctx)
		if room == 0 {
			break
		}
		entries, err := s.group(ctx, l, ">", room, min(redisBlock, s.redis.cfg.ClaimAfter))
		if err != nil {
			return err
		}
		s.take(l, entries)
	}
	return nil
}

// makeGroup makes the group, and the stream if there is none yet. The group begins with what is there.
func (s *redisStream) makeGroup(ctx context.Context, l *redisLink) error {
	err := l.XGroupCreateMkStream(context.WithoutCancel(ctx), s.key, s.redis.cfg.Group, "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil
	}
	if redis.IsPermissionError(err) { // it may have been made for us
		return nil
	}
	return s.about(err)
}

// readPending reads again what this consumer was given and has not acknowledged: before it died, or in an answer that
// was lost with the connection. What is open is not among that; it will be acknowledged yet.
func (s *redisStream) readPending(ctx context.Context, l *redisLink) error {
	defer s.open.ask()()
	for after := "0"; ctx.Err() == nil; {
		room := s.open.room(ctx)
		if room == 0 {
			break
		}
		entries, err := s.group(ctx, l, after, room, -1)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		after = entries[len(entries)-1].id
		s.take(l, entries)
	}
	return nil
}

// group reads up to n entries after an ID; those behind > are new to the group.
func (s *redisStream) group(ctx context.Context, l *redisLink, after string, n int, block time.Duration) ([]entry, error) {
	args := []any{"XREADGROUP", "GROUP", s.redis.cfg.Group, s.redis.cfg.Consumer, "COUNT", min(n, syslog.BatchSize)}
	if block >= 0 {
		args = append(args, "BLOCK", max(block.Milliseconds(), 1))
	}
	answer, err := l.Do(context.WithoutCancel(ctx), append(args, "STREAMS", s.key, after)...).Slice()
	if err != nil && err != redis.Nil {
		return nil, s.about(err)
	}
	l.up()
	var entries []entry
	for _, stream := range answer { // one
		if pair, ok := stream.([]any); ok && len(pair) == 2 {
			list, _ := pair[1].([]any)
			entries = appendEntries(entries, list)
		}
	}
	return entries, nil
}

// claimDead takes over what another consumer was given and has not acknowledged for long.
func (s *redisStream) claimDead(ctx context.Context, l *redisLink) error {
	now := time.Now()
	if !s.claim || now.Before(s.claims) {
		return nil
	}
	s.claims = now.Add(s.redis.cfg.ClaimAfter / 2)
	defer s.open.ask()()
	for after := "0-0"; ctx.Err() == nil; {
		room := s.open.room(ctx)
		if room == 0 {
			break
		}
		answer, err := l.Do(context.WithoutCancel(ctx), "XAUTOCLAIM", s.key, s.redis.cfg.Group, s.redis.cfg.Consumer,
			max(s.redis.cfg.ClaimAfter.Milliseconds(), 1), after, "COUNT", min(room, syslog.BatchSize)).Slice()
		switch {
		case isUnknownCommand(err), redis.IsPermissionError(err):
			s.claim = false
			s.redis.log.Warn("what a dead consumer leaves pending will not be claimed", "stream", s.key, "error", sayRedis(err))
			return nil
		case err != nil:
			return s.about(err)
		case len(answer) < 2:
			return errors.New("an answer to XAUTOCLAIM that makes no sense")
		}
		list, _ := answer[1].([]any)
		s.take(l, appendEntries(nil, list))
		if len(answer) > 2 { // Redis 7 has taken these off itself
			gone, _ := answer[2].([]any)
			s.sayGone(s.unopened(gone))
		}
		next, _ := answer[0].(string)
		if next == "0-0" || next == "" {
			break
		}
		after = next
	}
	return nil
}

// take hands entries over and opens them. Those that are open are left out; those that were trimmed off the stream, so
// that nothing but their ID is left, are only acknowledged.
func (s *redisStream) take(l *redisLink, entries []entry) {
	if len(entries) == 0 {
		return
	}
	var ids []string
	gone := 0
	s.intake.begin(l)
	for _, e := range entries {
		if s.open.has(e.id) {
			continue
		}
		ids = append(ids, e.id)
		if e.fields == nil {
			gone++
			continue
		}
		s.intake.take(s.fields.payload(e.fields))
	}
	s.intake.handOver()
	s.sayGone(gone)
	if len(ids) > 0 {
		s.open.add(ids, s.intake.feed.Sync())
	}
}

// unopened is how many of some IDs are not open: those have been counted.
func (s *redisStream) unopened(ids []any) (n int) {
	for _, id := range ids {
		if id, ok := id.(string); ok && !s.open.has(id) {
			n++
		}
	}
	return n
}

// sayGone counts and says that entries were trimmed off the stream before they could be read.
func (s *redisStream) sayGone(n int) {
	if n > 0 {
		s.redis.counters.Gone.Add(uint64(n))
		s.redis.log.Warn("pending entries are no longer in their stream, which is too short (MAXLEN) for the time that passed",
			"stream", s.key, "messages", n)
	}
}

// acknowledge acknowledges what is at rest until ctx ends.
func (s *redisStream) acknowledge(ctx context.Context, l *redisLink) error {
	for {
		ids := s.open.settled(ctx)
		if len(ids) == 0 {
			return nil
		}
		if err := l.XAck(context.WithoutCancel(ctx), s.key, s.redis.cfg.Group, ids...).Err(); err != nil {
			return s.about(err)
		}
		s.open.remove(ids)
	}
}

// about says which stream it is that something is wrong with.
func (s *redisStream) about(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stream %s: %w", s.key, sayRedis(err))
}
