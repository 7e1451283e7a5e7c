package syslog

import "time"

// A Stamp is a moment as somebody wrote it: the wall clock, the digits of its fraction that were there, and the
// offset from UTC. Stamps are small values and can be compared with ==.
type Stamp struct {
	Year                             int16
	Month, Day, Hour, Minute, Second uint8
	Digits                           uint8 // of the fraction, 0 to 9
	Nano                             int32
	Offset                           int16 // minutes east of UTC
	UTC                              bool  // written with a Z
}

// StampOf is t on the wall clock of t's location, with so many digits of fraction.
func StampOf(t time.Time, digits uint8) Stamp {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	_, offset := t.Zone()
	nano := int32(t.Nanosecond())
	return Stamp{
		Year: int16(year), Month: uint8(month), Day: uint8(day),
		Hour: uint8(hour), Minute: uint8(minute), Second: uint8(second),
		Digits: digits, Nano: nano - nano%pow10[9-digits], Offset: int16(offset / 60),
	}
}

// IsZero reports whether s was never set.
func (s Stamp) IsZero() bool { return s.Month == 0 }

// Time is the moment itself, in UTC.
func (s Stamp) Time() time.Time {
	return time.Date(int(s.Year), time.Month(s.Month), int(s.Day), int(s.Hour), int(s.Minute)-int(s.Offset), int(s.Second), int(s.Nano), time.UTC)
}

// AppendRFC3339 appends 2026-11-20T15:17:52.003+01:00: the digits and the zone as they were written.
func (s Stamp) AppendRFC3339(dst []byte) []byte {
	dst = append2(append2(dst, uint(s.Year)/100), uint(s.Year)%100)
	dst = append2(append(dst, '-'), uint(s.Month))
	dst = append2(append(dst, '-'), uint(s.Day))
	dst = s.appendClock(append(dst, 'T'))
	if s.Digits > 0 {
		dst = s.appendFraction(append(dst, '.'), s.Digits)
	}
	if s.UTC {
		return append(dst, 'Z')
	}
	sign, offset := byte('+'), int(s.Offset)
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append2(append(dst, sign), uint(offset)/60)
	return append2(append(dst, ':'), uint(offset)%60)
}

// AppendRFC3164 appends Nov 20 15:17:52, a day below 10 padded with a space (RFC 3164, section 4.1.2).
func (s Stamp) AppendRFC3164(dst []byte) []byte {
	i := int(s.Month-1) % 12 * 3
	dst = append(dst, monthNames[i], monthNames[i+1], monthNames[i+2], ' ')
	if s.Day < 10 {
		dst = append(dst, ' ', '0'+s.Day)
	} else {
		dst = append2(dst, uint(s.Day))
	}
	return s.appendClock(append(dst, ' '))
}

// appendClock appends 15:17:52.
func (s Stamp) appendClock(dst []byte) []byte {
	dst = append2(dst, uint(s.Hour))
	dst = append2(append(dst, ':'), uint(s.Minute))
	return append2(append(dst, ':'), uint(s.Second))
}

func (s Stamp) appendFraction(dst []byte, digits uint8) []byte {
	n := s.Nano / pow10[9-digits]
	for i := int(digits) - 1; i >= 0; i-- {
		dst = append(dst, byte('0'+n/pow10[i]%10))
	}
	return dst
}

// sameSecond reports whether a and b differ in nothing but the fraction.
func (s Stamp) sameSecond(o Stamp) bool {
	s.Nano, s.Digits, o.Nano, o.Digits = 0, 0, 0, 0
	return s == o
}

const (
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
	twoDigits  = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"
)

var pow10 = [...]int32{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

func append2(dst []byte, n uint) []byte {
	n = n % 100 * 2
	return append(dst, twoDigits[n], twoDigits[n+1])
}

func daysIn(month uint8, year int) uint8 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
