package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sluice/syslog/socketfile"
)

// A ZMQEndpoint is one place to bind or to connect to.
type ZMQEndpoint struct {
	Network string // tcp or unix
	Address string // host:port, or a path; @name is an abstract socket, to which one can only connect
}

// ParseZMQEndpoint reads tcp://HOST:PORT, where * is every address or any free port, and ipc://PATH.
func ParseZMQEndpoint(text string) (ZMQEndpoint, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok:
		return ZMQEndpoint{}, errors.New("want an endpoint such as tcp://127.0.0.1:5555 or ipc:///run/app.sock")
	case scheme == "ipc":
		if rest == "" || rest == "@" {
			return ZMQEndpoint{}, errors.New("ipc: want a path: ipc:///run/app.sock")
		}
		return ZMQEndpoint{"unix", rest}, nil
	case scheme != "tcp":
		return ZMQEndpoint{}, fmt.Errorf("%q is no transport of an endpoint (have ipc, tcp)", scheme)
	}
	if strings.Contains(rest, "@") {
		return ZMQEndpoint{}, errors.New("tcp: an endpoint holds no user or password: use plain: {user, password}")
	}
	host, port, err := net.SplitHostPort(strings.TrimSuffix(rest, "/"))
	if err != nil {
		return ZMQEndpoint{}, errors.New("tcp: want a host and a port: tcp://127.0.0.1:5555")
	}
	if host == "*" {
		host = ""
	}
	if port == "*" {
		port = "0"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return ZMQEndpoint{}, fmt.Errorf("tcp: %q is no port", port)
	}
	return ZMQEndpoint{"tcp", net.JoinHostPort(host, port)}, nil
}

// String is the endpoint as it is written in a file.
func (e ZMQEndpoint) String() string {
	if e.Network == "unix" {
		return "ipc://" + e.Address
	}
	return "tcp://" + e.Address
}

// check says what is wrong with the endpoint for a socket that is to be bound, or to connect.
func (e ZMQEndpoint) check(bind bool) error {
	host, port, _ := net.SplitHostPort(e.Address)
	switch {
	case e.Network == "unix" && bind && e.Address[0] == '@':
		return errors.New("bind needs a path, not an abstract name: those have no owner and no mode")
	case e.Network == "unix" && len(e.Address) > socketfile.MaxPath:
		return fmt.Errorf("the path has %d bytes, a socket's at most %d", len(e.Address), socketfile.MaxPath)
	case e.Network == "tcp" && !bind && (host == "" || port == "0"):
		return errors.New("to connect it takes a host and a port; * is for bind")
	}
	return nil
}

// listen binds the endpoint.
func (e ZMQEndpoint) listen(o *ZMQOptions) (zmqListener, *socketfile.File, error) {
	if e.Network == "tcp" {
		lc := net.ListenConfig{KeepAlive: -1, KeepAliveConfig: zmqKeepAlive(o.KeepAlive)}
		lc.SetMultipathTCP(false)
		ln, err := lc.Listen(context.Background(), e.family(), e.Address)
		if err != nil {
			return nil, nil, e.socketError(err)
		}
		return ln.(*net.TCPListener), nil, nil
	}
	var ln net.Listener
	options := socketfile.Options{Mode: o.Mode, Owner: o.Owner, Group: o.Group}
	file, err := socketfile.Bind(e.Network, e.Address, options, func(lc *net.ListenConfig) (err error) {
		if ln, err = lc.Listen(context.Background(), e.Network, e.Address); err == nil {
			ln.(*net.UnixListener).SetUnlinkOnClose(false)
		}
		return err
	})
	if err != nil {
		if ln != nil {
			ln.Close()
		}
		file.Remove()
		return nil, nil, e.socketError(err)
	}
	return ln.(*net.UnixListener), file, nil
}

// family is the network to listen in: 0.0.0.0 is IPv4 alone, an empty host is both.
func (e ZMQEndpoint) family() string {
	host, _, _ := net.SplitHostPort(e.Address)
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		return "tcp4"
	}
	return "tcp"
}

// dial connects to the endpoint. A name is looked up anew each time.
func (e ZMQEndpoint) dial(ctx context.Context, keepAlive time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: zmqHandshakeTime, KeepAlive: -1, KeepAliveConfig: zmqKeepAlive(keepAlive)}
	d.SetMultipathTCP(false)
	return d.DialContext(ctx, e.Network, e.Address)
}

// socketError is err with the endpoint before it and without what net says of it.
func (e ZMQEndpoint) socketError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var errno syscall.Errno
	var better socketfile.Cause
	if errors.As(err, &errno) && !errors.As(err, &better) {
		err = errno
		switch errno {
		case syscall.EADDRINUSE:
			err = socketfile.Cause{Text: "address in use: another process listens there", Errno: errno}
		case syscall.EADDRNOTAVAIL:
			err = socketfile.Cause{Text: "no interface of this machine has that address", Errno: errno}
		}
	}
	return fmt.Errorf("%s: %w", e, err)
}

// zmqKeepAlive asks a silent peer after d, and gives it up after as long again.
func zmqKeepAlive(d time.Duration) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: d > 0, Idle: max(d, time.Second), Interval: max(d/4, time.Second), Count: 4}
}
