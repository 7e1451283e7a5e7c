package rules

import "fmt"

// A glob is a pattern as Redis means it: * is any text, also across . and /; ? is one byte. Under glob: also [a-z] and
// [^a], one byte of a set, and a backslash, which takes the next byte as it is; in a plain value these are themselves.
type glob []globStep

type globStep struct {
	star bool // any text; the set is not used
	set  [256]bool
}

func compileGlob(pattern string, plain bool) (glob, error) {
	var g glob
	for i := 0; i < len(pattern); i++ {
		var step globStep
		switch c := pattern[i]; {
		case c == '*':
			if n := len(g); n > 0 && g[n-1].star {
				continue
			}
			step.star = true
		case c == '?':
			for b := range step.set {
				step.set[b] = true
			}
		case c == '[' && !plain:
			n, err := step.class(pattern[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		case c == '\\' && !plain:
			if i++; i == len(pattern) {
				return nil, fmt.Errorf(`glob %q: a \ with nothing behind it`, pattern)
			}
			step.set[pattern[i]] = true
		default:
			step.set[c] = true
		}
		g = append(g, step)
	}
	return g, nil
}

// need is the longest text that every value which fits contains.
func (g glob) need() string {
	var longest, this []byte
	for _, step := range g {
		if c, one := step.only(); one {
			if this = append(this, c); len(this) > len(longest) {
				longest = append(longest[:0], this...)
			}
			continue
		}
		this = this[:0]
	}
	return string(longest)
}

// only is the one byte that fits.
func (s *globStep) only() (c byte, one bool) {
	if s.star {
		return 0, false
	}
	n := 0
	for b, in := range s.set {
		if in {
			c = byte(b)
			n++
		}
	}
	return c, n == 1
}

// class reads [a-z] or [^a-z] at the start of p and returns its length.
func (s *globStep) class(p string) (int, error) {
	i, negate := 1, false
	if i < len(p) && p[i] == '^' {
		i, negate = 2, true
	}
	for ; i < len(p) && p[i] != ']'; i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		from, to := p[i], p[i]
		if i+2 < len(p) && p[i+1] == '-' && p[i+2] != ']' {
			to = p[i+2]
			i += 2
		}
		if from > to {
			from, to = to, from
		}
		for b := int(from); b <= int(to); b++ {
			s.set[b] = true
		}
	}
	if i >= len(p) {
		return 0, fmt.Errorf("glob %q: a [ without ]", p)
	}
	if negate {
		for b := range s.set {
			s.set[b] = !s.set[b]
		}
	}
	return i + 1, nil
}

// match reports whether the whole of v fits. It tries each * at the shortest first and goes back to the last one only,
// so it needs at most len(g)*len(v) steps.
func (g glob) match(v []byte) bool {
	i, star, from := 0, -1, 0
	for at := 0; at < len(v); {
		switch {
		case i < len(g) && g[i].star:
			star, from = i, at
			i++
		case i < len(g) && g[i].set[v[at]]:
			i++
			at++
		case star >= 0:
			from++
			i, at = star+1, from
		default:
			return false
		}
	}
	for i < len(g) && g[i].star {
		i++
	}
	return i == len(g)
}
