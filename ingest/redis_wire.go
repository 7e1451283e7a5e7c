package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

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
	case in.inside() || max(w.before, w.backlog) >= cutOffBacklog:
		return lostError{err}
	}
	return sayRedis(err)
}
