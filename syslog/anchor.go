package syslog

import "time"

// An anchor gives RFC 3164 stamps what they lack: the year that puts them nearest to now, and the offset their
// timezone had then. Both are the same for half an hour, so the last answer is kept and the calendar is asked rarely.
type anchor struct {
	location *time.Location
	now      time.Time
	nowHour  int64 // hours since 1970 of now: the answers are kept that long
	key      uint64
	year     int16
	offset   int16
}

// setNow reports whether the answers given so far are too old.
func (a *anchor) setNow(now time.Time) (moved bool) {
	a.now = now
	if hour := now.Unix() / 3600; hour != a.nowHour {
		a.nowHour, a.key = hour, 0
		return true
	}
	return false
}

// fix fills in s.Offset and, unless s has a year, s.Year. It reports false if there is no such day.
func (a *anchor) fix(s *Stamp, hasYear bool) bool {
	key := 1 | uint64(s.Minute/30)<<1 | uint64(s.Hour)<<8 | uint64(s.Day)<<16 | uint64(s.Month)<<24
	if hasYear {
		key |= uint64(s.Year)<<32 | 1<<63 // a year of 0 is one too
	}
	if key != a.key {
		if !hasYear && !a.nearestYear(s) {
			return false
		}
		_, offset := a.at(s, int(s.Year)).Zone()
		a.key, a.year, a.offset = key, s.Year, int16(offset/60)
	}
	s.Year, s.Offset = a.year, a.offset
	return true
}

func (a *anchor) at(s *Stamp, year int) time.Time {
	return time.Date(year, time.Month(s.Month), int(s.Day), int(s.Hour), int(s.Minute), int(s.Second), 0, a.location)
}

// nearestYear looks some years far, since February 29 may be four (around 2100, eight) years away.
func (a *anchor) nearestYear(s *Stamp) bool {
	this, reach := a.now.In(a.location).Year(), 1
	if s.Month == 2 && s.Day == 29 {
		reach = 8
	}
	best := time.Duration(-1)
	for y := this - reach; y <= this+reach; y++ {
		if s.Day > daysIn(s.Month, y) {
			continue
		}
		if d := a.at(s, y).Sub(a.now).Abs(); best < 0 || d < best {
			best, s.Year = d, int16(y)
		}
	}
	return best >= 0
}

// A lastStamp is the stamp that was read last, with its text. Messages come in the order of their time, so it is most
// often the next one's, too, and to compare 16 bytes is much less than to read them.
type lastStamp struct {
	text  [lastLength]byte // "Nov 20 15:17:52 "; a zero byte first: none
	stamp Stamp
}

const lastLength = len("Nov 20 15:17:52 ")

// begins reports whether s begins with the last stamp, and no year follows it.
func (l *lastStamp) begins(s []byte) bool {
	if len(s) < lastLength || [lastLength]byte(s) != l.text {
		return false
	}
	_, isYear := year(s[lastLength:])
	return !isYear
}

// keep keeps the stamp of length n that s begins with, if it is of the usual form.
func (l *lastStamp) keep(s []byte, n int, stamp Stamp) {
	if n == lastLength-1 && n < len(s) && s[n] == ' ' {
		l.text, l.stamp = [lastLength]byte(s), stamp
	}
}
