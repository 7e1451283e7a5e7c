package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-zeromq/zmq4"
)

// A ZMQPlain is what PLAIN, RFC 24/ZMTP-PLAIN, logs in with. It crosses the network as it is.
type ZMQPlain struct {
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// errZMQPassword is that of a peer that may not come in.
var errZMQPassword = errors.New("wrong user or password")

// A zmqMechanism is how a peer and we come to trust each other: NULL, or PLAIN if there is a user. It is the library's
// Security, in place of the library's own, which let everybody in and panic when metadata ends too early.
type zmqMechanism struct {
	kind  zmq4.SocketType // what we are
	plain *ZMQPlain
	fault error // why the handshake failed, without what the library says around it
}

func (m *zmqMechanism) Type() zmq4.SecurityType {
	if m.plain != nil {
		return zmq4.PlainSecurity
	}
	return zmq4.NullSecurity
}

// Encrypt and Decrypt pass on what they are given: neither mechanism hides anything.
func (m *zmqMechanism) Encrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }
func (m *zmqMechanism) Decrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }

// Handshake is what follows the greetings. With PLAIN whoever is bound asks, and whoever connects logs in.
func (m *zmqMechanism) Handshake(c *zmq4.Conn, server bool) error {
	switch {
	case m.plain == nil:
		if m.fault = m.sendMetadata(c, zmq4.CmdReady); m.fault == nil {
			m.fault = m.metadata(c, zmq4.CmdReady)
		}
	case server:
		m.fault = m.admit(c)
	default:
		m.fault = m.logIn(c)
	}
	return m.fault
}

// admit lets in whoever knows the password. Nobody else is sent an ERROR, which would be polite: libzmq then never tries
// again, and a password that is put right here would need all of its programs restarted.
func (m *zmqMechanism) admit(c *zmq4.Conn) error {
	hello, err := m.receive(c, zmq4.CmdHello)
	if err != nil {
		return err
	}
	user, rest, ok := shortString(hello)
	password, rest, ok2 := shortString(rest)
	if !ok || !ok2 || len(rest) > 0 {
		return errors.New("a HELLO that is not of PLAIN")
	}
	// Both always, and their sums, so that the time taken tells nothing, not even a length.
	if same(user, m.plain.User)&same(password, m.plain.Password) != 1 {
		return errZMQPassword
	}
	if err := c.SendCmd(zmq4.CmdWelcome, nil); err != nil {
		return err
	}
	if err := m.metadata(c, zmq4.CmdInitiate); err != nil {
		return err
	}
	return m.sendMetadata(c, zmq4.CmdReady)
}

func same(given []byte, want string) int {
	a, b := sha256.Sum256(given), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}

// logIn is the other side of admit.
func (m *zmqMechanism) logIn(c *zmq4.Conn) error {
	hello := append([]byte{byte(len(m.plain.User))}, m.plain.User...)
	hello = append(append(hello, byte(len(m.plain.Password))), m.plain.Password...)
	if err := c.SendCmd(zmq4.CmdHello, hello); err != nil {
		return err
	}
	if _, err := m.receive(c, zmq4.CmdWelcome); err != nil {
		return err
	}
	if err := m.sendMetadata(c, zmq4.CmdInitiate); err != nil {
		return err
	}
	return m.metadata(c, zmq4.CmdReady)
}

// receive receives the one command that may come now.
func (m *zmqMechanism) receive(c *zmq4.Conn, name string) (body []byte, err error) {
	cmd, err := c.RecvCmd()
	switch {
	case errors.Unwrap(err) != nil: // what the guard, or the network, has said
		return nil, errors.Unwrap(err)
	case err != nil:
		return nil, err
	case cmd.Name == zmq4.CmdError:
		return nil, zmqRefusal(cmd.Body)
	case cmd.Name != name:
		return nil, fmt.Errorf("the peer sent %.20q where %s was to come", cmd.Name, name)
	}
	return cmd.Body, nil
}

func (m *zmqMechanism) sendMetadata(c *zmq4.Conn, command string) error {
	data, err := c.Meta.MarshalZMTP()
	if err != nil {
		return err
	}
	return c.SendCmd(command, data)
}

// metadata receives the peer's, and leaves its kind of socket where the library looks for it.
func (m *zmqMechanism) metadata(c *zmq4.Conn, command string) error {
	data, err := m.receive(c, command)
	if err != nil {
		return err
	}
	kind, err := zmqSocketType(data)
	if err != nil {
		return err
	}
	c.Peer.Meta["Socket-Type"] = kind
	return zmqSends(kind, m.kind)
}

// zmqSocketTypes are the kinds of sockets in the order of ZMTP 2.0's numbers. Asked about any other the library panics.
var zmqSocketTypes = []string{"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"}

// zmqSocketType is the Socket-Type among a peer's metadata, which must be well-formed to its end.
func zmqSocketType(data []byte) (kind string, err error) {
	for len(data) > 0 {
		name, rest, ok := shortString(data)
		if !ok || len(name) == 0 || len(rest) < 4 {
			return "", errors.New("metadata that breaks off")
		}
		n := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; uint64(n) > uint64(len(rest)) {
			return "", errors.New("metadata that breaks off")
		}
		if strings.EqualFold(string(name), "Socket-Type") {
			kind = string(rest[:n])
		}
		data = rest[n:]
	}
	if !slices.Contains(zmqSocketTypes, kind) {
		return "", fmt.Errorf("a socket of type %.20q", kind)
	}
	return kind, nil
}

// shortString takes a text off the front of b whose length is in one byte.
func shortString(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}
