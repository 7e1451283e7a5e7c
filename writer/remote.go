package writer

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"sluice/syslog"
)

// RemoteFraming says how messages are told apart in a stream that we send.
type RemoteFraming uint8

// The framings of outgoing streams.
const (
	SendAsUsual      RemoteFraming = iota // octet-counted over TLS, newlines elsewhere
	SendNewline                           // RFC 6587, section 3.4.2
	SendOctetCounted                      // RFC 6587, section 3.4.1, and RFC 5425
)

// UnmarshalText reads newline or octet_counted.
func (f *RemoteFraming) UnmarshalText(text []byte) error {
	var word RemoteFraming
	err := syslog.UnmarshalWord(&word, "framing", text, []string{"newline", "octet_counted"})
	*f = word + SendNewline
	return err
}

// RemoteOptions are the options of a forward target; YAML fills them.
type RemoteOptions struct {
	Framing RemoteFraming `yaml:"framing"`
	Balance Balance       `yaml:"balance"`
	Retry   Retry         `yaml:"retry"`
	Timeout struct {
		Connect time.Duration `yaml:"connect"`
		Write   time.Duration `yaml:"write"` // without a byte taken
	} `yaml:"timeout"`
	Resend time.Duration `yaml:"resend"` // what arrived this recently goes again after a break
	Queue  QueueOptions  `yaml:"queue"`
}

// DefaultRemoteOptions are the options of a forward over tcp that sets none.
func DefaultRemoteOptions() RemoteOptions {
	o := RemoteOptions{
		Retry:  Retry{Min: time.Second, Max: time.Minute},
		Resend: time.Second,
		Queue:  QueueOptions{Memory: 16 << 20, Spool: 1 << 30, WhenFull: DropOldest, BlockFor: defaultBlockFor, Fsync: time.Second},
	}
	o.Timeout.Connect, o.Timeout.Write = 10*time.Second, 30*time.Second
	return o
}

// An Address is where a collector listens. The network is one of tcp, tls, udp, unix and unixgram.
type Address struct {
	Network, Where string      // host:port, or a path
	TLS            *tls.Config // of tls
}

func (a Address) String() string { return a.Network + "://" + a.Where }

// Counted reports whether messages have their lengths before them on the way to a, and no newline behind.
func (f RemoteFraming) Counted(a Address) bool {
	return f == SendOctetCounted || f == SendAsUsual && a.Network == "tls"
}

// Stream reports whether messages go over a connection, and not as datagrams.
func (a Address) Stream() bool { return a.Network != "udp" && a.Network != "unixgram" }

// A Remote sends blocks to a collector, or to several. A connection is made when there is something to send, and anew,
// its name resolved again, after any fault. What is not known to have been read by then goes again, in its order and as a
// whole: progress.go says when that is.
type Remote struct {
	options  RemoteOptions
	log      *slog.Logger
	links    []*link
	turn     int     // round_robin: whose it is
	todo     []piece // what has to be sent, in its order: what went before and has to go again comes first
	begun    *Block  // whose pieces are behind it there
	owed     []*owed // the blocks that were written and not released, in their order
	reload   func()  // brings back the text of blocks that are evicted
	wake     func()  // has Progress called
	keepMost int64   // how many bytes that arrived are kept at most, in case that nobody has read them

	ctx       context.Context // ends when nothing is worth waiting for any more
	interrupt context.CancelFunc

	Truncated atomic.Uint64 // datagrams that were cut, or left out
	Resent    atomic.Uint64 // messages that went again
}

// An owed is what is known of a block that is written, but may have to be written again.
type owed struct {
	undelivered, unreleased int // of its pieces
	written                 bool
}

// A piece is what one collector gets of a block.
type piece struct {
	text      *Block // the block itself, or a part of it
	of        *Block // the block
	owed      *owed
	end       int64     // how many bytes the connection had taken behind it
	arrived   time.Time // over this connection; zero: not yet
	delivered bool      // has arrived, be it over an earlier connection
	sent      bool      // over an earlier connection
}

// NewRemote returns a sink that is not connected yet.
func NewRemote(addresses []Address, o RemoteOptions, log *slog.Logger) *Remote {
	r := &Remote{options: o, log: log, keepMost: keepUnread, wake: func() {}}
	if o.Queue.Spool == 0 { // it is all in memory, which has to have room for more
		r.keepMost = min(keepUnread, o.Queue.Memory/2)
	}
	r.ctx, r.interrupt = context.WithCancel(context.Background())
	for _, a := range addresses {
		r.links = append(r.links, &link{remote: r, address: a})
	}
	return r
}

// attach says how the text of blocks that are in the spool is brought back, and who is told when a connection has ended.
func (r *Remote) attach(reload, wake func()) { r.reload, r.wake = reload, wake }

// Interrupt ends whatever Write or Close wait for. Another goroutine may call it. The sink cannot be used afterwards.
func (r *Remote) Interrupt() { r.interrupt() }

// Write sends what has to be sent again and then all of b. A nil b is none. After an error it goes on where it was, if it
// is called with the same block.
func (r *Remote) Write(b *Block) error {
	r.adopt()
	if b != nil && b != r.begun {
		r.todo = r.pieces(r.todo, b)
		r.begun = b
	}
	for faults := 0; len(r.todo) > 0; {
		p := r.todo[0]
		if p.text.evicted {
			r.reload()
		}
		if p.of.empty && p.text != p.of {
			p.text.reset()
		}
		l, err := r.choose(p.text)
		if err != nil {
			return err
		}
		if err := l.write(p); err != nil {
			r.lost(l, err) // what it had comes first now
			if faults++; faults >= len(r.links) {
				return err
			}
			continue
		}
		r.todo = slices.Delete(r.todo, 0, 1)
		if !p.owed.written {
			p.owed.written = true
			r.owed = append(r.owed, p.owed)
		}
		if p.sent {
			r.Resent.Add(uint64(p.text.Count()))
		}
	}
	if r.begun = nil; cap(r.todo) > 8 {
		r.todo = nil
	}
	return nil
}

// pieces appends what the collectors get of b: all of them the same, unless it matters who gets what.
func (r *Remote) pieces(todo []piece, b *Block) []piece {
	if r.options.Balance == Hash && len(r.links) > 1 {
		return append(todo, r.split(b)...)
	}
	b.owed = owed{undelivered: 1, unreleased: 1}
	return append(todo, piece{text: b, of: b, owed: &b.owed})
}

// lost takes back what was sent over a connection that has ended, to be sent again. It is older than what had to be
// before.
func (r *Remote) lost(l *link, err error) {
	l.disconnect()
	for i := range l.kept {
		l.kept[i].arrived, l.kept[i].sent = time.Time{}, true
	}
	r.todo = append(l.kept, r.todo...)
	l.kept = nil
	if len(r.links) > 1 {
		l.sent = 0 // another takes over, from the block's beginning
		l.retry = time.Now().Add(r.options.Retry.Max)
		r.log.Warn("lost a collector, the others take over", "address", l.address.String(), "error", err)
	}
}

func (r *Remote) anyLive() bool { return slices.ContainsFunc(r.links, (*link).live) }

// Close tells the collectors that nothing follows, and waits for their FIN: the receipt for what they have not been known
// to read. The error says that there was none.
func (r *Remote) Close() error {
	var err error
	for _, l := range r.links {
		err = errors.Join(err, l.hangUp())
	}
	r.interrupt()
	for _, l := range r.links {
		l.endProbe()
	}
	if err == nil && len(r.todo) > 0 {
		err = errors.New("there was more to be sent")
	}
	return err
}
