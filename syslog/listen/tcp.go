package listen

import (
	"context"
	"net"
	"time"
)

// openTCP binds the input's socket.
func (l *Listener) openTCP() error {
	lc := net.ListenConfig{KeepAlive: -1, KeepAliveConfig: keepAlive(l.cfg.KeepAlive)} // of connections that Bind's caller accepts
	lc.SetMultipathTCP(false)                                                          // Go listens with it where it can; no syslog sender speaks it, and its sockets are slower
	ln, err := lc.Listen(context.Background(), family("tcp", l.cfg.Address), l.cfg.Address)
	if err != nil {
		return l.cfg.socketError(err)
	}
	return l.addStream(ln.(*net.TCPListener), l.cfg.Transport)
}

// keepAlive asks a silent peer after d, and gives it up after three quarters of d and four questions more.
func keepAlive(d time.Duration) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: d > 0, Idle: d, Interval: max(d/4, time.Second), Count: 4}
}
