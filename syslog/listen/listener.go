package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sluice/syslog"
	"sluice/syslog/socketfile"
)

// drainTime is how long the sockets are read after Run's context ended.
const drainTime = time.Second

// A Listener is an input: one socket, or those of several udp workers, or all that it was passed, and the connections of
// streams.
type Listener struct {
	cfg      Config // as it was opened
	settings atomic.Pointer[settings]
	log      *slog.Logger
	counters syslog.Counters
	sockets  []socket
	file     *socketfile.File // of unix and unixgram

	stopping   atomic.Bool     // readers look at it between reads
	stopSignal chan struct{}   // closed when it is set
	hard       context.Context // ends when draining has lasted long enough
	cutOff     context.CancelFunc

	dropped, notAllowed, refused, accepting, reading syslog.Fault
	handshakes                                       handshakeFaults
}

// A socket is read by one goroutine of its own.
type socket interface {
	serve() // until the socket is closed, or empty after wake
	wake()  // stopping was set: look at it
	close()
	addr() net.Addr
}

// longAgo is a deadline that wakes a reader at once.
var longAgo = time.Unix(1, 0)

// Listen opens the sockets of an input. They queue, and nothing is read, until Run is called. The error names the
// socket, the cause and, where that is known, what to do.
func Listen(cfg Config) (*Listener, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	l := newListener(cfg)
	var err error
	switch {
	case len(cfg.Passed) > 0:
		err = l.openPassed()
	case cfg.Inherit:
		err = cfg.errorf("no socket was passed")
	case cfg.Transport == syslog.UDP:
		err = l.openUDP()
	case cfg.Transport == syslog.TCP, cfg.Transport == syslog.TLS:
		err = l.openTCP()
	case cfg.Transport == syslog.Unix:
		err = l.openUnix()
	case cfg.Transport == syslog.Unixgram:
		err = l.openUnixgram()
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// newListener returns a Listener without sockets: addPackets and addStream give it some, whoever opened them.
func newListener(cfg Config) *Listener {
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Sysctl == "" {
		cfg.Sysctl = "/proc/sys"
	}
	l := &Listener{cfg: cfg, log: cfg.Log.With("input", cfg.Name), stopSignal: make(chan struct{})}
	l.settings.Store(l.newSettings(cfg))
	l.hard, l.cutOff = context.WithCancel(context.Background())
	return l
}

// Addr is where the input listens: with the port that the kernel chose, if it was to choose one.
func (l *Listener) Addr() net.Addr { return l.sockets[0].addr() }

// Addrs is where each of its sockets does.
func (l *Listener) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(l.sockets))
	for i, s := range l.sockets {
		addrs[i] = s.addr()
	}
	return addrs
}

// Counters are the input's. The call brings DroppedKernel up to date: make it for each look at them.
func (l *Listener) Counters() *syslog.Counters {
	for _, s := range l.sockets {
		if d, ok := s.(*datagrams); ok {
			d.countDropped()
		}
	}
	return &l.counters
}

// Run reads until ctx ends, and then until the sockets are empty or a second has passed; all that was read has been
// handed over when it returns nil, and the sockets are closed. A Handler that does not return delays it. Nothing that a
// peer does ends it. Run can be called once.
func (l *Listener) Run(ctx context.Context) error {
	defer l.Close()
	var serving sync.WaitGroup
	for _, s := range l.sockets {
		serving.Go(s.serve)
	}
	<-ctx.Done()
	l.stop()
	defer time.AfterFunc(drainTime, l.cutOff).Stop()
	serving.Wait()
	return nil
}

// stop makes the readers read what there is and end. The socket's file goes first: what nobody finds has an end.
func (l *Listener) stop() {
	l.file.Remove()
	l.stopping.Store(true)
	close(l.stopSignal)
	for _, s := range l.sockets {
		s.wake()
	}
}

// Close gives up the sockets, and what they hold, at once. It is for a Listener that is not Run after all.
func (l *Listener) Close() {
	l.file.Remove()
	for _, s := range l.sockets {
		s.close()
	}
	l.cutOff()
}

// stopped reports whether a read that failed with err is to be followed by no other.
func (l *Listener) stopped(err error) bool { return l.stopping.Load() || errors.Is(err, net.ErrClosed) }
