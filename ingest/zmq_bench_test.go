package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-zeromq/zmq4"

	"sluice/syslog"
)

// A zmqCounter is a Handler that only counts, and says when all are there.
type zmqCounter struct {
	n, want atomic.Int64
	all     chan struct{}
}

func (c *zmqCounter) Handle(b *syslog.Batch) {
	k := int64(len(b.Messages))
	if n, want := c.n.Add(k), c.want.Load(); n >= want && n-k < want {
		close(c.all)
	}
}

// flood sends n messages as fast as they are taken: many frames, made before, in one write.
func flood(t testing.TB, c net.Conn, message string, n int) {
	const atOnce = 512
	many := bytes.Repeat([]byte(message), atOnce)
	for ; n > 0; n -= atOnce {
		if _, err := c.Write(many[:min(n, atOnce)*len(message)]); err != nil {
			t.Error(err)
			return
		}
	}
}

// BenchmarkZMQ reads messages of 150 bytes that one peer sends as fast as it can. library is what go-zeromq's own PULL
// socket makes of the same, and why frames are not read by it.
func BenchmarkZMQ(b *testing.B) {
	text := strings.Repeat("x", 150)
	for _, c := range []struct {
		socket  ZMQSocket
		peer    string
		message string
	}{
		{ZMQSub, "PUB", frame(zmqMore, "root.INFO") + frame(0, text)},
		{ZMQPull, "PUSH", frame(0, text)},
		{ZMQRouter, "DEALER", frame(zmqMore, "") + frame(0, text)},
	} {
		b.Run(c.socket.String(), func(b *testing.B) {
			h := &zmqCounter{all: make(chan struct{})}
			h.want.Store(int64(b.N))
			f := runZMQ(b, func(cfg *ZMQConfig) { cfg.Socket, cfg.Handler = c.socket, h })
			p := f.dial(b).send(hello(1, c.peer))
			b.ReportAllocs()
			b.ResetTimer()
			flood(b, p, c.message, b.N)
			<-h.all
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
	b.Run("library", func(b *testing.B) {
		pull := zmq4.NewPull(context.Background(), zmq4.WithLogger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
		defer pull.Close()
		fatal(b, pull.Listen("tcp://127.0.0.1:0"))
		c, err := net.Dial("tcp", pull.Addr().String())
		fatal(b, err)
		defer c.Close()
		fmt.Fprint(c, hello(0, "PUSH"))
		b.ReportAllocs()
		b.ResetTimer()
		go flood(b, c, frame(0, text), b.N)
		for range b.N {
			_, err := pull.Recv()
			fatal(b, err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	})
}
