package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// A Passed is a socket that another process has bound, systemd say, and handed to this one. What is queued in it
// outlives us.
type Passed struct {
	Name      string           // that it was passed by
	Transport syslog.Transport // UDP, TCP, Unix or Unixgram
	Address   string           // host:port, or a path; what is abstract begins with @

	file *os.File // stays open: an input that ends leaves the socket to the next one
	dual bool     // IPv6 that takes IPv4, too
}

// NewPassed looks what kind of socket file is, and keeps it. The error says why nothing can be received from it.
func NewPassed(name string, file *os.File) (*Passed, error) {
	p := &Passed{Name: name, file: file}
	fd := int(file.Fd())
	option := func(o int) int {
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o)
		if err != nil {
			return -1
		}
		return v
	}
	domain, kind := option(unix.SO_DOMAIN), option(unix.SO_TYPE)
	inet := domain == unix.AF_INET || domain == unix.AF_INET6
	switch {
	case kind < 0:
		return nil, p.errorf("no socket")
	case kind == unix.SOCK_STREAM && (inet || domain == unix.AF_UNIX) && option(unix.SO_ACCEPTCONN) == 0:
		return nil, p.errorf("a connection, not a socket that listens: its unit needs Accept=no")
	case inet && kind == unix.SOCK_DGRAM:
		p.Transport = syslog.UDP
	case inet && kind == unix.SOCK_STREAM:
		p.Transport = syslog.TCP
	case domain == unix.AF_UNIX && kind == unix.SOCK_DGRAM:
		p.Transport = syslog.Unixgram
	case domain == unix.AF_UNIX && kind == unix.SOCK_STREAM:
		p.Transport = syslog.Unix
	default:
		return nil, p.errorf("none of udp, tcp, unix and unixgram")
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, p.errorf("%w", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		p.Address = sa.Name
	case *unix.SockaddrInet4:
		p.Address = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *unix.SockaddrInet6:
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		p.dual = err == nil && only == 0
		p.Address = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)).String()
	}
	return p, nil
}

func (p *Passed) errorf(format string, args ...any) error {
	return fmt.Errorf("the socket %s that was passed is "+format, append([]any{p.Name}, args...)...)
}

func (p *Passed) String() string { return p.Transport.String() + "://" + p.Address }

// Wanted reports whether p is what c would otherwise bind, or a part of that.
func (c *Config) Wanted(p *Passed) bool {
	want := c.Transport
	if want == syslog.TLS {
		want = syslog.TCP
	}
	switch {
	case c.Inherit || want != p.Transport:
		return false
	case want == syslog.Unix || want == syslog.Unixgram:
		return c.Address == p.Address
	}
	bound, err := netip.ParseAddrPort(p.Address)
	if err != nil {
		return false
	}
	host, service, err := net.SplitHostPort(c.Address)
	if err != nil {
		return false
	}
	if port, err := net.LookupPort(want.String(), service); err != nil || port != int(bound.Port()) {
		return false
	}
	if host == "" {
		return bound.Addr().IsUnspecified()
	}
	ips, err := lookup(host)
	if err != nil {
		return false
	}
	// Where [::] takes IPv4, 0.0.0.0 cannot be bound beside it.
	return slices.Contains(ips, bound.Addr().Unmap()) ||
		p.dual && bound.Addr().IsUnspecified() && slices.Contains(ips, netip.IPv4Unspecified())
}

// lookup returns the addresses of a host that is a name or an address.
func lookup(host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

// openPassed makes the sockets of l those that were passed. Mode, owner and file of a unix socket are not ours.
func (l *Listener) openPassed() error {
	for _, p := range l.cfg.Passed {
		transport := p.Transport
		if l.cfg.TLS != nil {
			if transport != syslog.TCP {
				return l.cfg.errorf("the socket %s that was passed is %s, which cannot be secured: name the one that tls is for, fd://NAME", p.Name, p)
			}
			transport = syslog.TLS
		}
		if err := l.openOne(p, transport); err != nil {
			return l.cfg.errorf("the socket %s that was passed: %w", p.Name, err)
		}
	}
	return nil
}

func (l *Listener) openOne(p *Passed, transport syslog.Transport) error {
	switch p.Transport {
	case syslog.UDP, syslog.Unixgram:
		conn, err := net.FilePacketConn(p.file)
		if err != nil {
			return err
		}
		if udp, ok := conn.(*net.UDPConn); ok {
			return l.addUDP(udp)
		}
		_, err = l.addPackets(conn.(*net.UnixConn), transport)
		return err
	}
	ln, err := net.FileListener(p.file)
	if err != nil {
		return err
	}
	if tcp, ok := ln.(*net.TCPListener); ok {
		return l.addStream(keptAlive{tcp, keepAlive(l.cfg.KeepAlive)}, transport)
	}
	return l.addStream(ln.(*net.UnixListener), transport)
}

// keptAlive gives the connections of a listener that was not made here the keep-alive that those of others have.
type keptAlive struct {
	*net.TCPListener
	config net.KeepAliveConfig
}

func (k keptAlive) Accept() (net.Conn, error) {
	conn, err := k.AcceptTCP()
	if err != nil {
		return nil, err
	}
	_ = conn.SetKeepAliveConfig(k.config) // of a connection that is over already
	return conn, nil
}
