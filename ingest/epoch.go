package ingest

import (
	"strconv"
	"time"
)

// An epoch is a count of seconds, or of parts of them, since 1970, as a number in JSON says it.
type epoch struct {
	whole    int64
	nano     int64 // billionths of one
	fraction bool  // whether a fraction was written
}

// parseEpoch reads a number digit by digit, since a float64 could make 17:52.003 into 17:52.002999; only one with an
// exponent goes that way. It must not be negative.
func parseEpoch(s []byte) (e epoch, ok bool) {
	n := digits(s)
	if n == 0 {
		return e, false
	}
	rest := s[n:]
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1+digits(rest[1:]):]
	}
	if len(rest) > 0 {
		f, err := strconv.ParseFloat(string(s), 64)
		if err != nil || !(f >= 0 && f < 1<<62) {
			return e, false
		}
		e.whole = int64(f)
		e.nano = int64((f - float64(e.whole)) * 1e9)
		e.fraction = e.nano > 0
		return e, true
	}
	whole, err := strconv.ParseInt(string(s[:n]), 10, 64)
	if err != nil {
		return e, false
	}
	e.whole = whole
	if n < len(s) {
		e.fraction = true
		unit := int64(1e8)
		for _, c := range s[n+1:] {
			e.nano += int64(c-'0') * unit
			unit /= 10
		}
	}
	return e, true
}

// seconds takes e for seconds: the moment has six digits, as Python writes it.
func (e epoch) seconds() (t time.Time, digits uint8, ok bool) {
	return time.Unix(e.whole, e.nano), 6, e.whole < 1e11
}

// guess takes e for what it can only be: numbers under 10^11 are seconds (up to the year 5138), under 10^14
// milliseconds, under 10^17 microseconds, the others nanoseconds. Those below 10^8, which is in 1973, are no moments: a
// program that logs how long something took calls it time as well.
func (e epoch) guess() (t time.Time, digits uint8, ok bool) {
	switch {
	case e.whole < 1e8:
		return t, 0, false
	case e.whole < 1e11:
		t, digits, ok = e.seconds()
		if !e.fraction {
			digits = 0
		}
		return t, digits, ok
	case e.whole < 1e14:
		t, digits = time.Unix(e.whole/1e3, e.whole%1e3*1e6+e.nano/1e3), 3
		if e.fraction {
			digits = 6
		}
		return t, digits, true
	case e.whole < 1e17:
		return time.Unix(e.whole/1e6, e.whole%1e6*1e3), 6, true
	}
	return time.Unix(e.whole/1e9, e.whole%1e9), 9, true
}
