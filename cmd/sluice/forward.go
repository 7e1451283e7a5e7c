package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// A forwardSpec is a forward target as YAML has it.
type forwardSpec struct {
	Forward              []string       `yaml:"forward,list"`
	Format               string         `yaml:"format"`
	Escape               *syslog.Escape `yaml:"escape"`
	writer.RemoteOptions `yaml:",inline"`
	TLS                  *clientTLS `yaml:"tls"` // behind the writer's, so that this is what tls: fills
}

// datagramMemory is what waits at most for a collector that is sent datagrams, unless its queue says otherwise. It has no
// spool: nobody would notice that it has to be used.
const datagramMemory = 4 << 20

// unset stands for an option whose default depends on the transport.
const unset = -1

func decodeForwardTarget(l *loader, f *fragment, t *Target, n *yaml.Node) {
	spec, at, ok := f.Defaults.Forward, n, true
	memory, spool := spec.Queue.Memory, spec.Queue.Spool
	spec.Queue.Memory, spec.Queue.Spool = unset, unset
	if n.Kind == yaml.ScalarNode {
		url, isText := l.Text(n)
		spec.Forward, ok = []string{url}, isText
	} else {
		ok = l.Decode(n, &spec)
		at = strict.Lookup(n, "forward")
	}
	var addresses []writer.Address
	var written []string // the URLs as the file has them
	for i, node := range l.listed(at) {
		if i >= len(spec.Forward) {
			break
		}
		a, isURL := l.collector(f, node, spec.Forward[i])
		written = append(written, strict.MaskURL(strict.Resolve(node).Value))
		if ok = ok && isURL; isURL {
			addresses = append(addresses, a)
		}
	}
	if secure := strict.Lookup(n, "tls"); secure != nil && spec.TLS != nil {
		if i := slices.IndexFunc(addresses, func(a writer.Address) bool { return a.Network != "tls" }); i >= 0 {
			l.Errorf(secure, "tls: belongs to a tls:// URL, and this is %s", strict.MaskURL(spec.Forward[i]))
		}
		l.clientTLS(f.dir, secure, spec.TLS)
	}
	if !ok || len(addresses) == 0 {
		return
	}
	datagrams := !addresses[0].Stream()
	for _, a := range addresses[1:] {
		if a.Stream() == datagrams {
			l.Errorf(at, "forward: %s and %s cannot take turns: one is a stream, the other sends datagrams", addresses[0], a)
		}
	}
	if spec.Queue.Memory == unset {
		if spec.Queue.Memory = memory; datagrams {
			spec.Queue.Memory = min(memory, datagramMemory)
		}
	}
	if spec.Queue.Spool == unset {
		if spec.Queue.Spool = spool; datagrams {
			spec.Queue.Spool = 0
		}
	}
	l.checkForward(at, &spec)
	if strict.Fold(spec.Format) == "raw" && spec.Escape == nil && (datagrams || !slices.ContainsFunc(addresses, func(a writer.Address) bool { return !spec.Framing.Counted(a) })) {
		none := syslog.EscapeNone // no newline ends the message there, so it goes out as it came
		spec.Escape = &none
	}
	t.Format = l.compile(n, spec.Format, spec.Escape)
	t.Where, t.Shown, t.spec = strings.Join(spec.Forward, ", "), strings.Join(written, ", "), spec
	for i, a := range addresses {
		if slices.ContainsFunc(l.cfg.Inputs, func(in *Input) bool { return l.receives(in, a) }) {
			l.warn(at, "%s is an input of this very sluice: what is sent there comes back", spec.Forward[i])
		}
	}
	if spec.Balance == writer.Hash {
		t.lead = func() (*writer.Path, error) { return writer.CompilePath("{hostname}", l.cfg.Timezone) }
	}
	t.queue, t.retry = spec.Queue, spec.Retry
	t.retry.Steady = steady
	made := spec
	made.Format, made.Escape, made.Queue = "", nil, writer.QueueOptions{}
	t.made = made
	t.sink = func(e env) (writer.Sink, error) {
		log := e.log.With("target", t.Name)
		secured, err := spec.secure(addresses, log)
		if err != nil {
			return nil, err
		}
		return writer.NewRemote(secured, spec.RemoteOptions, log), nil
	}
}

