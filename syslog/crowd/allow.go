package crowd

import "net/netip"

// An Allowlist says which addresses may send. An empty one lets everybody.
type Allowlist []netip.Prefix

// NewAllowlist returns a list of the prefixes, those of IPv6-mapped IPv4 addresses as what they mean.
func NewAllowlist(prefixes []netip.Prefix) Allowlist {
	list := make(Allowlist, len(prefixes))
	for i, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list[i] = p
	}
	return list
}

// Allows expects an address as Plain returns it.
func (a Allowlist) Allows(address netip.Addr) bool {
	for _, p := range a {
		if p.Contains(address) {
			return true
		}
	}
	return len(a) == 0
}

// Plain is the address as people write it: 10.0.0.7 rather than ::ffff:10.0.0.7, and without the interface, which is
// not the peer's but ours.
func Plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
