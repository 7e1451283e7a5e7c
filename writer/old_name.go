package writer

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// A tail is what rotation puts behind the name of a file: .1, .2026-11-20, .2026-11-20.3, each perhaps compressed.
type tail struct {
	stamp  string // of the period; empty where files are numbered only
	number int    // 0: none
	ext    string // .gz or .zst
	part   bool   // it is being compressed, or a crash kept it from being finished
}

// partial is what the name of a compressed file ends in until it is whole.
const partial = ".partial"

// cutTail splits a name into that of the file it once was, and the tail. It reports false if it has none.
func cutTail(name string) (base string, t tail, ok bool) {
	if base, t, ok = cutNumber(name); !ok && t.ext == "" && t.part {
		return "", tail{}, false
	}
	if before, text, found := cutLastDot(base); found && IsStamp(text) {
		base, t.stamp = before, text
	}
	return base, t, base != "" && (t.number > 0 || t.stamp != "")
}

// cutNumber is cutTail where the path holds the date itself: there is a number at most, and what compression puts behind it.
func cutNumber(name string) (base string, t tail, ok bool) {
	base, t = cutExtension(name)
	if t.part && t.ext == "" {
		return base, t, false
	}
	if before, text, found := cutLastDot(base); found {
		if n, err := strconv.Atoi(text); err == nil && n > 0 && text[0] != '0' && text[0] != '+' {
			base, t.number = before, n
		}
	}
	return base, t, t.number > 0 || t.ext != ""
}

// cutExtension takes off what compression puts behind a name.
func cutExtension(name string) (base string, t tail) {
	base, t.part = strings.CutSuffix(name, partial)
	for _, ext := range extensions[1:] {
		if before, ok := strings.CutSuffix(base, ext); ok {
			t.ext = ext
			return before, t
		}
	}
	return base, t
}

func cutLastDot(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 || i == len(s)-1 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func IsStamp(text string) bool {
	layout := stampLayouts[len(text)]
	if layout == "" {
		return false
	}
	_, err := time.Parse(layout, text)
	return err == nil
}

// An old file is one that was rotated, or whose date in the path has passed.
type old struct {
	folder string // below the pattern's root
	name   string
	path   string // of the file it was; where a path holds a date, without that
	tail
	when  time.Time // the end of the period of a date in the path
	wrote time.Time
	size  int64
	inode uint64
}

// age is when o was last written to, as far as that is known.
func (o *old) age() time.Time {
	if !o.when.IsZero() {
		return o.when
	}
	return o.wrote
}

// newestFirst orders the old files of one path: what is behind the date says more than the time of the last write, which
// a copy changes.
func newestFirst(a, b old) int {
	switch {
	case !a.when.Equal(b.when):
		return b.when.Compare(a.when)
	case !a.when.IsZero() && a.number != b.number: // the one that was not rotated is the last of its day
		return cmp.Compare(a.number, b.number)
	case a.stamp != "" && b.stamp != "" && len(a.stamp) == len(b.stamp):
		return cmp.Or(cmp.Compare(b.stamp, a.stamp), cmp.Compare(b.number, a.number))
	case a.stamp == "" && b.stamp == "" && a.number != b.number:
		return cmp.Compare(a.number, b.number)
	}
	return cmp.Or(b.wrote.Compare(a.wrote), cmp.Compare(a.name, b.name))
}
