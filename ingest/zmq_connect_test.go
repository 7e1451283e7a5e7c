package ingest

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// publisher accepts one connection at ln and publishes on it.
func publisher(t *testing.T, ln net.Listener, texts ...string) rawPeer {
	t.Helper()
	c, err := ln.Accept()
	fatal(t, err)
	t.Cleanup(func() { c.Close() })
	p := rawPeer{c, t}
	p.send(hello(1, "PUB"))
	for _, text := range texts {
		p.send(frame(zmqMore, "t"), frame(0, text))
	}
	return p
}

// Connecting outlives a publisher that is not there yet, goes, comes back as something else, and returns.
func TestZMQConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s") // an address of our own while nobody listens
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Bind, cfg.Endpoints = false, []ZMQEndpoint{{"unix", path}} })
	if got := f.Addr().String(); got != path {
		t.Errorf("it reads from %s", got)
	}
	f.logs.wait(t, "ipc://"+path+": no such file or directory")

	ln, err := net.Listen("unix", path)
	fatal(t, err)
	p := publisher(t, ln, "first")
	f.sink.wait(t, 1)
	f.logs.wait(t, "msg=connected")
	fatal(t, p.Close())
	p = publisher(t, ln, "second")
	f.sink.wait(t, 2)
	fatal(t, p.Close())
	c, err := ln.Accept() // something else
	fatal(t, err)
	rawPeer{c, t}.send("HTTP/1.1 400 Bad Request\r\n\r\n").closed()
	c, err = ln.Accept() // a full frame of nonsense
	fatal(t, err)
	rawPeer{c, t}.send(hello(1, "PUB"), "\x02\x40\x00\x00\x00\x00\x00\x00\x00").closed()
	publisher(t, ln, "third")
	if got := f.sink.wait(t, 3); got[2] != "t|info|third" {
		t.Errorf("got %q", got)
	}
	f.stop()
	if n := f.Counters().Reconnects.Load(); n != 3 { // twice a publisher, and the frame of nonsense
		t.Errorf("counted %d connections that broke", n)
	}
	if n := strings.Count(f.logs.String(), "trying again"); n > 3 {
		t.Errorf("it says %d times that it tries again:\n%s", n, f.logs)
	}
}

// A peer that leaves without a word is told from one that is not there.
func TestZMQConnectClosed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer ln.Close()
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Bind, cfg.Endpoints = false, []ZMQEndpoint{{"tcp", ln.Addr().String()}} })
	c, err := ln.Accept()
	fatal(t, err)
	_, err = c.Read(make([]byte, len(zmqOpening))) // unread, it would be an RST
	fatal(t, err)
	fatal(t, c.Close())
	f.logs.wait(t, "the peer closed the connection")
}

// A dead publisher's end of the connection is noticed, and the next one is found.
func TestZMQConnectHalfOpen(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer ln.Close()
	f := runZMQ(t, func(cfg *ZMQConfig) {
		cfg.Bind, cfg.KeepAlive = false, 50*time.Millisecond
		e, err := ParseZMQEndpoint("tcp://" + ln.Addr().String())
		fatal(t, err)
		cfg.Endpoints = []ZMQEndpoint{e}
	})
	publisher(t, ln, "first").closed()
	f.logs.wait(t, "the peer is silent")
	publisher(t, ln, "second")
	f.sink.wait(t, 2)
}

// Several endpoints are read at the same time; one that is away delays none.
func TestZMQConnectMany(t *testing.T) {
	here, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer here.Close()
	there, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer there.Close()
	f := runZMQ(t, func(cfg *ZMQConfig) {
		cfg.Bind, cfg.MaxConnections = false, 1
		cfg.Endpoints = []ZMQEndpoint{{"unix", filepath.Join(t.TempDir(), "nobody")}, {"tcp", here.Addr().String()}, {"tcp", there.Addr().String()}}
	})
	publisher(t, here, "here")
	f.sink.wait(t, 1)
	publisher(t, there, "there")
	f.sink.wait(t, 2)
}

// As a client of PLAIN we log in, and say what the server has against us.
func TestZMQConnectPlain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer ln.Close()
	f := runZMQ(t, func(cfg *ZMQConfig) {
		cfg.Bind, cfg.Plain = false, &ZMQPlain{"app", "s3cret"}
		cfg.Endpoints = []ZMQEndpoint{{"tcp", ln.Addr().String()}}
	})
	accept := func() rawPeer {
		c, err := ln.Accept()
		fatal(t, err)
		t.Cleanup(func() { c.Close() })
		p := rawPeer{c, t}
		p.send(zmqGreeting(1, "PLAIN"))
		p.expect(zmqGreeting(0, "PLAIN") + plainHello("app", "s3cret"))
		return p
	}
	accept().send(frame(zmqCommand, "^RROR\x03400")).closed() // as libzmq 4.3 writes it
	f.logs.wait(t, `the peer refuses us: \"400\"`)
	p := accept().send(frame(zmqCommand, "\x07WELCOME"))
	p.skipReady() // INITIATE
	p.send(zmqReady("PUB"), frame(zmqMore, "t"), frame(0, "x"))
	f.sink.wait(t, 1)
	if strings.Contains(f.logs.String(), "s3cret") {
		t.Error("the log tells the password")
	}
}

// A stop does not wait for a publisher that does not answer.
func TestZMQConnectStops(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer ln.Close()
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Bind, cfg.Endpoints = false, []ZMQEndpoint{{"tcp", ln.Addr().String()}} })
	c, err := ln.Accept()
	fatal(t, err)
	defer c.Close()
	start := time.Now()
	f.stop()
	if d := time.Since(start); d > zmqHandshakeTime/2 {
		t.Errorf("it took %v", d)
	}
}
