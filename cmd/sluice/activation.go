package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/activation"
	"gopkg.in/yaml.v3"

	"sluice/syslog"
	"sluice/syslog/listen"
)

// A claim says which of the sockets that systemd passes are an input's.
type claim struct {
	inherit bool   // fd://: it binds none itself
	name    string // of the socket that an inheriting input is for; empty: all that nobody else wants
	wanted  func(p *listen.Passed) bool
}

// A passedSocket is one that systemd passes, usable or not.
type passedSocket struct {
	*listen.Passed
	err error
}

// passedSockets are the sockets that this process was started with (sd_listen_fds(3)). They are taken from the
// environment once and stay open to the end, so that what an input leaves in one is there for the next.
var passedSockets = sync.OnceValue(func() (sockets []passedSocket) {
	for _, f := range activation.Files(true) {
		p, err := listen.NewPassed(f.Name(), f)
		if err != nil {
			p = &listen.Passed{Name: f.Name()}
		}
		sockets = append(sockets, passedSocket{p, err})
	}
	return sockets
})

// share gives each socket to the input that wants it: to the first that names it, by name or address, or else to the
// first fd://. What nobody wants is under nil.
func share(sockets []passedSocket, inputs []*Input) map[*Input][]passedSocket {
	shares := map[*Input][]passedSocket{}
	for _, p := range sockets {
		in := find(inputs, func(in *Input) bool {
			c := in.claim
			return p.err == nil && c.wanted != nil && c.wanted(p.Passed) || c.inherit && c.name != "" && c.name == p.Name
		})
		if in == nil {
			in = find(inputs, func(in *Input) bool { return in.claim.inherit && in.claim.name == "" })
		}
		shares[in] = append(shares[in], p)
	}
	return shares
}

// otherShare reports whether an input has other sockets than one among others that it takes the place of.
func otherShare(in *Input, inputs []*Input, was *Input, before []*Input) bool {
	all := passedSockets()
	return !slices.Equal(share(all, inputs)[in], share(all, before)[was])
}

// passedTo returns the sockets that systemd passes for one of the inputs; none, where the input is to bind its own.
func passedTo(in *Input, inputs []*Input) ([]*listen.Passed, error) {
	all := passedSockets()
	var mine []*listen.Passed
	for _, p := range share(all, inputs)[in] {
		if p.err != nil {
			return nil, p.err
		}
		mine = append(mine, p.Passed)
	}
	if len(mine) > 0 || !in.claim.inherit {
		return mine, nil
	}
	if len(all) == 0 {
		return nil, errors.New("systemd passed no sockets: start sluice through its socket unit (systemctl start sluice.socket), or name an address such as udp://:514")
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if in.claim.name == "" {
		return nil, fmt.Errorf("no socket is left for it: other inputs have those that systemd passed (%s)", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("systemd passed no socket of that name, or another input has it (passed: %s)", strings.Join(names, ", "))
}

// warnUnread says which sockets fill up because no input reads them.
func warnUnread(log *slog.Logger, inputs []*Input) {
	for _, p := range share(passedSockets(), inputs)[nil] {
		if p.err != nil {
			log.Warn(p.err.Error())
			continue
		}
		log.Warn("systemd passes a socket that no input reads: add the input fd://", "socket", p.Name, "address", p.String())
	}
}

// inherited reads fd:// or fd://NAME into cfg.
func (l *loader) inherited(cfg *listen.Config, at *yaml.Node, name string) bool {
	if strings.ContainsAny(name, "/:") {
		l.Errorf(at, "fd://%s: want fd://NAME, the FileDescriptorName= of a socket unit, or fd:// for all sockets", name)
		return false
	}
	cfg.Inherit, cfg.Address, cfg.Transport = true, name, syslog.UDP
	return true
}

// claimOf is the claim of an input that cfg is for.
func claimOf(cfg listen.Config) claim {
	if cfg.Inherit {
		return claim{inherit: true, name: cfg.Address}
	}
	return claim{wanted: func(p *listen.Passed) bool {
		cfg := behindJournald(cfg) // now, and not when the file was read
		return cfg.Wanted(p)
	}}
}

// addresses are where an input listens or reads from, each with the port that the kernel chose.
func addresses(c *Input, in runner) (urls []string) {
	several, ok := in.(interface{ Addrs() []net.Addr })
	if !ok {
		return []string{address(c, in)}
	}
	for _, a := range several.Addrs() {
		if url := socketURL(c, a); !slices.Contains(urls, url) { // as those of workers would be
			urls = append(urls, url)
		}
	}
	return urls
}
