package ingest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// plainHello is what a client of PLAIN logs in with.
func plainHello(user, password string) string {
	return frame(zmqCommand, "\x05HELLO"+string(byte(len(user)))+user+string(byte(len(password)))+password)
}

func withPlain(cfg *ZMQConfig) {
	cfg.Socket, cfg.Plain = ZMQPull, &ZMQPlain{"app", "s3cret"}
}

func pull(cfg *ZMQConfig) { cfg.Socket = ZMQPull }

const longMetadata = "\x05READY\x0bSocket-Type\x00\x00\xff\xffPUSH"

// Peers that are refused, each with a clear word, while another's messages go on coming.
var zmqRefused = []struct {
	name string
	set  func(*ZMQConfig)
	send string
	want string // in the log; empty: nothing is said
}{
	{"nothing", pull, "", ""},
	{"HTTP", pull, "GET / HTTP/1.1\r\nHost: web1\r\n\r\n", `no ZeroMQ: the peer begins with \"GET / HTTP/1.1`},
	{"syslog", pull, "<14>hello\n", `no ZeroMQ: the peer begins with \"<14>hello`},
	{"a signature that is none", pull, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x03", "no ZeroMQ"},
	{"half a signature", pull, "\xff\x00\x00", "unexpected EOF"},
	{"half a greeting", pull, zmqOpening, "unexpected EOF"},
	{"ZMTP 1.0", pull, zmqSignature + "\x00\x00\x00\x00", "the peer speaks ZMTP 1.0"},
	{"CURVE", pull, zmqGreeting(1, "CURVE"), "the peer wants CURVE, which is not spoken here"},
	{"CURVE where plain is asked for", withPlain, zmqGreeting(1, "CURVE"), "the peer wants CURVE"},
	{"GSSAPI", pull, zmqGreeting(1, "GSSAPI"), `the peer wants \"GSSAPI\", and the input has no plain`},
	{"PLAIN", pull, zmqGreeting(1, "PLAIN") + plainHello("app", "s3cret"), `the peer wants \"PLAIN\", and the input has no plain`},
	{"NULL where plain is asked for", withPlain, hello(1, "PUSH"), `wrong user or password: the peer offers \"NULL\"`},
	{"ZMTP 2.0 where plain is asked for", withPlain, zmqSignature + "\x01\x08\x00\x00", "ZMTP 2.0 knows neither"},
	{"a wrong password", withPlain, zmqGreeting(1, "PLAIN") + plainHello("app", "secret"), "wrong user or password"},
	{"a wrong user", withPlain, zmqGreeting(1, "PLAIN") + plainHello("apq", "s3cret"), "wrong user or password"},
	{"no password", withPlain, zmqGreeting(1, "PLAIN") + plainHello("", ""), "wrong user or password"},
	{"the password with more behind it", withPlain, zmqGreeting(1, "PLAIN") + plainHello("app", "s3cretx"), "wrong user or password"},
	{"a HELLO without a password", withPlain, zmqGreeting(1, "PLAIN") + frame(zmqCommand, "\x05HELLO\x03app"), "a HELLO that is not of PLAIN"},
	{"a HELLO that is empty", withPlain, zmqGreeting(1, "PLAIN") + frame(zmqCommand, "\x05HELLO"), "a HELLO that is not of PLAIN"},
	{"READY without HELLO", withPlain, zmqGreeting(1, "PLAIN") + zmqReady("PUSH"), `the peer sent \"READY\" where HELLO was to come`},
	{"INITIATE without HELLO", withPlain, zmqGreeting(1, "PLAIN") + frame(zmqCommand, "\x08INITIATE"+property("Socket-Type", "PUSH")), `the peer sent \"INITIATE\"`},
	{"an ERROR", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05ERROR\x03400"), `the peer refuses us: \"400\"`},
	{"an ERROR with no reason", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05ERROR"), `the peer refuses us: \"\"`},
	{"an ERROR with too short a reason", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05ERROR\xff4"), `the peer refuses us: \"4\"`},
	{"2^62 bytes for READY", pull, zmqGreeting(1, "NULL") + "\x06\x40\x00\x00\x00\x00\x00\x00\x00", "a frame of 4611686018427387904 bytes"},
	{"1 GiB for READY", pull, zmqGreeting(1, "NULL") + "\x06\x00\x00\x00\x00\x40\x00\x00\x00", "a command of 1073741824 bytes"},
	{"a message for READY", pull, zmqGreeting(1, "NULL") + frame(0, "x"), "a message before the end of the handshake"},
	{"a READY that is to go on", pull, zmqGreeting(1, "NULL") + "\x05\x06\x05READY", "a frame begins with 0x05"},
	{"a command without a name", pull, zmqGreeting(1, "NULL") + "\x04\x00", "a command without a name"},
	{"a command with half a name", pull, zmqGreeting(1, "NULL") + "\x04\x03\x05RE", "a command without a name"},
	{"metadata that breaks off", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, longMetadata), "metadata that breaks off"},
	{"metadata with half a name", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05READY\xffSocket"), "metadata that breaks off"},
	{"no metadata", pull, zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05READY"), `a socket of type \"\"`},
	{"a socket that nobody knows", pull, hello(1, "FOO"), `a socket of type \"FOO\"`},
	{"a publisher", pull, hello(1, "PUB"), "the peer is a PUB, for which the input needs socket: sub"},
	{"a subscriber", pull, hello(1, "SUB"), "the peer is a SUB, which sends to no socket that an input can have"},
	{"ZMTP 2.0 of a subscriber", pull, zmqSignature + "\x01\x02\x00\x00", "the peer is a SUB"},
	{"ZMTP 2.0 of nobody", pull, zmqSignature + "\x01\x63\x00\x00", "a socket of type 99"},
	{"ZMTP 2.0 with a message for an identity", pull, zmqSignature + "\x01\x08\x01\x01x", "a message before the end of the handshake"},
	{"metadata without end", withPlain, zmqGreeting(1, "PLAIN") + plainHello("app", "s3cret") + frame(zmqCommand, "\x08INITIATE"+strings.Repeat("\x01x\x00\x00\x00\x00", 600)), `a socket of type \"\"`},
	{"PINGs without end", pull, zmqGreeting(1, "NULL") + strings.Repeat("\x04\x07\x04PING\x00\x00", 1000), `the peer sent \"PING\" where READY was to come`},
}

func TestZMQRefused(t *testing.T) {
	for _, c := range zmqRefused {
		t.Run(c.name, func(t *testing.T) {
			f := runZMQ(t, c.set)
			other := f.dial(t)
			if f.cfg.Plain == nil {
				other.send(hello(1, "PUSH"))
			} else {
				other.send(zmqGreeting(1, "PLAIN"), plainHello("app", "s3cret"), frame(zmqCommand, "\x08INITIATE"+property("Socket-Type", "PUSH")))
			}
			other.send(frame(0, "before"))
			f.sink.wait(t, 1)

			p := f.dial(t).send(c.send)
			_ = p.Conn.(*net.TCPConn).CloseWrite() // the input may have been faster
			p.closed()
			if c.want != "" {
				f.logs.wait(t, c.want)
			}
			other.send(frame(0, "after"))
			f.sink.wait(t, 2)
			f.stop()
			if c.want == "" && strings.Contains(f.logs.String(), "refused") {
				t.Errorf("the log says\n%s", f.logs)
			}
			refused, notAllowed := f.Counters().ConnectionsRefused.Load(), f.Counters().DroppedNotAllowed.Load()
			switch wrong := strings.Contains(c.want, "wrong user") || strings.Contains(c.want, "knows neither"); {
			case c.want == "" && refused+notAllowed > 0, c.want != "" && wrong && notAllowed != 1, c.want != "" && !wrong && refused != 1:
				t.Errorf("counted %d refused and %d not allowed", refused, notAllowed)
			}
		})
	}
}

// A peer that says nothing, or not enough, is not waited for.
func TestZMQHandshakeTime(t *testing.T) {
	for _, said := range []string{"", "\xff", zmqOpening, zmqGreeting(1, "NULL"), zmqGreeting(1, "NULL") + "\x04\x19\x05REA", zmqSignature + "\x01"} {
		f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.Name = "hasty" })
		f.dial(t).send(said).closed()
		f.logs.wait(t, "no handshake within 50ms")
		if n := f.Counters().ConnectionsRefused.Load(); n != 1 {
			t.Errorf("%q: counted %d", said, n)
		}
	}
}

// Peers of every version get through, whatever pieces their bytes come in.
func TestZMQVersions(t *testing.T) {
	for _, c := range []struct {
		name, send, expect string
		set                func(*ZMQConfig)
	}{
		{"2.0", zmqSignature + "\x01\x08\x00\x00", zmqOpening + "\x07\x00\x00", nil},
		{"2.0, with an identity", zmqSignature + "\x01\x08\x00\x04anna", zmqOpening + "\x07\x00\x00", nil},
		{"2.1", zmqSignature + "\x02\x08\x00\x00", zmqOpening + "\x07\x00\x00", nil},
		{"3.0", hello(0, "PUSH"), zmqGreeting(0, "NULL"), nil},
		{"3.1", hello(1, "PUSH"), zmqGreeting(0, "NULL"), nil},
		{"3.1, with more metadata", zmqGreeting(1, "NULL") + frame(zmqCommand, "\x05READY"+property("X-App", "shop")+property("socket-type", "PUSH")+property("Identity", "")), zmqGreeting(0, "NULL"), nil},
		{"4.7", strings.Replace(hello(7, "PUSH"), "\x7f\x03", "\x7f\x04", 1), zmqGreeting(0, "NULL"), nil},
		{"PLAIN", zmqGreeting(1, "PLAIN") + plainHello("app", "s3cret") + frame(zmqCommand, "\x08INITIATE"+property("Socket-Type", "PUSH")),
			zmqGreeting(0, "PLAIN") + frame(zmqCommand, "\x07WELCOME"), withPlain},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := runZMQ(t, func(cfg *ZMQConfig) {
				pull(cfg)
				if c.set != nil {
					c.set(cfg)
				}
			})
			whole := f.dial(t).send(c.send, frame(0, "whole"))
			whole.expect(strings.Replace(c.expect, zmqSignature, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", 1))
			f.sink.wait(t, 1)
			p := f.dial(t)
			for i := range c.send {
				p.send(c.send[i : i+1])
			}
			p.send(frame(0, "pieces"))
			if got := f.sink.wait(t, 2); got[0] != "|info|whole" || got[1] != "|info|pieces" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A scripted is a connection of which one side is already said.
type scripted struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(p) > 3 { // never all at once
		p = p[:3]
	}
	return s.in.Read(p)
}
func (s *scripted) Write(p []byte) (int, error)   { return s.out.Write(p) }
func (s *scripted) SetDeadline(t time.Time) error { return nil }

// FuzzZMQHandshake: no peer makes us or the library panic, or keep more than we said, and nobody gets in without the
// password.
func FuzzZMQHandshake(f *testing.F) {
	for _, c := range zmqRefused {
		f.Add([]byte(c.send), true, true)
	}
	f.Add([]byte(hello(1, "PUSH")+frame(0, "x")), false, true)
	f.Add([]byte(zmqGreeting(1, "PLAIN")+plainHello("app", "s3cret")+frame(zmqCommand, "\x08INITIATE"+property("Socket-Type", "PUSH"))), true, true)
	f.Add([]byte(zmqGreeting(1, "PLAIN")+frame(zmqCommand, "\x07WELCOME")+zmqReady("PUSH")), true, false)
	f.Fuzz(func(t *testing.T, said []byte, plain, server bool) {
		h := zmqHandshake{kind: zmq4.Pull, server: server}
		if plain {
			h.plain = &ZMQPlain{"app", "s3cret"}
		}
		c := &scripted{in: bytes.NewReader(said)}
		p, err := h.open(c)
		if len(p.sent) > 512 {
			t.Errorf("%d bytes kept", len(p.sent))
		}
		if errors.Is(err, io.EOF) && len(said) > 0 {
			t.Errorf("a peer that said %q left without a word", said)
		}
		if err == nil && plain && server && !bytes.Contains(said, []byte("\x03app\x06s3cret")) {
			t.Errorf("let in: %q", said)
		}
	})
}
