package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// PythonOptions are the options of an input for Python's logging.handlers.SocketHandler.
type PythonOptions struct {
	syslog.ParseOptions `yaml:",inline"`

	MaxMessageSize int            `yaml:"max_message_size,size"` // longer: skipped and counted
	MaxConnections int            `yaml:"max_connections"`       // one address may have a quarter of them
	IdleTimeout    time.Duration  `yaml:"idle_timeout"`          // 0: never
	Allow          []netip.Prefix `yaml:"allow,list"`            // tcp; none: everybody
}

// DefaultPythonOptions are the options of an input that sets none.
func DefaultPythonOptions() PythonOptions {
	opts := PythonOptions{ParseOptions: syslog.DefaultParseOptions(), MaxMessageSize: 1 << 20, MaxConnections: 2000}
	opts.DefaultSeverity = syslog.Info
	return opts
}

// A PythonConfig is all that a Python input is made of.
type PythonConfig struct {
	Setting
	PythonOptions
	Socket net.Listener // bound; its connections are *net.TCPConn or *net.UnixConn. NewPython owns it
}

// maxPythonMessage keeps a slip of the pen from being taken for buffers. A length beyond it is none.
const maxPythonMessage = 64 << 20

// Check reports what can be said against the options without a socket.
func (o *PythonOptions) Check() error {
	switch {
	case o.MaxMessageSize < 1 || o.MaxMessageSize > maxPythonMessage:
		return fmt.Errorf("max_message_size is %d, not 1 to %d bytes", o.MaxMessageSize, maxPythonMessage)
	case o.MaxConnections < 1:
		return fmt.Errorf("max_connections is %d, not at least 1", o.MaxConnections)
	case o.IdleTimeout < 0:
		return errors.New("idle_timeout cannot be negative")
	}
	return nil
}

// A Python reads what SocketHandlers send: a length of four bytes, big endian, and a pickled dict, again and again.
// Nothing in a pickle is ever called.
type Python struct {
	cfg      PythonConfig
	log      *slog.Logger
	counters syslog.Counters
	crowd    *crowd.Crowd[*pythonConn]
	allow    crowd.Allowlist
	desks    *crowd.Desks[pythonDesk]
	serving  sync.WaitGroup // connections

	stopping atomic.Bool
	hard     context.Context // ends when draining has lasted long enough
	cutOff   context.CancelFunc

	accepting, refused, notAllowed, malformed, tooLong, foreign syslog.Fault
}

// NewPython checks cfg and returns an input that reads in Run. With an error, the socket is closed.
func NewPython(cfg PythonConfig) (*Python, error) {
	if err := cfg.Check(); err != nil {
		cfg.Socket.Close()
		return nil, fmt.Errorf("%s: %w", cfg.Socket.Addr(), err)
	}
	p := &Python{cfg: cfg, log: cfg.log(), crowd: crowd.New[*pythonConn](cfg.MaxConnections), allow: crowd.NewAllowlist(cfg.Allow)}
	p.desks = crowd.NewDesks(0, p.newDesk)
	p.hard, p.cutOff = context.WithCancel(context.Background())
	return p, nil
}

// Addr is where it listens.
func (p *Python) Addr() net.Addr { return p.cfg.Socket.Addr() }

// Counters are what it has counted.
func (p *Python) Counters() *syslog.Counters { return &p.counters }

// Close gives up the socket at once. It is for an input that is not Run after all.
func (p *Python) Close() {
	_ = p.cfg.Socket.Close()
	p.cutOff()
}

// pythonDrain is how long the connections are read after Run's context ended.
const pythonDrain = time.Second

// Run reads until ctx ends, and then what the connections hold, for a second at most. When it returns nil, all that was
// read has been handed over, and the socket is closed. Nothing that a peer does ends it.
func (p *Python) Run(ctx context.Context) error {
	defer p.Close()
	var accepting sync.WaitGroup
	accepting.Go(func() { p.accept(ctx) })
	<-ctx.Done()
	defer time.AfterFunc(pythonDrain, p.cutOff).Stop()
	p.stopping.Store(true)
	if s, ok := p.cfg.Socket.(interface{ SetDeadline(time.Time) error }); ok {
		_ = s.SetDeadline(longAgo)
	}
	accepting.Wait() // so that none is added to the crowd any more
	p.crowd.Each((*pythonConn).wake)
	p.serving.Wait()
	return nil
}

// origin is what all messages of a connection have in common.
func (p *Python) origin(peer netip.Addr) *syslog.Origin {
	if !peer.IsValid() {
		return &syslog.Origin{Input: p.cfg.Name, Transport: syslog.Python, Source: []byte("127.0.0.1"), Host: []byte(p.cfg.Hostname), Local: true}
	}
	source := []byte(peer.String())
	return &syslog.Origin{Input: p.cfg.Name, Transport: syslog.Python, Source: source, Host: source}
}
