package writer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/syslog"
)

// A Rotation says when a file is moved away for a new one, and what becomes of the old ones. The zero Rotation is none.
type Rotation struct {
	Size     int64       `yaml:"size,size"` // 0: whatever its size
	Every    Period      `yaml:"every"`
	Keep     Keep        `yaml:"keep"`
	MaxTotal int64       `yaml:"max_total,size"` // bytes of all old files of the target; 0: any number
	Compress Compression `yaml:"compress"`
}

// minSize is the smallest size at which a file may be rotated. Less would be mistaken for a number of lines.
const minSize = 4 << 10

// moves reports whether files are moved away at all.
func (r Rotation) moves() bool { return r.Size > 0 || r.Every != Never }

// removes reports whether old files may be removed.
func (r Rotation) removes() bool { return r.Keep != Keep{} || r.MaxTotal > 0 }

// A Period is how often a file is rotated: a number of minutes up to a day, which begin at midnight, or one of these.
type Period int

// Periods of the calendar. They begin at midnight; a week on Monday.
const (
	Never Period = 0
	Hour  Period = 60
	Day   Period = 24 * 60
	Week  Period = 7 * Day
	Month Period = 31 * Day
)

var periodWords = []string{"hour", "day", "week", "month", "never"}
var periodsNamed = []Period{Hour, Day, Week, Month, Never}

// UnmarshalText reads hour, day, week, month, never, or a duration from 1m to 24h.
func (p *Period) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	for i, word := range periodWords {
		if s == word {
			*p = periodsNamed[i]
			return nil
		}
	}
	if s == "" || s[0] < '0' || s[0] > '9' {
		return syslog.WordError{What: "every", Word: string(text), Words: periodWords}
	}
	if s == "1d" {
		s = "24h"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Minute || d > 24*time.Hour || d%time.Minute != 0 {
		return fmt.Errorf("every: want whole minutes from 1m to 24h, or hour, day, week or month, have %q", text)
	}
	*p = Period(d / time.Minute)
	return nil
}

// Keep is how many old files of one path stay, or for how long. The zero Keep is all of them, for ever.
type Keep struct {
	Files int
	Age   time.Duration
}

// UnmarshalText reads a number, an age such as 30d or 12h, or all.
func (k *Keep) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	if s == "all" {
		*k = Keep{}
		return nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 {
			return errors.New("keep: want at least 1 (all keeps every file)")
		}
		*k = Keep{Files: n}
		return nil
	}
	days, rest, isDays := strings.Cut(s, "d")
	var age time.Duration
	if isDays {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return errKeep(text)
		}
		age = time.Duration(n) * 24 * time.Hour
		s = rest
	}
	if s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errKeep(text)
		}
		age += d
	}
	if age < time.Minute {
		return errKeep(text)
	}
	*k = Keep{Age: age}
	return nil
}

func errKeep(text []byte) error {
	return fmt.Errorf("keep: want a number of files, an age such as 30d, or all, have %q", text)
}

// Compression is what becomes of a file that was rotated.
type Compression uint8

// Ways to compress.
const (
	NoCompression Compression = iota
	Gzip
	Zstd
)

var compressions = []string{"none", "gzip", "zstd"}

// extensions are what the names of compressed files end in, by Compression.
var extensions = []string{"", ".gz", ".zst"}

func (c Compression) String() string { return compressions[c] }

// UnmarshalText reads one of the three words.
func (c *Compression) UnmarshalText(text []byte) error {
	return syslog.UnmarshalWord(c, "compress", text, compressions)
}
