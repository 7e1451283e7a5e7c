package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/redis/go-redis/v9"
)

// What Redis answers, by how it begins, and what that means for whoever reads our log.
var redisAnswers = []struct{ prefix, meaning string }{
	{"WRONGPASS", "the password or the user is wrong"},
	{"invalid password", "the password is wrong"}, // before Redis 6
	{"NOAUTH", "it wants a password"},
	{"AUTH <password> called without any password configured", "a password is given, and the server has none"},
	{"Client sent AUTH, but no password is set", "a password is given, and the server has none"},
	{"NOPERM", "the user may not do that"},
	{"WRONGTYPE", "the key holds something else"},
	{"NOGROUP", "the group or the stream is gone"},
	{"UNBLOCKED", "the stream is gone, or the server became a replica"},
	{"LOADING", "it is still loading its data"},
	{"READONLY", "it is a replica, and only a master can be read from so"},
	{"MOVED", "it is part of a Redis Cluster, which sluice does not follow; a channel can be read from any node"},
	{"MISCONF", "it cannot write its data to disk"},
	{"max number of clients reached", "it has no place for one more client (maxclients)"},
}

// sayRedis puts a meaning before what Redis answered, and names what broke off.
func sayRedis(err error) error {
	for _, a := range redisAnswers {
		if redis.HasErrorPrefix(err, a.prefix) {
			return fmt.Errorf("%s: %w", a.meaning, err)
		}
	}
	var lost lostError
	switch {
	case errors.As(err, &lost):
		return err
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the connection was closed: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer within %s: %w", redisAnswer, err)
	}
	return err
}

// isUnknownCommand tells a command that the server is too old for, or that was renamed there.
func isUnknownCommand(err error) bool {
	return redis.HasErrorPrefix(err, "unknown command") || redis.HasErrorPrefix(err, "ERR unknown command")
}

// A redisError is an answer that begins with -, read by us.
type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}

// A lostError is the end of a connection at which messages were lost that Redis had for us.
type lostError struct{ cause error }

func (e lostError) Error() string {
	return "cut off behind on reading: Redis closes a subscriber that is too slow for its client-output-buffer-limit " +
		"pubsub, and what waited there is lost: " + e.cause.Error()
}

func (e lostError) Unwrap() error { return e.cause }
