package listen

import (
	"net/netip"

	"sluice/syslog"
)

// An allowlist says which addresses may send. An empty one lets everybody.
type allowlist []netip.Prefix

// newAllowlist returns a list of the prefixes, those of IPv6-mapped IPv4 addresses as what they mean.
func newAllowlist(prefixes []netip.Prefix) allowlist {
	list := make(allowlist, len(prefixes))
	for i, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list[i] = p
	}
	return list
}

// allows expects addresses without a zone and never mapped ones: see plain.
func (a allowlist) allows(address netip.Addr) bool {
	for _, p := range a {
		if p.Contains(address) {
			return true
		}
	}
	return len(a) == 0
}

// plain is the address as people write it: 10.0.0.7 rather than ::ffff:10.0.0.7, and without the interface, which is
// not the peer's but ours.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

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
		a := plain(netip.AddrFrom16(address))
		if !p.settings.allow.allows(a) { // not remembered, so that those who may send are not forgotten for it
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
