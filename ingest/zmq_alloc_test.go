//go:build !race

package ingest

import (
	"testing"

	"sluice/syslog"
)

// From the buffer to the handler no message allocates: of one frame, with a topic, in an envelope, or of many frames.
func TestZMQAllocatesNothing(t *testing.T) {
	for _, c := range []struct {
		socket ZMQSocket
		stream string
	}{
		{ZMQPull, frame(0, "x")},
		{ZMQSub, frame(zmqMore, "root.INFO") + frame(0, "x")},
		{ZMQSub, frame(zmqMore, "shop") + frame(0, "x")},
		{ZMQRouter, frame(zmqMore, "") + frame(0, `{"name": "shop", "levelno": 20, "msg": "%s", "args": ["x"]}`)},
		{ZMQPull, frame(zmqMore, "a") + frame(zmqMore, "b") + frame(0, "c")},
		{ZMQPull, frame(zmqCommand, "\x04PING\x00\x00abc") + frame(0, "x")},
	} {
		cfg := zmqTestConfig("tcp://127.0.0.1:0")
		cfg.Socket, cfg.Handler, cfg.Topics = c.socket, &zmqCounter{}, nil
		if c.socket == ZMQSub {
			cfg.Topics = []string{"root.", "shop"}
		}
		z, err := NewZMQ(cfg)
		fatal(t, err)
		defer z.Close()
		d := z.desks.Borrow()
		conn := &zmqConn{zmq: z, reader: zmqReader{max: cfg.MaxMessageSize}, origin: &syslog.Origin{Transport: syslog.ZMQ}}
		stream := []byte(c.stream)
		buf := make([]byte, len(stream))
		if n := testing.AllocsPerRun(1000, func() {
			copy(buf, stream)
			conn.out = conn.out[:0]
			if left := conn.cut(d, buf); left > 0 || conn.end != nil {
				t.Fatal(left, conn.end)
			}
		}); n > 0 {
			t.Errorf("%q: %v allocations", c.stream, n)
		}
	}
}

// 2,000 connections that have all been busy and are idle now own no buffers.
func TestZMQIdleMemory(t *testing.T) {
	const conns, burst = 2000, 100
	h := &zmqCounter{all: make(chan struct{})}
	h.want.Store(conns * burst)
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Socket, cfg.Handler = ZMQPull, h })
	before := inUse()
	data := hello(1, "PUSH")
	for range burst {
		data += frame(0, benchPayloads[0].payload)
	}
	peers := make([]rawPeer, conns)
	for i := range peers {
		peers[i] = f.dial(t)
	}
	ours := inUse() - before // mostly: the peers' own side, and ours before the handshake
	for _, p := range peers {
		p.send(data, "\x00\x0ahalf")
	}
	<-h.all
	if grown := int64(inUse()) - int64(before+ours); grown > 20<<20 {
		t.Errorf("%d KB more are in use", grown>>10)
	}
}
