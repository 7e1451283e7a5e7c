package crowd

import (
	"net/netip"
	"testing"
)

// A quarter of the places is as much as an address gets; who is forgiven is not counted against it, and leaves once.
func TestCrowd(t *testing.T) {
	one, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	r := New[string](8)
	enter := func(c string, peer netip.Addr, want string) {
		t.Helper()
		if full := r.Enter(c, peer); full != want {
			t.Errorf("%s: %q, want %q", c, full, want)
		}
	}
	const quarter, all = "its address has a quarter of max_connections", "max_connections are open"
	enter("a", one, "")
	enter("b", one, "")
	enter("c", one, quarter)
	r.Forgive("a")
	r.Forgive("a")
	enter("c", one, "")
	enter("d", one, quarter)
	r.Leave("a")
	r.Forgive("a") // after it is gone
	enter("d", one, quarter)
	for _, c := range []string{"e", "f", "g", "h"} {
		enter(c, netip.Addr{}, "")
	}
	enter("i", other, "")
	enter("j", other, "")
	enter("k", netip.Addr{}, all)
	r.Resize(4)
	if r.Len() != 8 {
		t.Errorf("%d are open, not the 8 that were", r.Len())
	}
	r.Leave("b")
	enter("b", one, all)
	seen := 0
	r.Each(func(string) { seen++ })
	if seen != 7 {
		t.Errorf("there are %d", seen)
	}
}

func TestAllowlist(t *testing.T) {
	list := NewAllowlist([]netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104"), netip.MustParsePrefix("fe80::/10")})
	for address, want := range map[string]bool{"10.9.9.9": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "fe80::1%eth0": true, "::1": false} {
		if list.Allows(Plain(netip.MustParseAddr(address))) != want {
			t.Errorf("%s: not %v", address, want)
		}
	}
	if !NewAllowlist(nil).Allows(netip.MustParseAddr("::1")) {
		t.Error("an empty list lets nobody in")
	}
}

// One desk more is made only for who would wait long, and it is not kept.
func TestDesks(t *testing.T) {
	made := 0
	d := NewDesks(0, func() *int { made++; return new(int) })
	usual := cap(d.free)
	var lent []*int
	for range usual + 2 {
		lent = append(lent, d.Borrow())
	}
	for _, desk := range lent {
		d.GiveBack(desk)
	}
	if made != usual+2 || len(d.free) != usual {
		t.Errorf("made %d, kept %d of %d", made, len(d.free), usual)
	}
	if d.GiveBack(d.Borrow()); made != usual+2 {
		t.Error("a free desk was not taken")
	}
}
