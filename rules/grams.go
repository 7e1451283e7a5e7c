package rules

import (
	"math/bits"
	"slices"
)

// Grams find the rules that look for texts in a field by three neighbouring bytes of each text. Where hundreds of rules do,
// to go once through the value costs less than to look at each rule, and however many there are it costs the same.
type grams struct {
	key   key
	known [gramBits / 64]uint64 // a bit for several grams: most that a value has are in no text
	rules map[uint32][]option   // ascending
}

const (
	gramSize  = 3
	gramsFrom = 20 // so many rules must look for texts in a field before a sieve is slower
	gramBits  = 1 << 15
	maxGrams  = 4 // fields, which bounds what is gone through for a message
)

func gram(s []byte) uint32 { return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 }

func gramBit(g uint32) uint32 { return g * 0x9E3779B1 >> (32 - uint32(bits.Len(gramBits-1))) }

// gramable reports whether every value that c takes has a gram that is known.
func (c *compare) gramable() bool {
	for _, t := range c.tests {
		if len(t.need) < gramSize {
			return false
		}
	}
	return len(c.tests) > 0
}

// fillGrams takes out of scan those rules that are found by their texts.
func (x *index) fillGrams(scan []int) (rest []int) {
	texts := make([]*compare, len(x.rules))
	looking := map[key]int{}
	common := map[uint32]int{} // in how many texts a gram is
	for _, i := range scan {
		for _, c := range x.rules[i].rest {
			if c, ok := c.(*compare); ok && c.gramable() {
				texts[i] = c
				looking[c.key]++
				for _, t := range c.tests {
					for at := 0; at+gramSize <= len(t.need); at++ {
						common[gram([]byte(t.need[at:at+gramSize]))]++
					}
				}
				break
			}
		}
	}
	for _, i := range scan {
		c := texts[i]
		if c == nil || looking[c.key] < gramsFrom {
			rest = append(rest, i)
			continue
		}
		n := slices.IndexFunc(x.grams, func(g *grams) bool { return g.key == c.key })
		if n < 0 {
			if len(x.grams) == maxGrams {
				rest = append(rest, i)
				continue
			}
			n = len(x.grams)
			x.grams = append(x.grams, &grams{key: c.key, rules: map[uint32][]option{}})
		}
		for _, t := range c.tests {
			x.grams[n].add([]byte(t.need), int32(i), common)
		}
		c.sieved = false // what has the gram has most likely all of the text
	}
	return rest
}

// add has the rule found by that gram of text which the fewest texts have: what all of them begin with says little.
func (g *grams) add(text []byte, rule int32, common map[uint32]int) {
	best := gram(text)
	for i := 1; i+gramSize <= len(text); i++ {
		if other := gram(text[i:]); common[other] < common[best] {
			best = other
		}
	}
	g.rules[best] = append(g.rules[best], option{rule: rule})
	g.known[gramBit(best)/64] |= 1 << (gramBit(best) % 64)
}

// find appends the rules that may look for something in v, ascending, each once.
func (g *grams) find(found []option, v []byte) []option {
	begin := len(found)
	for i := 0; i+gramSize <= len(v); i++ {
		this := gram(v[i:])
		if bit := gramBit(this); g.known[bit/64]&(1<<(bit%64)) != 0 {
			found = append(found, g.rules[this]...)
		}
	}
	if len(found)-begin > 1 {
		mine := found[begin:]
		slices.SortFunc(mine, func(a, b option) int { return int(a.rule) - int(b.rule) })
		found = found[:begin+len(slices.Compact(mine))]
	}
	return found
}
