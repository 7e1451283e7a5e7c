package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"sluice/syslog"
)

const (
	sendConnect  = 10 * time.Second // at most, for each connection
	sendPatience = 10 * time.Second // for the receiver to close at the end
	sendHurry    = time.Second      // for all of it when interrupted
)

// A sendLink is one open connection or datagram socket. One goroutine sends; hurry and Close may be called by others.
type sendLink interface {
	// send writes the whole batch and waits while the receiver is slow. It returns how many messages went out.
	send(ctx context.Context, b *sendBatch) (n int, err error)
	// refused takes the number of datagrams that came back since the last call.
	refused() int64
	// finish says that no more comes, and waits until the receiver has read all. os.ErrDeadlineExceeded: until limit, or
	// a second after ctx ended, it did not say so.
	finish(ctx context.Context, limit time.Time) error
	// hurry gives what is being sent one more second.
	hurry()
	Close() error
}

// open opens all of the job's connections, so that the clock starts when all can send.
func (j *sendJob) open(ctx context.Context) ([]sendLink, error) {
	links := make([]sendLink, 0, j.connections)
	for range j.connections {
		link, err := j.dial(ctx)
		if err != nil {
			for _, l := range links {
				l.Close()
			}
			if ctx.Err() != nil {
				return nil, errors.New("send: interrupted")
			}
			if n := len(links); n > 0 {
				err = fmt.Errorf("connection %d of %d: %w", n+1, j.connections, err)
			}
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}

// dial opens one connection. A bare path that holds a stream socket changes the job's address and framing to that.
func (j *sendJob) dial(ctx context.Context) (sendLink, error) {
	link, err := j.to.dial(ctx)
	if j.to.either && errors.Is(err, syscall.EPROTOTYPE) {
		j.to.network, j.to.either = syslog.Unix, false
		j.framing = streamFraming(j.counted)
		link, err = j.to.dial(ctx)
	}
	j.to.either = j.to.either && err != nil // decided
	if err == nil && j.counted && j.to.datagram() {
		link.Close()
		return nil, fmt.Errorf("--octet-count: %s is no stream", j.to)
	}
	if err != nil {
		return nil, j.to.fault(err)
	}
	return link, nil
}

func (a sendAddress) dial(ctx context.Context) (sendLink, error) {
	ctx, cancel := context.WithTimeout(ctx, sendConnect)
	defer cancel()
	network := a.network.String()
	if a.network == syslog.TLS {
		network = "tcp"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, a.dialName())
	if err != nil {
		return nil, err
	}
	if a.datagram() {
		link, err := newDatagramLink(conn)
		if err != nil {
			conn.Close()
		}
		return link, err
	}
	if a.network != syslog.TLS {
		return &streamLink{Conn: conn, half: conn.(halfCloser)}, nil
	}
	secure := tls.Client(conn, a.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return &streamLink{Conn: secure, half: tlsHalf{secure}}, nil
}

// finished is what the ends of all links come to.
type finished struct {
	late    int64 // connections that the receiver did not close in time
	refused int64
	err     error
}

// finish ends all links at once. After a fault it waits for nobody: then it is known that not all was received.
func (j *sendJob) finish(ctx context.Context, links []sendLink, well bool) finished {
	var f finished
	if !well {
		return f
	}
	limit := time.Now().Add(j.patience)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, l := range links {
		wg.Go(func() {
			err := l.finish(ctx, limit)
			mu.Lock()
			defer mu.Unlock()
			f.refused += l.refused()
			switch {
			case err == nil:
			case errors.Is(err, os.ErrDeadlineExceeded):
				f.late++
			case f.err == nil:
				f.err = err
			}
		})
	}
	wg.Wait()
	return f
}
