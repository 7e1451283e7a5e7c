package strict

import "strings"

// Nearest is the word of have that is most like got; the first of several. ok tells whether it is
// near enough to have been meant. Case, `-` and `_` make no difference. Words that differ only in
// the digits at their end, web1 and web2, are siblings and no misspellings of each other.
func Nearest(got string, have []string) (word string, ok bool) {
	from := []rune(strings.ToLower(Fold(clip(got))))
	best := 0
	for _, w := range have {
		to := []rune(strings.ToLower(Fold(w)))
		near := distance(from, to)
		if word == "" || near < best {
			word, best, ok = w, near, near <= max(1, max(len(from), len(to))/3)
		}
	}
	if ok && best > 0 && strings.TrimRight(string(from), digits) == strings.TrimRight(strings.ToLower(Fold(word)), digits) {
		ok = false
	}
	if ok && len(from) < 2 && best > 0 {
		ok = false
	}
	if !ok {
		for _, w := range have {
			if within(string(from), strings.ToLower(Fold(w))) {
				return w, true
			}
		}
	}
	return word, ok
}

const digits = "0123456789"

// within tells max_size from size: one word holds the other whole.
func within(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 4 && ("_"+b+"_" != "_"+a+"_") && strings.Contains("_"+b+"_", "_"+a+"_")
}

// distance counts the letters to insert, drop, change or swap with their neighbour (Damerau and
// Levenshtein, optimal string alignment).
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
