// Package listen receives syslog from sockets: unixgram, unix, udp, tcp and tls. A Listener is one input. It reads as much
// as the kernel has, parses in place and hands whole batches to a syslog.Handler; from the socket to the Handler nothing
// is allocated, locked, timed or asked of the kernel for a single message.
package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
	"sluice/syslog/socketfile"
)

// Options are the options of an input that is a socket.
type Options struct {
	syslog.ParseOptions `yaml:",inline"`

	Framing        syslog.Framing `yaml:"framing"`
	MaxMessageSize int            `yaml:"max_message_size,size"` // longer: cut there and counted
	MaxConnections int            `yaml:"max_connections"`       // one address may have a quarter of them
	IdleTimeout    time.Duration  `yaml:"idle_timeout"`          // 0: never
	KeepAlive      time.Duration  `yaml:"keep_alive"`            // 0: no probes; a dead peer is noticed after twice that
	ReceiveBuffer  int            `yaml:"receive_buffer,size"`   // udp
	Workers        int            `yaml:"workers"`               // udp: sockets that share the port
	Allow          []netip.Prefix `yaml:"allow,list"`            // udp, tcp and tls; none: everybody
	Mode           fs.FileMode    `yaml:"mode"`                  // unix and unixgram, exact: no umask applies
	Owner          string         `yaml:"owner"`                 // likewise, a name or a number; empty: the process's
	Group          string         `yaml:"group"`
	RateLimit      RateLimit      `yaml:"rate_limit"`
}

// DefaultOptions are the options of an input that sets none.
func DefaultOptions() Options {
	return Options{
		ParseOptions:   syslog.DefaultParseOptions(),
		MaxMessageSize: 64 << 10,
		MaxConnections: 2000,
		KeepAlive:      time.Minute,
		ReceiveBuffer:  8 << 20,
		Workers:        1,
		Mode:           0o666,
		RateLimit:      RateLimit{Per: 5 * time.Second},
	}
}

// A Config is all that a Listener is made of.
type Config struct {
	Name      string           // of the input, in messages and logs
	Transport syslog.Transport // Unixgram, Unix, UDP, TCP or TLS
	Address   string           // host:port, or a path
	Options
	Passed   []*Passed      // sockets to read instead of binding any
	Inherit  bool           // only those of Passed will do; Transport and Address say nothing then
	TLS      *tls.Config    // of TLS, or of streams that are inherited, and of no other transport
	Hostname string         // this machine's: of local messages that carry none
	Zone     *time.Location // of Received; nil: Local
	Handler  syslog.Handler
	Log      *slog.Logger // nil: silence

	// Decoder makes what reads more into a message than Parse does, one for each reader; nil: nothing does.
	Decoder func(*syslog.Parser) Decoder
	limiter *limiter

	// Sysctl is the folder of the kernel's settings, /proc/sys if empty. As root, a unixgram input raises
	// net/unix/max_dgram_qlen there: whoever tests as root gives a folder of his own.
	Sysctl string
}

// A Decoder fills fields of a message from its text. They may refer to its memory until Reset.
type Decoder interface {
	Decode(m *syslog.Message)
	Reset()
}

// maxMessageSize keeps a slip of the pen (64GiB) from being taken for buffers.
const maxMessageSize = 64 << 20

// Check reports what can be said against c without opening anything. Listen calls it first.
func (c *Config) Check() error {
	switch {
	case c.MaxMessageSize < 1 || c.MaxMessageSize > maxMessageSize:
		return c.errorf("max_message_size is %d, not 1 to %d bytes", c.MaxMessageSize, maxMessageSize)
	case c.MaxConnections < 1:
		return c.errorf("max_connections is %d, not at least 1", c.MaxConnections)
	case c.RateLimit.Messages < 0, c.RateLimit.Messages > 0 && c.RateLimit.Per <= 0:
		return c.errorf("rate_limit: want {messages: 20000, per: 5s}")
	case c.IdleTimeout < 0, c.KeepAlive < 0, c.ReceiveBuffer < 0:
		return c.errorf("idle_timeout, keep_alive and receive_buffer cannot be negative")
	}
	if c.Handler == nil {
		return c.errorf("no handler")
	}
	if c.Inherit {
		return nil
	}
	switch c.Transport {
	case syslog.Unixgram, syslog.Unix:
		switch {
		case c.Address == "":
			return c.errorf("a socket needs a path")
		case c.Address[0] == '@':
			return c.errorf("a socket needs a path, not an abstract name: those have no owner and no mode")
		case len(c.Address) > socketfile.MaxPath:
			return c.errorf("the path has %d bytes, a socket's at most %d", len(c.Address), socketfile.MaxPath)
		case len(c.Allow) > 0:
			return c.errorf("allow names IP addresses, and a local socket's peers have none; use mode, owner and group")
		case c.Mode&^fs.ModePerm != 0:
			return c.errorf("mode %#o is not 0 to 0777", uint32(c.Mode))
		}
	case syslog.UDP, syslog.TCP, syslog.TLS:
		if _, _, err := net.SplitHostPort(c.Address); err != nil {
			return c.errorf("not host:port: %w", err)
		}
		if c.Workers < 1 || c.Workers > maxWorkers {
			return c.errorf("workers is %d, not 1 to %d", c.Workers, maxWorkers)
		}
	default:
		return c.errorf("not a transport to listen on")
	}
	if (c.TLS != nil) != (c.Transport == syslog.TLS) {
		return c.errorf("a certificate belongs to tls, and to nothing else")
	}
	return nil
}

const maxWorkers = 256

// errorf is an error about this input. Its socket's URL comes first.
func (c *Config) errorf(format string, args ...any) error {
	if c.Inherit {
		return fmt.Errorf("fd://%s: "+format, append([]any{c.Address}, args...)...)
	}
	return fmt.Errorf("%s://%s: "+format, append([]any{c.Transport, c.Address}, args...)...)
}

// socketError is the error of a socket that could not be had: its URL, the bare cause, and what may help.
func (c *Config) socketError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) { // it repeats the address
		err = op.Err
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return c.errorf("%w", err)
	}
	text := errno.Error()
	var better socketfile.Cause
	if errors.As(err, &better) {
		return c.errorf("%w", better)
	}
	switch errno {
	case unix.EADDRINUSE:
		text = "address in use: another process listens there"
	case unix.EADDRNOTAVAIL:
		text = "no interface of this machine has that address"
	case unix.EACCES, unix.EPERM:
		if c.Transport == syslog.UDP || c.Transport == syslog.TCP || c.Transport == syslog.TLS {
			text += " (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
		}
	}
	return c.errorf("%w", socketfile.Cause{Text: text, Errno: errno})
}
