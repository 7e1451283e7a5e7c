package ingest

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// A zmqListener is a bound socket: *net.TCPListener or *net.UnixListener.
type zmqListener interface {
	net.Listener
	syscall.Conn
}

const (
	zmqFirstAcceptPause = 5 * time.Millisecond
	zmqMaxAcceptPause   = time.Second
)

// accept accepts until ctx ends, and has each connection read in a goroutine of its own: none waits for another's
// handshake. What cannot be accepted now (EMFILE) may be later.
func (z *ZMQ) accept(ctx context.Context, ln zmqListener, serving *sync.WaitGroup) {
	pause := zmqFirstAcceptPause
	for {
		nc, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return
		case err == nil:
			pause = zmqFirstAcceptPause
			if z.accepting.Resolved() {
				z.log.Info("connections are accepted again")
			}
			z.admit(nc, serving)
		default:
			if unsaid, ok := z.accepting.Due(time.Now()); ok {
				z.log.Error("cannot accept connections", "error", err, "unsaid", unsaid)
			}
			sleep(ctx, pause)
			pause = min(2*pause, zmqMaxAcceptPause)
		}
	}
}

// admit starts with nc, or closes it if it may not send, or if there are too many.
func (z *ZMQ) admit(nc net.Conn, serving *sync.WaitGroup) {
	c, err := newZMQConn(z, nc)
	if err != nil {
		nc.Close()
		return
	}
	if c.peer.IsValid() && !z.allow.Allows(c.peer) {
		z.counters.DroppedNotAllowed.Add(1)
		if unsaid, ok := z.notAllowed.Due(time.Now()); ok {
			z.log.Warn("refused connections of peers that are not in allow", "source", c.source(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	if full := z.crowd.Enter(c, c.peer); full != "" {
		z.counters.ConnectionsRefused.Add(1)
		if unsaid, ok := z.full.Due(time.Now()); ok {
			z.log.Warn("refused a connection: "+full, "source", c.source(), "unsaid", unsaid)
		}
		nc.Close()
		return
	}
	serving.Go(func() {
		defer z.crowd.Leave(c)
		if err := c.open(); err != nil {
			z.sayRefused(c, err)
			return
		}
		c.serve()
		z.sayTorn(c)
	})
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