// secure gives the addresses that need it their TLS.
func (s *forwardSpec) secure(addresses []writer.Address, log *slog.Logger) ([]writer.Address, error) {
	secured := slices.Clone(addresses)
	for i, a := range secured {
		if a.Network != "tls" {
			continue
		}
		var options clientTLS
		if s.TLS != nil {
			options = *s.TLS
		}
		host, _, err := net.SplitHostPort(a.Where)
		if err != nil {
			return nil, err
		}
		if secured[i].TLS, err = options.config(host, log); err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
	}
	return secured, nil
}

// steady is how long a connection must last before the waits between tries begin anew.
const steady = 5 * time.Second

// checkForward reports values that make no sense.
func (l *loader) checkForward(at *yaml.Node, spec *forwardSpec) {
	if r := spec.Retry; r.Min <= 0 || r.Max < r.Min {
		l.Errorf(at, "retry: want 0 < min <= max, have min %s and max %s", r.Min, r.Max)
	}
	if spec.Timeout.Connect <= 0 || spec.Timeout.Write <= 0 {
		l.Errorf(at, "timeout: connect and write must be more than 0s")
	}
	if q := spec.Queue; q.Spool < 0 || q.Spool > 0 && q.Spool < leastSpool {
		l.Errorf(at, "queue: spool: want 0 for none, or at least %dMiB", leastSpool>>20)
	}
}

// leastSpool is the smallest spool that is one.
const leastSpool = 1 << 20

// listed are the entries of a list, or the one value that is none.
func (l *loader) listed(n *yaml.Node) []*yaml.Node {
	if n = strict.Resolve(n); n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// collector reads the URL of a collector.
func (l *loader) collector(f *fragment, at *yaml.Node, url string) (a writer.Address, ok bool) {
	network, rest, ok := strings.Cut(url, "://")
	a.Network = network
	switch {
	case !ok:
		l.Errorf(at, "forward: %q is no URL: want one such as tcp://collector:514", strict.MaskURL(url))
		return a, false
	case strings.Contains(rest, "@"):
		l.Errorf(at, "forward: %s: syslog has no user or password", strict.MaskURL(url))
		return a, false
	case network == "unix" || network == "unixgram":
		a.Where = l.path(at, f.dir, rest)
		return a, true
	case network == "tcp" || network == "udp" || network == "tls":
		host, port, err := net.SplitHostPort(strings.TrimSuffix(rest, "/"))
		if err != nil {
			if host, port = strings.Trim(strings.TrimSuffix(rest, "/"), "[]"), syslogPort; network == "tls" {
				port = tlsPort
			}
		}
		if host == "" {
			l.Errorf(at, "forward: %s names no host", url)
			return a, false
		}
		a.Where = net.JoinHostPort(host, port)
		return a, true
	}
	l.Unknown(at, "scheme", network, []string{"udp", "tcp", "tls", "unix", "unixgram"})
	return a, false
}

// receives reports whether what is sent to a comes to the input.
func (l *loader) receives(in *Input, a writer.Address) bool {
	if in.Transport.String() != a.Network {
		return false
	}
	if in.Address == a.Where {
		return true
	}
	theirs, port, err := net.SplitHostPort(a.Where)
	if err != nil {
		return false
	}
	ours, listening, err := net.SplitHostPort(in.Address)
	if err != nil || port != listening || port == "0" {
		return false
	}
	ip, _ := netip.ParseAddr(theirs)
	here := theirs == "localhost" || theirs == l.cfg.Hostname || ip.IsLoopback()
	any, _ := netip.ParseAddr(ours)
	return here && (ours == "" || ours == "localhost" || any.IsUnspecified() || any.IsLoopback())
}

// lintForward finds a rule that asks for structured data and sends the message where the format has no place for it.
func (l *loader) lintForward(n *yaml.Node, r *rules.Rule) {
	asks := slices.ContainsFunc(rules.Fields(r.Match), func(f string) bool {
		return f == "structured_data" || strings.HasPrefix(f, "sd.")
	})
	for _, i := range r.Targets {
		if t := l.cfg.Targets[i]; asks && t.Kind == "forward" && strict.Fold(t.Format.Text) == "rfc3164" {
			l.warn(n, "asks for structured data, which the format rfc3164 of target %q drops (rfc5424 keeps it)", t.Name)
		}
	}
}
