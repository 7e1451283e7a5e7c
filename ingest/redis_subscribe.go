package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
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

// A wire is the connection under a subscription. It asks whether Redis is still there when nothing comes.
type wire struct {
	conn     net.Conn
	last     time.Time // when something came last
	asked    bool      // and has not answered yet
	stopping atomic.Bool
	stopBy   atomic.Int64 // ns since 1970
	backlog  int          // bytes of reads in a row that found more than there was room for
	before   int          // likewise, before the last read
}

const (
	// A connection on which nothing comes for so long is asked, and given up when nothing comes for so long again: a
	// server or a network that died says nothing, and a firewall forgets.
	quietRedis = 5 * time.Second
	// drainRedis is how long it may take from the end of the context until Redis says that nothing more will come.
	drainRedis = time.Second
	// cutOffBacklog is what was read without a pause before an end that is taken for being cut off.
	cutOffBacklog = 1 << 20
)

var errSilent = fmt.Errorf("nothing came for %s, and no answer to a PING for as long again", quietRedis)

var (
	pingCommand        = []byte("*1\r\n$4\r\nPING\r\n")
	unsubscribeCommand = []byte("*1\r\n$11\r\nUNSUBSCRIBE\r\n*1\r\n$12\r\nPUNSUBSCRIBE\r\n")
)

// stopAt asks for nothing more when ctx ends: what was published before is read until Redis says that this was all. What
// it returns is called when nothing is read any more.
func (w *wire) stopAt(ctx context.Context) func() {
	asked := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(asked)
		by := time.Now().Add(drainRedis)
		w.stopBy.Store(by.UnixNano())
		w.stopping.Store(true)
		_ = w.conn.SetWriteDeadline(by)
		_, _ = w.conn.Write(unsubscribeCommand)
		_ = w.conn.SetReadDeadline(by)
	})
	return func() {
		if !stop() {
			<-asked
		}
	}
}

// Read reads, and pings when that takes long.
func (w *wire) Read(buf []byte) (int, error) {
	for {
		_ = w.conn.SetReadDeadline(time.Now().Add(quietRedis))
		if w.stopping.Load() { // it may have set its own in between
			_ = w.conn.SetReadDeadline(time.Unix(0, w.stopBy.Load()))
		}
		n, err := w.conn.Read(buf)
		w.last = time.Now()
		switch {
		case n > 0:
			w.asked = false
			return n, err
		case !errors.Is(err, os.ErrDeadlineExceeded) || w.stopping.Load():
			return 0, err
		case w.asked:
			return 0, errSilent
		}
		w.asked = true
		_ = w.conn.SetWriteDeadline(w.last.Add(quietRedis))
		if _, err := w.conn.Write(pingCommand); err != nil {
			return 0, err
		}
	}
}

// refill reads more, and notes whether Redis is ahead of us.
func (w *wire) refill(in *pushReader) error {
	n, all, err := in.fill()
	w.before = w.backlog
	if w.backlog += n; !all {
		w.backlog = 0
	}
	if n > 0 { // the error comes again
		return nil
	}
	return err
}

// why says why there is nothing more to read. Redis ends a connection inside a message, or while it has much for us, only
// if it cuts us off or dies: either way messages are lost that had come as far as that.
func (w *wire) why(in *pushReader, err error) error {
	var answer redisError
	switch {
	case w.stopping.Load():
		return nil
	case errors.Is(err, errProtocol), errors.Is(err, errSilent), errors.As(err, &answer):
		return sayRedis(err)
	case in.r < in.w || max(w.before, w.backlog) >= cutOffBacklog:
		return lostError{err}
	}
	return sayRedis(err)
}
