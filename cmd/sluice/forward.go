package main

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"

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

// datagramMemory is what waits at most for a collector that is sent datagrams, unless its queue says otherwise.
const datagramMemory = 4 << 20

func decodeForwardTarget(l *loader, f *fragment, t *Target, n *yaml.Node) {
	spec, at, ok := f.Defaults.Forward, n, true
	memory := spec.Queue.Memory
	spec.Queue.Memory = 0 // to tell whether it is set
	if n.Kind == yaml.ScalarNode {
		url, isText := l.Text(n)
		spec.Forward, ok = []string{url}, isText
	} else {
		ok = l.Decode(n, &spec)
		at = strict.Lookup(n, "forward")
	}
	if len(spec.Forward) != 1 {
		if len(spec.Forward) > 1 {
			l.Errorf(at, "forward: several addresses: not built yet")
		}
		return
	}
	if secure := strict.Lookup(n, "tls"); secure != nil && spec.TLS != nil {
		if !strings.HasPrefix(spec.Forward[0], "tls://") {
			l.Errorf(secure, "tls: belongs to a tls:// URL, and this is %s", strict.MaskURL(spec.Forward[0]))
		}
		l.clientTLS(f.dir, secure, spec.TLS)
	}
	network, address, isURL := l.collector(f, at, spec.Forward[0])
	if !isURL || !ok {
		return
	}
	datagrams := network == "udp" || network == "unixgram"
	if spec.Queue.Memory == 0 {
		if spec.Queue.Memory = memory; datagrams {
			spec.Queue.Memory = min(memory, datagramMemory)
		}
	}
	if r := spec.Retry; r.Min <= 0 || r.Max < r.Min {
		l.Errorf(at, "retry: want 0 < min <= max, have min %s and max %s", r.Min, r.Max)
	}
	if strict.Fold(spec.Format) == "raw" && spec.Escape == nil && (datagrams || spec.Framing == writer.SendOctetCounted) {
		none := syslog.EscapeNone // no newline ends the message there, so it goes out as it came
		spec.Escape = &none
	}
	t.Format = l.compile(n, spec.Format, spec.Escape)
	t.Where, t.spec = spec.Forward[0], spec
	if t.network, t.address = network, address; l.loops(t) {
		l.warn(at, "%s is an input of this very sluice: what is sent there comes back", t.Where)
	}
	t.Open = func(log *slog.Logger) (*writer.Target, error) {
		w, err := t.start(spec.Queue, writer.NewRemote(network, address, spec.RemoteOptions), log)
		if err == nil {
			w.Retry = spec.Retry
		}
		return w, err
	}
}

// collector reads the URL of a collector.
func (l *loader) collector(f *fragment, at *yaml.Node, url string) (network, address string, ok bool) {
	network, rest, ok := strings.Cut(url, "://")
	switch {
	case !ok:
		l.Errorf(at, "forward: %q is no URL: want one such as tcp://collector:514", strict.MaskURL(url))
		return "", "", false
	case strings.Contains(rest, "@"):
		l.Errorf(at, "forward: %s: syslog has no user or password", strict.MaskURL(url))
		return "", "", false
	case network == "tls":
		l.Errorf(at, "forward: tls: not built yet")
		return "", "", false
	case network == "unix" || network == "unixgram":
		return network, l.path(at, f.dir, rest), true
	case network == "tcp" || network == "udp":
		host, port, err := net.SplitHostPort(strings.TrimSuffix(rest, "/"))
		if err != nil {
			host, port = strings.Trim(strings.TrimSuffix(rest, "/"), "[]"), syslogPort
		}
		if host == "" {
			l.Errorf(at, "forward: %s names no host", url)
			return "", "", false
		}
		return network, net.JoinHostPort(host, port), true
	}
	l.Unknown(at, "scheme", network, []string{"udp", "tcp", "tls", "unix", "unixgram"})
	return "", "", false
}

// loops reports whether the forward t goes to one of our own inputs.
func (l *loader) loops(t *Target) bool {
	return slices.ContainsFunc(l.cfg.Inputs, func(in *Input) bool {
		if in.Transport.String() != t.network {
			return false
		}
		if in.Address == t.address {
			return true
		}
		theirs, port, err := net.SplitHostPort(t.address)
		if err != nil {
			return false
		}
		ours, listening, err := net.SplitHostPort(in.Address)
		if err != nil || port != listening || port == "0" {
			return false
		}
		a, _ := netip.ParseAddr(theirs)
		here := theirs == "localhost" || theirs == l.cfg.Hostname || a.IsLoopback()
		any, _ := netip.ParseAddr(ours)
		return here && (ours == "" || ours == "localhost" || any.IsUnspecified() || any.IsLoopback())
	})
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
