package listen

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// openUDP binds the input's socket, or its workers'.
func (l *Listener) openUDP() error {
	address := l.cfg.Address
	if l.cfg.Workers == 1 {
		return l.bindUDP(address, false)
	}
	// SO_REUSEPORT would also share the port with another process that set it, each getting some of the messages. So
	// see whether the port is free first. A process of our own user that binds it with SO_REUSEPORT between this and
	// what follows goes unnoticed.
	if _, port, _ := net.SplitHostPort(address); port != "0" {
		probe, err := net.ListenPacket(family("udp", address), address)
		if err != nil {
			return l.cfg.socketError(err)
		}
		probe.Close()
	}
	for range l.cfg.Workers {
		if err := l.bindUDP(address, true); err != nil {
			return err
		}
		address = l.Addr().String() // with the port that the kernel chose for the first
	}
	return nil
}

func (l *Listener) bindUDP(address string, shared bool) error {
	var lc net.ListenConfig
	if shared {
		lc.Control = func(_, _ string, raw syscall.RawConn) error {
			return control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		}
	}
	conn, err := lc.ListenPacket(context.Background(), family("udp", l.cfg.Address), address)
	if err != nil {
		return l.cfg.socketError(err)
	}
	return l.addUDP(conn.(*net.UDPConn))
}

// addUDP makes conn a socket of l, with the receive buffer that l's options ask for.
func (l *Listener) addUDP(conn *net.UDPConn) error {
	d, err := l.addPackets(conn, syslog.UDP)
	if err != nil {
		return err
	}
	err = control(d.raw, func(fd int) error {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) // Linux 2.6.33; without it countDropped asks
		given, err := l.setReceiveBuffer(fd, l.cfg.ReceiveBuffer)
		switch {
		case given >= ampleBuffer:
			d.queued = ample
		case given >= someBuffer:
			d.queued = some
		}
		return err
	})
	if err != nil {
		return l.cfg.socketError(err)
	}
	return nil
}

// A datagram takes up 1 KB at least, and a million come in a second at most.
const (
	someBuffer  = 1 << 20
	ampleBuffer = 4 << 20
)

// setReceiveBuffer asks for receive_buffer, as root beyond net.core.rmem_max, and warns if the kernel gives less. It
// returns what the kernel gives.
func (l *Listener) setReceiveBuffer(fd, want int) (given int, err error) {
	remedy := "raise net.core.rmem_max"
	switch passed := len(l.cfg.Passed) > 0; {
	case want == 0, passed && receiveBuffer(fd) >= want:
	case unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, want) == nil:
	case passed: // by who may give it more than we: SO_RCVBUF would take that away
		remedy = "set ReceiveBuffer= in the unit of the socket"
	default:
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, want); err != nil {
			return 0, err
		}
	}
	if given = receiveBuffer(fd); given < want && len(l.sockets) == 1 {
		l.log.Warn("receive_buffer is more than the kernel gives: "+remedy, "receive_buffer", want, "given", given)
	}
	return given, nil
}

// receiveBuffer is what a socket has been given; 0 if it does not say.
func receiveBuffer(fd int) int {
	given, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return given / 2 // the kernel doubles what it is asked for, to have room for its own structures (socket(7))
}

// family narrows network, "udp" or "tcp", to IPv4 or IPv6 if the host in address is an address of that family: who
// writes 0.0.0.0 wants no IPv6. Without a host both are listened to, or IPv4 alone where there is no IPv6.
func family(network, address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return network
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return network
	case ip.Is4():
		return network + "4"
	}
	return network + "6"
}

// control runs f on a socket's descriptor and returns its error.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var err error
	if outer := raw.Control(func(fd uintptr) { err = f(int(fd)) }); outer != nil {
		return outer
	}
	return err
}
