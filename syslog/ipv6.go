package syslog

import "bytes"

// isIPv6 reports whether s is an IPv6 address, perhaps with a zone (RFC 4291, section 2.2). netip.ParseAddr says the same, but
// allocates, and a tag comes here with every message of a local sender that leaves its pid out.
func isIPv6(s []byte) bool {
	s, zone, zoned := bytes.Cut(s, []byte("%"))
	if zoned && len(zone) == 0 {
		return false
	}
	groups, double := 0, false
	if bytes.HasPrefix(s, []byte("::")) {
		double, s = true, s[2:]
	}
	for len(s) > 0 {
		n := 0
		for n < len(s) && n < 5 && isHex(s[n]) {
			n++
		}
		switch {
		case n == 0 || n > 4:
			return false
		case n == len(s):
			s = nil
		case s[n] == '.':
			if !isIPv4(s) {
				return false
			}
			groups, s = groups+1, nil
		case s[n] != ':' || n+1 == len(s):
			return false
		case s[n+1] != ':':
			s = s[n+1:]
		case double:
			return false
		default:
			double, s = true, s[n+2:]
		}
		groups++
	}
	if double {
		return groups < 8
	}
	return groups == 8
}

// isIPv4 takes what RFC 4291 allows at the end of an address: four numbers without leading zeros.
func isIPv4(s []byte) bool {
	for range 3 {
		number, rest, ok := bytes.Cut(s, []byte("."))
		if !ok || !isOctet(number) {
			return false
		}
		s = rest
	}
	return isOctet(s)
}

func isOctet(s []byte) bool {
	if len(s) == 0 || len(s) > 3 || !isDigits(s) || s[0] == '0' && len(s) > 1 {
		return false
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n <= 255
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
