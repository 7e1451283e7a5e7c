package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"

	"sluice/syslog"
	"sluice/syslog/crowd"
	"sluice/syslog/socketfile"
)

// A ZMQSocket is what kind of socket an input is.
type ZMQSocket uint8

// The kinds.
const (
	ZMQSub    ZMQSocket = iota // of publishers: a topic, and a message
	ZMQPull                    // of PUSH
	ZMQRouter                  // of DEALER and REQ
)

var (
	zmqSocketWords = []string{"sub", "pull", "router"}
	zmqKinds       = []zmq4.SocketType{zmq4.Sub, zmq4.Pull, zmq4.Router}
)

func (s ZMQSocket) String() string { return zmqSocketWords[s] }

// UnmarshalText reads one of the three words.
func (s *ZMQSocket) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(s, "socket", text, zmqSocketWords)
}

// ZMQOptions are the options of a ZeroMQ input.
type ZMQOptions struct {
	syslog.ParseOptions `yaml:",inline"`

	Socket ZMQSocket `yaml:"socket"`
	Bind   bool      `yaml:"bind"`        // false: connect
	Topics []string  `yaml:"topics,list"` // sub: what topics begin with; none: any
	Plain  *ZMQPlain `yaml:"plain"`       // nil: everybody may send

	Decode         Decoding       `yaml:"decode"`
	MaxMessageSize int            `yaml:"max_message_size,size"` // longer: cut there and counted
	MaxConnections int            `yaml:"max_connections"`       // one address may have a quarter of them
	KeepAlive      time.Duration  `yaml:"keep_alive"`            // a silent peer is asked then, and given up after as long again; 0: never
	Allow          []netip.Prefix `yaml:"allow,list"`            // bind, tcp; none: everybody
	Mode           fs.FileMode    `yaml:"mode"`                  // bind, ipc, exact: no umask applies
	Owner          string         `yaml:"owner"`                 // likewise, a name or a number; empty: the process's
	Group          string         `yaml:"group"`
}

// DefaultZMQOptions are the options of an input that sets none.
func DefaultZMQOptions() ZMQOptions {
	opts := ZMQOptions{
		ParseOptions:   syslog.DefaultParseOptions(),
		Bind:           true,
		MaxMessageSize: 1 << 20,
		MaxConnections: 2000,
		KeepAlive:      30 * time.Second,
		Mode:           0o666,
	}
	opts.DefaultSeverity = syslog.Info
	return opts
}

// A ZMQConfig is all that a ZeroMQ input is made of.
type ZMQConfig struct {
	Setting
	ZMQOptions
	Endpoints []ZMQEndpoint
}

// maxZMQMessage keeps a slip of the pen from being taken for buffers.
const maxZMQMessage = 64 << 20

// Check reports what can be said against c without opening anything. NewZMQ calls it first.
func (c *ZMQConfig) Check() error {
	if len(c.Endpoints) == 0 {
		return errors.New("zmq: no endpoint")
	}
	for i, e := range c.Endpoints {
		if err := e.check(c.Bind); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		if slices.Contains(c.Endpoints[:i], e) && !strings.HasSuffix(e.Address, ":0") {
			return fmt.Errorf("%s: is there twice", e)
		}
	}
	switch p := c.Plain; {
	case len(c.Topics) > 0 && c.Socket != ZMQSub:
		return c.errorf("topics are for socket: sub, and this is %s", c.Socket)
	case p != nil && (p.User == "" || p.Password == ""):
		return c.errorf("plain: want both user and password")
	case p != nil && max(len(p.User), len(p.Password)) > 255:
		return c.errorf("plain: user and password have at most 255 bytes each")
	case c.MaxMessageSize < 1 || c.MaxMessageSize > maxZMQMessage:
		return c.errorf("max_message_size is %d, not 1 to %d bytes", c.MaxMessageSize, maxZMQMessage)
	case c.MaxConnections < 1:
		return c.errorf("max_connections is %d, not at least 1", c.MaxConnections)
	case c.KeepAlive < 0:
		return c.errorf("keep_alive cannot be negative")
	case c.Mode&^fs.ModePerm != 0:
		return c.errorf("mode %#o is not 0 to 0777", uint32(c.Mode))
	case len(c.Allow) > 0 && !c.Bind:
		return c.errorf("allow is for bind: true; with connect the peer is the endpoint")
	case c.Handler == nil:
		return c.errorf("no handler")
	}
	return nil
}

// errorf is an error about this input. Its first endpoint comes first.
func (c *ZMQConfig) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{c.Endpoints[0]}, args...)...)
}

