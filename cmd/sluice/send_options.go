package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
)

// sendOptions are the flags of `sluice send` as they were typed. The short ones are logger's.
type sendOptions struct {
	changed func(flag string) bool

	to, socket, server, port string
	udp, tcp                 bool
	tls                      clientTLS

	tag, priority, id, msgid  string
	rfc5424, rfc3164          bool
	octetCount                bool
	file, size                string
	count                     int64
	rate                      float64
	connections               int
	quiet, echo, skippedEmpty bool
}

// ownPID is the value of -i and --id without a value.
const ownPID = "pid"

func (o *sendOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.to, "to", "/dev/log", "where to: a syslog `URL`, or the path of a socket")
	f.StringVarP(&o.server, "server", "n", "", "send to this `host` instead, by udp unless -T says tcp")
	f.StringVarP(&o.port, "port", "P", "", "the `port` of -n (514)")
	f.BoolVarP(&o.udp, "udp", "d", false, "with -n: by udp")
	f.BoolVarP(&o.tcp, "tcp", "T", false, "with -n: by tcp")
	f.StringVarP(&o.socket, "socket", "u", "", "send to the socket at this `path` instead")
	f.StringVarP(&o.tag, "tag", "t", "", "`tag` of the message (the user's name)")
	f.StringVarP(&o.priority, "priority", "p", "user.notice", "`facility.severity`, a severity, or the number")
	f.StringVarP(&o.id, "id", "i", "", "add the process id to the tag, or this `ID`")
	f.Lookup("id").NoOptDefVal = ownPID
	f.BoolVar(&o.rfc5424, "rfc5424", false, "write an RFC 5424 header instead of RFC 3164's")
	f.StringVar(&o.msgid, "msgid", "", "the MSGID of RFC 5424")
	f.BoolVar(&o.octetCount, "octet-count", false, "on streams: count octets instead of ending messages with a newline (always on tls)")
	f.StringVar(&o.tls.CA, "tls-ca", "", "on tls: the `file` of the authorities to trust (the system's)")
	f.StringVar(&o.tls.Cert, "tls-cert", "", "on tls: the `file` of a certificate to present")
	f.StringVar(&o.tls.Key, "tls-key", "", "on tls: the `file` of its key (the certificate's)")
	f.BoolVar(&o.tls.InsecureSkipVerify, "tls-insecure", false, "on tls: do not verify the receiver's certificate")
	f.StringVarP(&o.file, "file", "f", "", "send the lines of this `file` instead of stdin's")
	f.Int64Var(&o.count, "count", 0, "send `N` messages: a load")
	f.Float64Var(&o.rate, "rate", 0, "at most `R` messages a second")
	f.StringVar(&o.size, "size", "", "fill each message up to `B` bytes, its header included (200 for a load without MESSAGE)")
	f.IntVar(&o.connections, "connections", 1, "send the load over `K` connections at once")
	f.BoolVarP(&o.echo, "stderr", "s", false, "write the messages to stderr as well")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not print what was sent")
	f.BoolVar(&o.rfc3164, "rfc3164", false, "the default")
	f.BoolVarP(&o.skippedEmpty, "skip-empty", "e", false, "always on")
	for _, habit := range []string{"rfc3164", "skip-empty"} {
		f.Lookup(habit).Hidden = true
	}
}

// job checks the flags and makes of them what is to be done. It opens nothing but the file of --file.
func (o *sendOptions) job(host sendHost, args []string) (*sendJob, error) {
	j := &sendJob{
		count: o.count, rate: o.rate, connections: o.connections, quiet: o.quiet, echo: o.echo,
		counted: o.octetCount, now: host.now, patience: host.patience, text: strings.Join(args, " "),
	}
	fromStdin := len(args) == 0 || j.text == "-"
	if fromStdin {
		j.text = ""
	}
	var err error
	if j.size, err = o.messageSize(); err != nil {
		return nil, err
	}
	load := o.changed("count")
	switch {
	case load && o.count < 1:
		return nil, fmt.Errorf("--count %d: a load has at least one message", o.count)
	case load && o.echo:
		return nil, errors.New("--stderr: not with --count")
	case load && o.file != "":
		return nil, errors.New("--file: not with --count: a load repeats one message")
	case load && fromStdin:
		j.text = "{seq} "
		if j.size == 0 {
			j.size = 200
		}
	case load:
	case o.file != "" && len(args) > 0:
		return nil, errors.New("--file: not with a MESSAGE")
	case !fromStdin && j.text == "":
		return nil, errors.New("send: the MESSAGE is empty")
	case fromStdin && o.size != "":
		return nil, errors.New("--size: needs --count or a MESSAGE, not lines")
	}
	switch {
	case o.connections < 1:
		return nil, fmt.Errorf("--connections %d: at least one", o.connections)
	case o.connections > 1 && !load:
		return nil, errors.New("--connections: needs --count: only a load is spread")
	case o.changed("rate") && !(o.rate >= 1e-6 && o.rate <= 1e12): // NaN too
		return nil, fmt.Errorf("--rate %v: messages a second, more than none", o.rate)
	}
	if j.to, err = o.address(); err != nil {
		return nil, err
	}
	if j.framing, err = o.framing(j.to); err != nil {
		return nil, err
	}
	if j.header, err = o.header(host, j.to.local()); err != nil {
		return nil, err
	}
	if o.file != "" && o.file != "-" {
		if j.file, err = os.Open(o.file); err != nil {
			return nil, fmt.Errorf("--file %w", err)
		}
		j.in = j.file
	}
	return j, nil
}

