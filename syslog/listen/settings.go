package listen

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// settings are what the readers of a Listener go by, until Change gives it others. Each looks for new ones before it
// reads, so that sockets and connections outlive them.
type settings struct {
	cfg   Config
	allow crowd.Allowlist
	desks *desks // of streams

	unix, unixgram *syslog.Origin
}

func (l *Listener) newSettings(cfg Config) *settings {
	cfg.limiter = newLimiter(cfg.RateLimit)
	s := &settings{cfg: cfg, allow: crowd.NewAllowlist(cfg.Allow)}
	s.unix, s.unixgram = s.localOrigin(syslog.Unix), s.localOrigin(syslog.Unixgram)
	if cfg.Inherit || cfg.Transport != syslog.UDP && cfg.Transport != syslog.Unixgram {
		s.desks = newDesks(&s.cfg, &l.counters)
	}
	return s
}

// origin is what the messages of a peer with the address source have in common.
func (s *settings) origin(source string, transport syslog.Transport) *syslog.Origin {
	return &syslog.Origin{Input: s.cfg.Name, Transport: transport, Source: []byte(source), Host: []byte(source)}
}

func (s *settings) localOrigin(transport syslog.Transport) *syslog.Origin {
	o := s.origin("127.0.0.1", transport)
	o.Host, o.Local = []byte(s.cfg.Hostname), true
	return o
}

// local is the origin of all messages of a local socket; nil for another one.
func (s *settings) local(transport syslog.Transport) *syslog.Origin {
	switch transport {
	case syslog.Unix:
		return s.unix
	case syslog.Unixgram:
		return s.unixgram
	}
	return nil
}

// originOf is the origin of a connection's messages.
func (s *settings) originOf(peer netip.Addr, transport syslog.Transport) *syslog.Origin {
	if o := s.local(transport); o != nil {
		return o
	}
	return s.origin(peer.String(), transport)
}

// CheckChange says whether a Listener can become one of cfg without closing its sockets.
func (l *Listener) CheckChange(cfg Config) error {
	switch was := &l.cfg; {
	case cfg.Transport != was.Transport || cfg.Address != was.Address || cfg.Inherit != was.Inherit || !slices.Equal(cfg.Passed, was.Passed):
		return errors.New("another socket")
	case cfg.Workers != was.Workers:
		return cfg.errorf("workers cannot change while the socket is open: restart for that")
	}
	return cfg.Check()
}

// Change makes l an input of cfg, whose socket must be the same and which CheckChange has let pass. Sockets and
// connections stay. A connection goes by cfg from its next message on; what is in the middle of one ends it as it was.
func (l *Listener) Change(cfg Config) {
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	before := l.settings.Swap(l.newSettings(cfg))
	if o := socketOptions(&cfg); o != socketOptions(&before.cfg) {
		if err := l.file.Set(o); err != nil {
			l.log.Error("cannot set the mode and owner of the socket", "error", err)
		}
	}
	for _, s := range l.sockets {
		switch s := s.(type) {
		case *stream:
			s.crowd.Resize(cfg.MaxConnections)
			s.crowd.Each((*conn).look) // idle_timeout may be shorter now
		case *datagrams:
			if s.transport != syslog.UDP || cfg.ReceiveBuffer == before.cfg.ReceiveBuffer {
				continue
			}
			if err := control(s.raw, func(fd int) error { _, err := l.setReceiveBuffer(fd, cfg.ReceiveBuffer); return err }); err != nil {
				l.log.Error("cannot set receive_buffer", "error", err)
			}
		}
	}
}

// stale reports whether there are other settings by now.
func (c *conn) stale() bool { return c.stream.listener.settings.Load() != c.settings }

// renew makes the connection go by the settings of now, unless it is in the middle of a message that they would cut
// otherwise.
func (c *conn) renew() {
	if !c.stale() {
		return
	}
	s := c.stream.listener.settings.Load()
	if f := &c.framer; len(c.tail) > 0 && (f.Framing != s.cfg.Framing || f.Max > s.cfg.MaxMessageSize) {
		return
	}
	c.framer.Framing, c.framer.Max = s.cfg.Framing, s.cfg.MaxMessageSize
	c.origin, c.settings = s.originOf(c.peer, c.stream.transport), s
	probe(c.Conn, s.cfg.KeepAlive)
}

// renew makes the reader go by the settings of now.
func (d *datagrams) renew() {
	s := d.listener.settings.Load()
	if s == d.settings {
		return
	}
	if size := d.slotSize(&s.cfg); size != d.vector.size {
		v, err := newVector(slots, size, d.peers == nil)
		if err != nil {
			d.listener.log.Error("cannot change max_message_size", "error", err)
			return
		}
		d.vector.free()
		d.vector = v
	}
	d.intake = newIntake(&s.cfg, &d.listener.counters)
	d.settings = s
	if d.peers != nil {
		d.peers = newPeers(s)
	}
}

// probe has the kernel ask a silent peer.
func probe(nc net.Conn, every time.Duration) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive(every))
	}
}