// A ZMQ is an input that ZeroMQ peers send to.
type ZMQ struct {
	cfg       ZMQConfig
	log       *slog.Logger
	counters  syslog.Counters
	handshake zmqHandshake
	everyone  bool          // topics let every message pass
	greeting  []byte        // what a peer is sent first: subscriptions
	shaking   time.Duration // how long a peer may take until it is let in
	desks     *crowd.Desks[zmqDesk]
	crowd     *crowd.Crowd[*zmqConn]
	allow     crowd.Allowlist

	listeners []zmqListener
	files     []*socketfile.File

	stopping atomic.Bool     // connections look at it between reads
	stop     context.Context // ends with Close
	close    context.CancelFunc
	hard     context.Context // ends when draining has lasted long enough
	cutOff   context.CancelFunc

	refused, notAllowed, full, accepting, torn syslog.Fault
}

// NewZMQ checks cfg and binds the endpoints, if they are to be bound. They queue connections until Run is called.
func NewZMQ(cfg ZMQConfig) (*ZMQ, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	z := &ZMQ{cfg: cfg, log: cfg.log(), shaking: zmqHandshakeTime, crowd: crowd.New[*zmqConn](cfg.MaxConnections), allow: crowd.NewAllowlist(cfg.Allow)}
	if !cfg.Bind { // we alone decide how many there are
		z.crowd.Resize(4 * len(cfg.Endpoints))
	}
	z.desks = crowd.NewDesks(0, z.newDesk)
	z.handshake = zmqHandshake{kind: zmqKinds[cfg.Socket], plain: cfg.Plain, server: cfg.Bind}
	z.subscribe()
	z.stop, z.close = context.WithCancel(context.Background())
	z.hard, z.cutOff = context.WithCancel(context.Background())
	if !cfg.Bind {
		return z, nil
	}
	for _, e := range cfg.Endpoints {
		ln, file, err := e.listen(&cfg.ZMQOptions)
		if err != nil {
			z.Close()
			return nil, err
		}
		z.listeners, z.files = append(z.listeners, ln), append(z.files, file)
	}
	return z, nil
}

// subscribe prepares what a publisher must hear: it sends nothing that nobody asked for.
func (z *ZMQ) subscribe() {
	if z.cfg.Socket != ZMQSub {
		return
	}
	if len(z.cfg.Topics) == 0 {
		z.cfg.Topics = []string{""}
	}
	z.everyone = slices.Contains(z.cfg.Topics, "")
	for _, topic := range z.cfg.Topics {
		z.greeting = appendZMQFrame(z.greeting, 0, []byte("\x01"+topic))
	}
}

// Addr is where it is bound, with the ports that the kernel chose, or what it connects to.
func (z *ZMQ) Addr() net.Addr {
	var where []string
	for _, ln := range z.listeners {
		where = append(where, ln.Addr().String())
	}
	if !z.cfg.Bind {
		for _, e := range z.cfg.Endpoints {
			where = append(where, e.Address)
		}
	}
	return address{"zmq", strings.Join(where, " ")}
}

// Counters are what it has counted.
func (z *ZMQ) Counters() *syslog.Counters { return &z.counters }

// zmqDrainTime is how long connections are read after Run's context ended.
const zmqDrainTime = time.Second

// Run reads until ctx ends, and then until the connections are empty or a second has passed; all that was read has been
// handed over when it returns nil. Nothing that a peer does ends it. Run can be called once.
func (z *ZMQ) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(z.stop, cancel)()
	defer z.Close()
	var serving sync.WaitGroup
	for _, ln := range z.listeners {
		serving.Go(func() { z.accept(ctx, ln, &serving) })
	}
	if !z.cfg.Bind {
		for _, e := range z.cfg.Endpoints {
			serving.Go(func() { z.keepConnected(ctx, e) })
		}
	}
	<-ctx.Done()
	z.stopping.Store(true)
	z.closeListeners()
	z.crowd.Each((*zmqConn).wake)
	defer time.AfterFunc(zmqDrainTime, z.cutOff).Stop()
	serving.Wait()
	return nil
}

// Close gives up the sockets. It ends Run, or is for an input that is not Run after all.
func (z *ZMQ) Close() {
	z.close()
	z.closeListeners()
}

// closeListeners removes the sockets' files first: what nobody finds has an end.
func (z *ZMQ) closeListeners() {
	for _, f := range z.files {
		f.Remove()
	}
	for _, ln := range z.listeners {
		_ = ln.Close()
	}
}
