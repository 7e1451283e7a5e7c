package writer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sluice/syslog"
)

// RemoteFraming says how messages are told apart in a stream that we send.
type RemoteFraming uint8

// The framings of outgoing streams.
const (
	SendNewline      RemoteFraming = iota // RFC 6587, section 3.4.2
	SendOctetCounted                      // RFC 6587, section 3.4.1
)

var remoteFramings = []string{"newline", "octet_counted"}

// UnmarshalText reads newline or octet_counted.
func (f *RemoteFraming) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(f, "framing", text, remoteFramings)
}

// RemoteOptions are the options of a forward target; YAML fills them.
type RemoteOptions struct {
	Framing RemoteFraming `yaml:"framing"`
	Retry   Retry         `yaml:"retry"`
	Timeout struct {
		Connect time.Duration `yaml:"connect"`
		Write   time.Duration `yaml:"write"`
	} `yaml:"timeout"`
	TLS     any           `yaml:"tls,later"`
	Balance string        `yaml:"balance,later"`
	Resend  time.Duration `yaml:"resend,later"`
	Queue   QueueOptions  `yaml:"queue"`
}

// DefaultRemoteOptions are the options of a forward that sets none, over that transport.
func DefaultRemoteOptions() RemoteOptions {
	o := RemoteOptions{Retry: Retry{Min: time.Second, Max: time.Minute}, Queue: QueueOptions{Memory: 16 << 20, WhenFull: DropOldest, BlockFor: defaultBlockFor}}
	o.Timeout.Connect, o.Timeout.Write = 10*time.Second, 30*time.Second
	return o
}

// maxUDP is the longest message that fits a UDP datagram over IPv4.
const maxUDP = 65507

// A Remote sends blocks to one collector over tcp, udp, unix or unixgram. The connection is made when there is something
// to send, and anew, its name resolved again, after any fault; the block in hand then goes again as a whole.
type Remote struct {
	network, address string
	options          RemoteOptions
	conn             net.Conn
	broken           *breakage
	frames           []byte // the block in hand, octet-counted
	sent             int    // datagrams of the block in hand that are sent
	packets          packets
	ctx              context.Context // ends when nothing is worth waiting for any more
	interrupt        context.CancelFunc
	Truncated        atomic.Uint64 // datagrams that were cut, or left out
}

// NewRemote returns a sink that is not connected yet. The network is one of tcp, udp, unix and unixgram.
func NewRemote(network, address string, o RemoteOptions) *Remote {
	r := &Remote{network: network, address: address, options: o}
	r.ctx, r.interrupt = context.WithCancel(context.Background())
	return r
}

// Interrupt ends whatever Write or Close wait for. Another goroutine may call it. The sink cannot be used afterwards.
func (r *Remote) Interrupt() { r.interrupt() }

func (r *Remote) stream() bool { return r.network == "tcp" || r.network == "unix" }

// Write sends all of b. An error means that the connection is gone.
func (r *Remote) Write(b *Block) error {
	if err := r.connect(); err != nil {
		return err
	}
	var err error
	if r.stream() {
		err = r.writeStream(b)
	} else {
		err = r.writePackets(b)
	}
	if err != nil {
		if r.stream() {
			err = r.broken.reason(err)
		}
		r.disconnect()
		return fmt.Errorf("%s://%s: %w", r.network, r.address, cause(err))
	}
	return nil
}

func (r *Remote) connect() error {
	if r.conn != nil {
		select {
		case <-r.broken.done:
			r.disconnect()
		default:
			return nil
		}
	}
	dialer := net.Dialer{Timeout: r.options.Timeout.Connect, KeepAlive: time.Minute}
	conn, err := dialer.DialContext(r.ctx, r.network, r.address)
	if err != nil {
		return fmt.Errorf("%s://%s: %w", r.network, r.address, cause(err))
	}
	r.conn, r.broken = conn, watch(r.ctx, conn, r.stream())
	return nil
}

func (r *Remote) disconnect() {
	if r.conn != nil {
		r.broken.stop()
		r.conn.Close()
		r.broken.wait.Wait()
		r.conn = nil
	}
}

// A breakage is the end of a stream, seen by reading it: a FIN, a reset. What a collector says is discarded.
type breakage struct {
	done chan struct{}
	wait sync.WaitGroup
	stop func() bool
	err  error // why reading ended; nil: a FIN
}

// errClosedByPeer is a FIN from a collector that we had more for.
var errClosedByPeer = errors.New("closed by the collector")

// reason is why a write failed: if the connection had ended by then, that is.
func (b *breakage) reason(err error) error {
	select {
	case <-b.done:
		if err = b.err; err == nil {
			err = errClosedByPeer
		}
	default:
	}
	return err
}

func watch(ctx context.Context, conn net.Conn, stream bool) *breakage {
	b := &breakage{done: make(chan struct{})}
	b.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if stream {
		b.wait.Go(func() {
			defer close(b.done)
			_, b.err = io.Copy(io.Discard, conn)
			conn.Close() // a write that is blocked learns of it
		})
	}
	return b
}

func (r *Remote) writeStream(b *Block) error {
	text := b.Text
	if r.options.Framing == SendOctetCounted {
		r.frames = r.frames[:0]
		for n := range uint32(b.Count()) {
			message := b.Text[b.start(n):b.Ends[n]]
			r.frames = append(strconv.AppendInt(r.frames, int64(len(message)), 10), ' ')
			r.frames = append(r.frames, message...)
		}
		text = r.frames
	}
	if err := r.conn.SetWriteDeadline(time.Now().Add(r.options.Timeout.Write)); err != nil {
		return err
	}
	_, err := r.conn.Write(text)
	return err
}

// finTime is how long Close waits for the collector's FIN.
const finTime = 5 * time.Second

// Close tells the collector that nothing follows, and waits for its FIN, its receipt.
func (r *Remote) Close() error {
	if r.conn == nil {
		return nil
	}
	if half, ok := r.conn.(interface{ CloseWrite() error }); ok && r.stream() && half.CloseWrite() == nil {
		r.conn.SetReadDeadline(time.Now().Add(finTime))
		<-r.broken.done
	}
	r.disconnect()
	return nil
}

// cause is the bare reason of a network error, whose text otherwise repeats the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
