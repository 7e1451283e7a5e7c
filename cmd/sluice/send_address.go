package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
)

// A sendAddress is where messages go: a local socket by its path, or a host and port.
type sendAddress struct {
	network    syslog.Transport // Unixgram to TLS
	path       string           // of a local socket
	host, port string
	either     bool        // unixgram, or unix if that is what the path holds
	tls        *tls.Config // of tls
}

var sendSchemes = syslog.Transports[syslog.Unixgram : syslog.TLS+1]

// parseSendAddress reads a syslog URL, or the path of a local socket.
func parseSendAddress(s string) (sendAddress, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		if looksLikePath(s) {
			return sendAddress{network: syslog.Unixgram, path: s, either: true}, nil
		}
		if host, _, err := net.SplitHostPort(s); err == nil && host != "" || s != "" && !strings.Contains(s, ":") {
			return sendAddress{}, fmt.Errorf("--to %s: udp://%s or tcp://%s? (or the path of a socket: ./%s)", s, s, s, s)
		}
		return sendAddress{}, fmt.Errorf("--to %q: neither a URL such as tcp://10.0.0.1:514 nor the path of a socket", s)
	}
	network, err := sendNetwork(scheme)
	if err != nil {
		return sendAddress{}, fmt.Errorf("--to %s: %w", s, err)
	}
	if network == syslog.Unixgram || network == syslog.Unix { // the path may be relative, as Docker and the inputs have it
		if rest == "" {
			return sendAddress{}, fmt.Errorf("--to %s: a path is missing: %s:///dev/log", s, scheme)
		}
		return sendAddress{network: network, path: rest}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		var reason *url.Error
		if errors.As(err, &reason) {
			err = reason.Err
		}
		return sendAddress{}, fmt.Errorf("--to %s: %w", s, err)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return sendAddress{}, fmt.Errorf("--to %s: only a host and a port: %s://%s", s, scheme, u.Host)
	}
	return newSendAddress(network, u.Hostname(), u.Port())
}

// looksLikePath is generous: what is there, or holds a slash, is a path.
func looksLikePath(s string) bool {
	if strings.ContainsAny(s, "/@") {
		return true
	}
	_, err := os.Stat(s)
	return err == nil
}

func sendNetwork(scheme string) (syslog.Transport, error) {
	for i, name := range sendSchemes {
		if strings.EqualFold(scheme, name) {
			return syslog.Transport(i), nil
		}
	}
	if near, ok := strict.Nearest(scheme, sendSchemes); ok {
		return 0, fmt.Errorf("unknown scheme %q (did you mean %s?)", scheme, near)
	}
	return 0, fmt.Errorf("unknown scheme %q (have %s)", scheme, strings.Join(sendSchemes, " "))
}

// newSendAddress takes a host by name or address, brackets or not, and a port by number or name. No host is this one, so
// that the URL of an input such as tcp://:514 works here too.
func newSendAddress(network syslog.Transport, host, port string) (sendAddress, error) {
	a := sendAddress{network: network, host: strings.Trim(host, "[]"), port: port}
	if a.host == "" {
		a.host = "127.0.0.1"
	}
	if port == "" {
		a.port = "514"
		if network == syslog.TLS {
			a.port = "6514"
		}
	}
	protocol := "tcp"
	if network == syslog.UDP {
		protocol = "udp"
	}
	if n, err := net.LookupPort(protocol, a.port); err != nil || n == 0 {
		return a, fmt.Errorf("%s: the port is a number from 1 to 65535", a)
	}
	return a, nil
}

// local reports whether the receiver is on this machine by its nature: then headers carry no HOSTNAME.
func (a sendAddress) local() bool { return a.path != "" }

func (a sendAddress) datagram() bool {
	return a.network == syslog.Unixgram || a.network == syslog.UDP
}

// dialName is the address as package net wants it.
func (a sendAddress) dialName() string {
	if a.local() {
		return a.path
	}
	return net.JoinHostPort(a.host, a.port)
}

func (a sendAddress) String() string { return a.network.String() + "://" + a.dialName() }

// fault says what went wrong with a, in our voice: without package net's words, which repeat the address, and with what
// to look at where nothing seems to listen.
func (a sendAddress) fault(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	refusal := op != nil && op.Op == "remote error" // an alert
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	hint := ""
	switch {
	case refusal:
		hint = " (that is what the receiver says)"
	case errors.Is(err, syscall.ECONNREFUSED) || a.local() && errors.Is(err, fs.ErrNotExist):
		hint = " (is sluice running?)"
	case errors.Is(err, syscall.EPROTOTYPE) && a.network == syslog.Unix:
		hint = " (it is a datagram socket: unixgram://" + a.path + ")"
	case errors.Is(err, syscall.EPROTOTYPE):
		hint = " (it is a stream socket: unix://" + a.path + ")"
	case errors.Is(err, syscall.EMSGSIZE):
		hint = " for one datagram"
		if a.network == syslog.UDP {
			hint += ": udp takes at most 65507 bytes (tcp takes more)"
		}
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ENOTCONN):
		hint = ": the receiver closed the connection"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		hint = " (--tls-ca FILE trusts, --tls-insecure does not verify)"
	}
	return fmt.Errorf("send to %s: %w%s", a, err, hint)
}
