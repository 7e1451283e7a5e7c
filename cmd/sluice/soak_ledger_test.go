package main

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A bitmap is a set of numbers from 0: an hour of a thousand a second takes half a megabyte.
type bitmap struct {
	words []uint64
	count int
}

// add puts n in, and reports whether it was new.
func (b *bitmap) add(n int) bool {
	for n/64 >= len(b.words) {
		b.words = append(b.words, 0)
	}
	bit := uint64(1) << (n % 64)
	if b.words[n/64]&bit != 0 {
		return false
	}
	b.words[n/64] |= bit
	b.count++
	return true
}

func (b *bitmap) has(n int) bool { return n/64 < len(b.words) && b.words[n/64]&(1<<(n%64)) != 0 }

// A ledger knows which numbers were sent over each path, which of them were acknowledged, and which have come to each place.
type ledger struct {
	mu     sync.Mutex
	paths  map[string]*pathBook
	places map[string]*arrivals
}

// A pathBook is of one path on which messages are sent.
type pathBook struct {
	sent     int // numbers below it
	accepted bitmap
	times    []acceptance // at most one a second
}

// An acceptance says when a number was acknowledged.
type acceptance struct {
	at time.Time
	n  int
}

// Arrivals are what one place has.
type arrivals struct {
	found   map[string]*bitmap // of each path
	doubled int
	torn    int
	forged  []string // lines that nobody sent, and what is wrong with them; the first few
}

const soakWord = "soak "

// numberedText is message n of a path. Nothing that is cut, joined or made up passes for one: it ends in its checksum.
func numberedText(path string, n int) string {
	text := soakWord + path + " " + strconv.Itoa(n) + " " + strings.Repeat("x", n%180)
	return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE([]byte(text)))
}

// take hands out the next count numbers of a path, from first.
func (l *ledger) take(path string, count int) (first int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.paths[path]
	if a == nil {
		a = &pathBook{}
		l.paths[path] = a
	}
	first = a.sent
	a.sent += count
	return first
}

// accept notes that these were acknowledged.
func (l *ledger) accept(path string, first, count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, of := time.Now(), l.paths[path]
	if len(of.times) == 0 || now.Sub(of.times[len(of.times)-1].at) >= time.Second {
		of.times = append(of.times, acceptance{now, first})
	}
	for n := range count {
		l.paths[path].accepted.add(first + n)
	}
}

// arrived enters a line that a place has. A line that is no message may only be the beginning of one.
func (l *ledger) arrived(place, line string) {
	path, n, ok := numberOf(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.places[place]
	if at == nil {
		at = &arrivals{found: map[string]*bitmap{}}
		l.places[place] = at
	}
	switch {
	case ok && l.paths[path] != nil && n < l.paths[path].sent:
		if at.found[path] == nil {
			at.found[path] = &bitmap{}
		}
		if !at.found[path].add(n) {
			at.doubled++
		}
	case !ok && (strings.HasPrefix(soakWord, line) || strings.HasPrefix(line, soakWord)) && strings.LastIndex(line, soakWord) <= 0:
		at.torn++
	case len(at.forged) < 5:
		at.forged = append(at.forged, line)
	}
}

// when is about when n was acknowledged, or the one before it of which that is known.
func (b *pathBook) when(n int) (at time.Time) {
	for _, a := range b.times {
		if a.n <= n {
			at = a.at
		}
	}
	return at
}

// numberOf reads what numberedText has made.
func numberOf(line string) (path string, n int, ok bool) {
	i := max(strings.LastIndexByte(line, ' '), 0)
	text, sum := line[:i], strings.TrimPrefix(line[i:], " ")
	if want, err := strconv.ParseUint(sum, 16, 32); err != nil || len(sum) != 8 || uint32(want) != crc32.ChecksumIEEE([]byte(text)) {
		return "", 0, false
	}
	words := strings.SplitN(strings.TrimPrefix(text, soakWord), " ", 3)
	if len(words) != 3 {
		return "", 0, false
	}
	n, err := strconv.Atoi(words[1])
	return words[0], n, err == nil && n >= 0
}

// missing are the numbers of a path that were acknowledged and are not at a place; the first few, and how many.
func (l *ledger) missing(path, place string) (some []int, count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found *bitmap
	if at := l.places[place]; at != nil {
		found = at.found[path]
	}
	for n := range l.paths[path].sent {
		if l.paths[path].accepted.has(n) && (found == nil || !found.has(n)) {
			if count++; len(some) < 10 {
				some = append(some, n)
			}
		}
	}
	return some, count
}
