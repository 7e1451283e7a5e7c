package ingest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"sluice/syslog"
)

// How long it takes to connect again. What a publisher sends meanwhile is lost, so the first try is soon; and the wait
// grows until a connection has lasted.
const (
	zmqRetryMin = 100 * time.Millisecond
	zmqRetryMax = 5 * time.Second
	zmqSettled  = 5 * time.Second
)

// keepConnected reads from e until ctx ends, over one connection after the other: a peer that is not there yet, goes, or
// will not have us is tried for ever.
func (z *ZMQ) keepConnected(ctx context.Context, e ZMQEndpoint) {
	var fault syslog.Fault
	wait := zmqRetryMin
	for ctx.Err() == nil {
		since, err := z.readFrom(ctx, e, &fault)
		if ctx.Err() != nil {
			return
		}
		if !since.IsZero() {
			z.counters.Reconnects.Add(1)
			if time.Since(since) >= zmqSettled {
				wait = zmqRetryMin
			}
		}
		if unsaid, ok := fault.Due(time.Now()); ok {
			z.log.Warn("cannot read from ZeroMQ, trying again", "address", e.String(), "error", err, "unsaid", unsaid)
		}
		sleep(ctx, wait/2+rand.N(wait/2+1)) // not all at once, if many wait for the same publisher
		wait = min(2*wait, zmqRetryMax)
	}
}

// readFrom reads over one connection, and says since when it was open and why it is not any more.
func (z *ZMQ) readFrom(ctx context.Context, e ZMQEndpoint, fault *syslog.Fault) (since time.Time, err error) {
	nc, err := e.dial(ctx, z.cfg.KeepAlive)
	if err != nil {
		return since, e.socketError(err)
	}
	c, err := newZMQConn(z, nc)
	if err != nil {
		nc.Close()
		return since, err
	}
	if full := z.crowd.Enter(c, c.peer); full != "" {
		nc.Close()
		return since, z.cfg.errorf("%s", full)
	}
	defer z.crowd.Leave(c)
	if err := c.open(); err != nil {
		return since, closedByPeer(err)
	}
	since = time.Now()
	if fault.Resolved() {
		z.log.Info("connected", "address", e.String())
	}
	c.serve()
	return since, closedByPeer(c.end)
}

// closedByPeer is err, an EOF said in words.
func closedByPeer(err error) error {
	if err == io.EOF {
		return errors.New("the peer closed the connection")
	}
	return err
}
