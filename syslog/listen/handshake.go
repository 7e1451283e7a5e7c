package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"sluice/syslog"
)

// The faults of handshakes, each said once a minute for itself: a scanner must not hide that a certificate has expired.
type handshakeFaults struct {
	refused  syslog.Fault // by us
	refusing syslog.Fault // the client refused us
	notTLS   syslog.Fault // plain text on a tls input
	isTLS    syslog.Fault // TLS on a plain input
	broken   syslog.Fault // silence, or gone
	silent   syslog.Fault // gone after it
}

// shake does the handshake of c and reports whether it may send. If not, that is said and counted.
func (c *conn) shake() bool {
	_ = c.SetDeadline(time.Now().Add(handshakeTime))
	if c.stream.listener.stopping.Load() { // wake may have set its own in between
		c.wake()
	}
	err := c.secure.shake()
	_ = c.SetDeadline(time.Time{})
	if c.stream.listener.stopping.Load() {
		c.wake()
	}
	if err != nil {
		c.sayHandshake(err)
		return false
	}
	c.sayPeer()
	return true
}

// sayPeer names the client's certificate in the log of who looks for it.
func (c *conn) sayPeer() {
	state := c.secure.ConnectionState()
	name := "none"
	if len(state.PeerCertificates) > 0 {
		name = state.PeerCertificates[0].Subject.String()
	}
	c.stream.listener.log.Debug("a tls client", "source", c.RemoteAddr().String(), "certificate", name, "version", tls.VersionName(state.Version))
}

// sayHandshake says who refused whom, and why, and counts it.
func (c *conn) sayHandshake(err error) {
	l := c.stream.listener
	var header tls.RecordHeaderError
	var unverified *tls.CertificateVerificationError
	refusal, byClient := clientRefused(err)
	switch {
	case byClient:
		l.counters.ConnectionsRefused.Add(1)
		c.say(&l.handshakes.refusing, refusal)
	case errors.As(err, &header) && header.Conn != nil:
		l.counters.ConnectionsRefused.Add(1)
		c.say(&l.handshakes.notTLS, fmt.Sprintf("a client speaks %s on a tls input: its first bytes are %q", language(header.RecordHeader[:]), header.RecordHeader[:]))
	case broken(err):
		if l.stopping.Load() || !c.secure.wire.heard && errors.Is(err, io.EOF) {
			l.log.Debug("a connection without a handshake", "source", c.RemoteAddr().String()) // who only looks whether the port is open
			return
		}
		l.counters.ConnectionsRefused.Add(1)
		c.say(&l.handshakes.broken, "a client did not finish its handshake: "+c.whyBroken(err))
	case errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0:
		l.counters.DroppedNotAllowed.Add(1)
		c.say(&l.handshakes.refused, "refused a client: "+presented(unverified.UnverifiedCertificates[0])+": "+unverified.Err.Error())
		c.linger()
	default:
		l.counters.DroppedNotAllowed.Add(1)
		c.say(&l.handshakes.refused, "refused a client: "+strings.TrimPrefix(err.Error(), "tls: "))
		c.linger()
	}
}

const (
	lingerTime  = time.Second
	lingerBytes = 64 << 10
)

// linger lets a client that we refused read our alert. To a TLS 1.3 client its handshake is over before we have seen its
// certificate, so it sends, and what it sends to a closed socket brings an RST that may hide the alert from it. Nobody takes
// the FIN behind an alert for a receipt.
func (c *conn) linger() {
	acknowledged(c.Conn)
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(lingerTime))
	if c.stream.listener.stopping.Load() { // wake may have set its own in between
		c.wake()
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
}

func (c *conn) say(f *syslog.Fault, text string) {
	if unsaid, ok := f.Due(time.Now()); ok {
		c.stream.listener.log.Warn(text, "source", c.RemoteAddr().String(), "unsaid", unsaid)
	}
}

// sayEnd says why a client, or we, ended TLS after the handshake, if it did not end as it should.
func (c *conn) sayEnd() {
	var op *net.OpError
	if c.unheard && c.end == io.EOF { // GnuTLS, and so rsyslog, looks at our certificate only now, and then just goes
		c.say(&c.stream.listener.handshakes.silent, "a client went away after the handshake without a message: it may not accept our certificate")
		return
	}
	if text, ok := clientRefused(c.end); ok {
		c.say(&c.stream.listener.handshakes.refusing, text)
	} else if errors.As(c.end, &op) && op.Op == "local error" {
		c.say(&c.stream.listener.handshakes.broken, "a client broke the rules of TLS: "+strings.TrimPrefix(op.Err.Error(), "tls: "))
	}
}

// presented is what a certificate says of itself.
func presented(cert *x509.Certificate) string {
	return fmt.Sprintf("its certificate is %q, issued by %q", cert.Subject, cert.Issuer)
}

// certificateAlerts are the alerts of RFC 8446, section 6.2, by which a peer says that it does not like our certificate.
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48}

// clientRefused reports whether err is an alert from the client, and what that means.
func clientRefused(err error) (text string, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" { // crypto/tls marks what came from the other side so
		return "", false
	}
	alert := op.Err.Error()
	for _, a := range certificateAlerts {
		if alert == a.Error() {
			return "the client refused our certificate: " + strings.TrimPrefix(alert, "tls: "), true
		}
	}
	return "the client refused: " + strings.TrimPrefix(alert, "tls: "), true
}

// language is what a client speaks that does not speak TLS.
func language(header []byte) string {
	for _, b := range header {
		if (b < ' ' || b > '~') && b != '\n' && b != '\r' {
			return "something unknown"
		}
	}
	return "plain text"
}

// broken reports whether the connection failed, and neither side refused the other.
func broken(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &errno)
}

func (c *conn) whyBroken(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.secure.wire.heard:
		return fmt.Sprintf("it sent nothing for %v", handshakeTime)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("it took more than %v", handshakeTime)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
