// Package syslog holds what a syslog message is and does no I/O: the message and its fields, both grammars
// (RFC 3164 and RFC 5424, read as real senders write them), the framing of streams, and the formats that make
// lines of messages again.
package syslog

// A Message is one syslog message. Its byte slices point into the buffer it was parsed from and are valid only as
// long as that is: until Handler.Handle returns. Nothing in it is ever written to.
//
// A field that the message did not carry is empty. Hostname is filled from the Origin where the sender sent none.
type Message struct {
	Raw    []byte // as received, without framing, trailing newline and NULs
	Origin *Origin

	Facility Facility
	Severity Severity
	Guess    Guess // what had to be guessed
	lead     uint8 // 1 if Msg begins with the space that follows a tag
	tagged   bool  // Tag holds the tag; else it is made of AppName and ProcID

	Timestamp Stamp // as the sender said, else Received
	Received  Stamp // in the top-level timezone

	Hostname       []byte
	Tag            []byte // RFC 3164 only, verbatim; see AppendTag
	AppName        []byte
	ProcID         []byte
	MsgID          []byte
	StructuredData []byte // raw text, not decoded
	Msg            []byte // the text, with the space that follows the tag: rsyslog's %msg%
	Channel        []byte // Redis channel, ZMQ topic, Python logger
	Record         []byte // the JSON object that the fields record.* are read from
}

// PRI is the number between < and >: 13 where the message had none that could be read, unless its input says otherwise.
func (m *Message) PRI() int { return int(m.Facility)<<3 | int(m.Severity) }

// Text is the message proper: Msg without the one space that follows a tag.
func (m *Message) Text() []byte { return m.Msg[m.lead:] }

// AppendTag appends the tag: verbatim for RFC 3164 (`app[12]:`), made of APP-NAME and PROCID for RFC 5424 (`app[12]`).
func (m *Message) AppendTag(dst []byte) []byte {
	if m.tagged {
		return append(dst, m.Tag...)
	}
	dst = append(dst, m.AppName...)
	if len(m.ProcID) > 0 {
		dst = append(append(append(dst, '['), m.ProcID...), ']')
	}
	return dst
}

// A Guess is a set of things that Parse had to guess, because the sender left them out or wrote them wrongly.
type Guess uint16

// What Parse may have had to guess.
const (
	NoPRI       Guess = 1 << iota // facility and severity are the input's defaults
	BrokenPRI                     // likewise, and the whole text became the message
	NoTimestamp                   // the timestamp is the time of reception
	NoYear                        // the year that puts the stamp nearest to now
	NoZone                        // the stamp's zone is the input's timezone
	NoHostname                    // the hostname is the peer or this host
	BrokenOff                     // an RFC 5424 header that broke off: the rest became the message
	Truncated                     // longer than max_message_size: the rest is gone
	Incomplete                    // the connection closed inside a counted frame
)

var guessWords = []string{
	"no PRI", "a broken PRI", "no timestamp", "no year", "no zone", "no hostname", "a header that breaks off", "cut at max_message_size", "an incomplete frame",
}

// Malformed reports whether what was guessed is against both grammars, rather than merely left out.
func (g Guess) Malformed() bool { return g&(BrokenPRI|BrokenOff|Incomplete) != 0 }

// Words names what was guessed, in plain English.
func (g Guess) Words() []string {
	var words []string
	for i, w := range guessWords {
		if g&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// A Transport is the way by which a message came.
type Transport uint8

// The transports, named as the field of that name writes them.
const (
	Unixgram Transport = iota
	Unix
	UDP
	TCP
	TLS
	Redis
	ZMQ
	Python
	Kernel
	Internal
)

// Transports are the words in the order of the constants.
var Transports = []string{"unixgram", "unix", "udp", "tcp", "tls", "redis", "zmq", "python", "kernel", "internal"}

func (t Transport) String() string { return Transports[t] }

// An Origin says where messages come from. One serves all messages of a connection, or of a peer's datagrams.
// It is not changed once a message refers to it.
type Origin struct {
	Input     string // the input's name
	Transport Transport
	Source    []byte // the peer's IP address; 127.0.0.1 for a local socket
	Host      []byte // the hostname of messages that carry none: the peer's address, or this machine's name
	Local     bool   // a local socket: senders leave HOSTNAME out
	About     string // of sluice's own log: the target that a line speaks of, and that must not get it
}