func (o *sendOptions) messageSize() (int, error) {
	if o.size == "" {
		return 0, nil
	}
	const most = 64 << 20 // more than any receiver takes
	n, err := strict.ParseSize(o.size)
	switch {
	case err != nil:
		return 0, fmt.Errorf("--size %s: %w", o.size, err)
	case n < 1 || n > most:
		return 0, fmt.Errorf("--size %s: 1 to 64MiB", o.size)
	}
	return int(n), nil
}

// address is --to, or what logger's flags say.
func (o *sendOptions) address() (sendAddress, error) {
	if o.server == "" && (o.udp || o.tcp || o.port != "") {
		return sendAddress{}, errors.New("-P, -d and -T: need -n, the server (or write --to tcp://host:port)")
	}
	var a sendAddress
	var err error
	switch {
	case o.socket != "":
		a, err = sendAddress{path: o.socket, either: true, network: syslog.Unixgram}, nil
	case o.server != "":
		network := syslog.UDP
		if o.tcp {
			network = syslog.TCP
		}
		host, port := o.server, o.port
		if h, p, err := net.SplitHostPort(host); err == nil && port == "" {
			host, port = h, p
		}
		a, err = newSendAddress(network, host, port)
	default:
		a, err = parseSendAddress(o.to)
	}
	if err != nil {
		return a, err
	}
	return a, o.secure(&a)
}

// secure gives a what its TLS needs.
func (o *sendOptions) secure(a *sendAddress) error {
	for _, flag := range []string{"tls-ca", "tls-cert", "tls-key", "tls-insecure"} {
		if o.changed(flag) && a.network != syslog.TLS {
			return fmt.Errorf("--%s: %s has no certificates, only tls:// has", flag, *a)
		}
	}
	if a.network != syslog.TLS {
		return nil
	}
	cfg, err := o.tls.config(a.host, slog.New(slog.DiscardHandler))
	var fault *tlsFault
	if errors.As(err, &fault) {
		return fmt.Errorf("--tls-%s: %w", fault.key, fault.err)
	}
	a.tls = cfg
	return err
}

func (o *sendOptions) framing(to sendAddress) (sendFraming, error) {
	switch {
	case to.datagram():
		if o.octetCount && !to.either {
			return 0, fmt.Errorf("--octet-count: %s is no stream", to)
		}
		return sendWhole, nil
	case to.network == syslog.TLS && !o.changed("octet-count"): // RFC 5425, section 4.3
		return sendCounted, nil
	}
	return streamFraming(o.octetCount), nil
}

// priorityOf reads facility.severity, a severity alone, which is the user's, or the number, as logger does.
func priorityOf(s string) (int, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > 191 {
			return 0, fmt.Errorf("--priority %s: 0 to 191", s)
		}
		return n, nil
	}
	facility, severity := syslog.User, syslog.Notice
	first, second, both := strings.Cut(s, ".")
	if !both {
		second = first
		if err := facility.UnmarshalText([]byte(first)); err == nil {
			return 0, fmt.Errorf("--priority %s: a severity is missing: %s.info", s, first)
		}
	} else if err := facility.UnmarshalText([]byte(first)); err != nil {
		return 0, fmt.Errorf("--priority %s: %w", s, withNearest(err))
	}
	if err := severity.UnmarshalText([]byte(second)); err != nil {
		return 0, fmt.Errorf("--priority %s: %w", s, withNearest(err))
	}
	return int(facility)<<3 | int(severity), nil
}

// withNearest adds to an unknown word the nearest known one, or all of them.
func withNearest(err error) error {
	var unknown syslog.WordError
	if !errors.As(err, &unknown) {
		return err
	}
	if near, ok := strict.Nearest(unknown.Word, unknown.Words); ok {
		return fmt.Errorf("%w (did you mean %s?)", err, near)
	}
	return fmt.Errorf("%w (have %s)", err, strings.Join(unknown.Words, " "))
}
