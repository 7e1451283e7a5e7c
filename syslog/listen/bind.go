package listen

import (
	"net"

	"sluice/syslog"
)

// Bind opens the socket of a stream, TCP or Unix, for a reader of another protocol than syslog's. Of cfg only what says
// what the socket is like counts. The connections are *net.TCPConn, with keep-alive, or *net.UnixConn. Close removes the
// file of a unix socket if it is still ours. Errors are as Listen's.
func Bind(cfg Config) (net.Listener, error) {
	cfg.Handler = unheard{}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	l := newListener(cfg)
	err := error(nil)
	switch {
	case len(cfg.Passed) > 1:
		err = cfg.errorf("%d sockets were passed for it, and one can be read", len(cfg.Passed))
	case len(cfg.Passed) == 1:
		err = l.openPassed()
	case cfg.Transport == syslog.TCP:
		err = l.openTCP()
	case cfg.Transport == syslog.Unix:
		err = l.openUnix()
	default:
		err = cfg.errorf("not a stream")
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return bound{l.sockets[0].(*stream).ln, l}, nil
}

// bound is a socket that its Listener opened and never reads.
type bound struct {
	streamListener
	listener *Listener
}

func (b bound) Close() error {
	b.listener.Close()
	return nil
}

// unheard stands for the handler of a Listener that does not run.
type unheard struct{}

func (unheard) Handle(*syslog.Batch) {}
