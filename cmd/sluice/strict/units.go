package strict

import (
	"errors"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The errors of these three give the reason alone, without the text: it may be a secret.

var sizeText = regexp.MustCompile(`^(\d+)(?: ?(?:([kmgt])i?b?|b))?$`)

// ParseSize reads bytes: 65536, 64k, 64KiB and 64KB are one size. All units are binary, k m g t.
func ParseSize(s string) (int64, error) {
	m := sizeText.FindStringSubmatch(strings.ToLower(s))
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, errors.New("a size is not negative")
	case m == nil:
		return 0, errors.New("units are k, m, g and t, or KiB, MiB, GiB and TiB")
	}
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, errors.New("that is too large")
	}
	return n << shift, nil
}

var daysText = regexp.MustCompile(`^(\d+(?:\.\d+)?)d(.*)$`)

// ParseDuration reads what time.ParseDuration does and days before it: 30d, 1d12h. A number needs its
// unit, except 0; nothing negative.
func ParseDuration(s string) (time.Duration, error) {
	_, err := strconv.ParseFloat(s, 64)
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, errors.New("a duration is not negative")
	case err == nil && s != "0":
		return 0, errors.New("a unit is missing: ms, s, m, h or d")
	}
	var days float64
	rest := s
	if m := daysText.FindStringSubmatch(s); m != nil {
		days, _ = strconv.ParseFloat(m[1], 64)
		if rest = m[2]; rest == "" {
			rest = "0"
		}
	}
	short, err := time.ParseDuration(rest)
	if err != nil || short < 0 || strings.HasPrefix(rest, "+") {
		return 0, errors.New("units are ms, s, m, h and d, without spaces")
	}
	total := days*float64(24*time.Hour) + float64(short)
	if total >= math.MaxInt64 {
		return 0, errors.New("that is too long")
	}
	return time.Duration(days*float64(24*time.Hour)) + short, nil
}

// ParseMode reads a file mode: 640, 0640 and 0o640 are one mode, always octal. The bits of 07000
// become those that package fs has for them.
func ParseMode(s string) (fs.FileMode, error) {
	bits, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	switch {
	case err != nil:
		return 0, errors.New("its digits are 0 to 7")
	case bits > 0o7777:
		return 0, errors.New("the highest is 07777")
	}
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode, nil
}
