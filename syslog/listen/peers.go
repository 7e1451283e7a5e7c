package listen

import (
	"net/netip"

	"sluice/syslog"
	"sluice/syslog/crowd"
)

// maxPeers bounds what the origins of a socket cost, 2 MB: sources of datagrams can be forged, a million of them.
const maxPeers = 8192

// peers remembers the origins of a socket's datagrams.
type peers struct {
	settings   *settings
	lastPeer   [16]byte
	lastOrigin *syslog.Origin
	origins    map[[16]byte]*syslog.Origin
}

func newPeers(s *settings) *peers {
	return &peers{settings: s, origins: map[[16]byte]*syslog.Origin{}}
}

// origin returns the origin of datagrams from address, nil if it may not send.
func (p *peers) origin(address [16]byte) *syslog.Origin {
	if address == p.lastPeer && p.lastOrigin != nil {
		return p.lastOrigin
	}
	o := p.origins[address]
	if o == nil {
		a := crowd.Plain(netip.AddrFrom16(address))
		if !p.settings.allow.Allows(a) { // not remembered, so that those who may send are not forgotten for it
			return nil
		}
		if len(p.origins) >= maxPeers {
			clear(p.origins)
		}
		o = p.settings.origin(a.String(), syslog.UDP)
		p.origins[address] = o
	}
	p.lastPeer, p.lastOrigin = address, o
	return o
}
