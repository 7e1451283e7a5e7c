package writer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/syslog"
)

// Rotation is the `rotate:` of a file target: when a file is laid aside and what becomes of those that were.
type Rotation struct {
	Size     int64       `yaml:"size,size"` // before it would be larger; 0: at any
	Every    Period      `yaml:"every"`
	Keep     Keep        `yaml:"keep"`
	MaxTotal int64       `yaml:"max_total,size"` // of all files that were laid aside; 0: any number
	Compress Compression `yaml:"compress"`
}

// Turns reports whether files are rotated at all.
func (r *Rotation) Turns() bool { return r.Size > 0 || r.Every.set() }

// prunes reports whether old files are deleted.
func (r *Rotation) prunes() bool { return r.Keep != Keep{} || r.MaxTotal > 0 }

// leastSize is the smallest size to rotate at: a smaller one is a slip of the pen.
const leastSize = 4 << 10

// Check reports what makes no sense for a path. Dated says that the path itself changes with the time of reception, and
// senders that it does with what senders say the time is.
func (r *Rotation) Check(dated, senders bool) error {
	switch {
	case *r == Rotation{}:
		return nil
	case r.Size > 0 && r.Size < leastSize:
		return fmt.Errorf("size: want at least %d bytes", leastSize)
	case dated && r.Every.set():
		return fmt.Errorf("every: the path changes with the date already; leave every out")
	case senders && r.prunes():
		return fmt.Errorf("keep: the path is made of the sender's clock, so that a sender could have logs deleted; use {date}, {year}.. or {received}")
	case !dated && !r.Turns():
		return fmt.Errorf("neither size nor every says when")
	}
	return nil
}

// A Keep says how many files of one path stay, or how long. Its zero value is all of them, for ever.
type Keep struct {
	Files int
	Age   time.Duration
}

// UnmarshalText reads a number of files, or an age in days or hours: 30 or 30d.
func (k *Keep) UnmarshalText(text []byte) error {
	s := string(text)
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		*k = Keep{Files: n}
		return nil
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour} {
		if n, err := strconv.Atoi(strings.TrimSuffix(s, unit)); err == nil && strings.HasSuffix(s, unit) && n > 0 && n < 100_000 {
			*k = Keep{Age: time.Duration(n) * length}
			return nil
		}
	}
	return fmt.Errorf("keep: want a number of files such as 30, or an age such as 30d, have %q", s)
}

// A Compression is what becomes of the bytes of a file that was laid aside.
type Compression uint8

// The compressions.
const (
	CompressNone Compression = iota
	CompressGzip
	CompressZstd
)

var (
	compressions = []string{"none", "gzip", "zstd"}
	extensions   = []string{"", ".gz", ".zst"}
)

// UnmarshalText reads one of the three words.
func (c *Compression) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(c, "compress", text, compressions)
}
