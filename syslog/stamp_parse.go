package syslog

// parseRFC3339 reads a stamp such as 2026-11-20T15:17:52.003+01:00 at the start of s and returns its length, or 0.
// Beyond RFC 5424, section 6.2.3, it takes what senders write: fractions of any length (nine digits are kept), offsets
// without colon or minutes, lower case. A space for the T counts only with a zone behind the time, because Python's
// "2026-11-20 12:00:00 text" is a message. zoned says whether a zone was there.
func parseRFC3339(s []byte) (st Stamp, n int, zoned bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return st, 0, false
	}
	y1, y2, mo, d := num2(s[0:]), num2(s[2:]), num2(s[5:]), num2(s[8:])
	h, mi, sec := num2(s[11:]), num2(s[14:]), num2(s[17:])
	if y1|y2|mo|d|h|mi|sec >= 128 || !validClock(h, mi, sec) {
		return st, 0, false
	}
	st = Stamp{Year: int16(y1)*100 + int16(y2), Month: mo, Day: d, Hour: h, Minute: mi, Second: sec}
	if mo < 1 || mo > 12 || d < 1 || d > daysIn(mo, int(st.Year)) {
		return Stamp{}, 0, false
	}
	n, zoned = st.parseBehindSecond(s)
	if n == 0 {
		return Stamp{}, 0, false
	}
	return st, n, zoned
}

// parseBehindSecond reads what follows the second of the stamp that s begins with, and returns the length of all of it, or 0.
func (st *Stamp) parseBehindSecond(s []byte) (n int, zoned bool) {
	n = secondLength
	if n < len(s) && s[n] == '.' {
		k := st.parseFraction(s[n+1:])
		if k == 0 {
			return 0, false
		}
		n += 1 + k
	}
	zn := st.parseOffset(s[n:])
	n += zn
	switch s[10] {
	case 'T', 't':
	case ' ':
		if zn == 0 {
			return 0, false
		}
	default:
		return 0, false
	}
	return n, zn > 0
}

const secondLength = len("2026-11-20T15:17:52")

// A lastSecond is the second of the stamp that was read last, with its text: the next message's is most often the same.
type lastSecond struct {
	text  [secondLength]byte
	stamp Stamp
}

// parse is parseRFC3339 into st, which holds anything if n is 0.
func (l *lastSecond) parse(st *Stamp, s []byte) (n int, zoned bool) {
	if len(s) >= secondLength && [secondLength]byte(s) == l.text {
		*st = l.stamp
		return st.parseBehindSecond(s)
	}
	if *st, n, zoned = parseRFC3339(s); n > 0 {
		l.text, l.stamp = [secondLength]byte(s), *st
		l.stamp.Nano, l.stamp.Digits, l.stamp.Offset, l.stamp.UTC = 0, 0, 0, false
	}
	return n, zoned
}

// parseFraction reads the digits after a point and returns how many there are.
func (s *Stamp) parseFraction(b []byte) int {
	n := 0
	for ; n < len(b) && b[n]-'0' <= 9; n++ {
		if n < 9 {
			s.Nano += int32(b[n]-'0') * pow10[8-n]
		}
	}
	s.Digits = uint8(min(n, 9))
	return n
}

// parseOffset reads Z, +01:00, +0100 or +01 and returns its length, or 0.
func (s *Stamp) parseOffset(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	sign := int16(1)
	switch b[0] {
	case 'Z', 'z':
		s.UTC = true
		return 1
	case '-':
		sign = -1
	case '+':
	default:
		return 0
	}
	if len(b) < 3 {
		return 0
	}
	h, m, n := num2(b[1:]), uint8(0), 3
	if rest := b[3:]; len(rest) >= 3 && rest[0] == ':' && num2(rest[1:]) <= 99 {
		m, n = num2(rest[1:]), 6
	} else if len(rest) >= 2 && num2(rest) <= 99 {
		m, n = num2(rest), 5
	}
	if h > 23 || m > 59 {
		return 0
	}
	s.Offset = sign * (int16(h)*60 + int16(m))
	return n
}

// A bsdStamp is what RFC 3164 calls a TIMESTAMP, with the years and fractions that devices add.
type bsdStamp struct {
	Stamp
	hasYear bool
}

// parseBSD reads Mmm dd hh:mm:ss at the start of s and returns its length, or 0. It takes a day of one digit or padded
// with zero or space, a year after the day (Cisco), a fraction, and a colon at the end (Cisco). What follows is not looked at.
func parseBSD(s []byte) (st bsdStamp, n int) {
	if len(s) < len("Nov 1 1:17:52") || s[3] != ' ' {
		return st, 0
	}
	if st.Month = month(s); st.Month == 0 {
		return st, 0
	}
	i := 4
	if s[i] == ' ' {
		i++
	}
	k := i
	for ; i < len(s) && i < k+2 && s[i]-'0' <= 9; i++ {
		st.Day = st.Day*10 + s[i] - '0'
	}
	if i == k || st.Day < 1 || i >= len(s) || s[i] != ' ' {
		return st, 0
	}
	i++
	if y, ok := year(s[i:]); ok {
		st.Year, st.hasYear = y, true
		i += 5
	}
	k, ok := st.parseClock(s[i:])
	if !ok {
		return st, 0
	}
	i += k
	limit := uint8(31)
	if st.hasYear {
		limit = daysIn(st.Month, int(st.Year))
	} else if st.Month == 2 || daysIn(st.Month, 1) == 30 {
		limit = daysIn(st.Month, 4)
	}
	if st.Day > limit {
		return st, 0
	}
	if i < len(s) && s[i] == ':' {
		i++
	}
	return st, i
}

// parseClock reads hh:mm:ss and a fraction behind it.
func (s *Stamp) parseClock(b []byte) (n int, ok bool) {
	if len(b) > 1 && b[1] == ':' { // an hour of one digit
		if len(b) < 7 || b[4] != ':' || b[0]-'0' > 9 {
			return 0, false
		}
		s.Hour, s.Minute, s.Second, n = b[0]-'0', num2(b[2:]), num2(b[5:]), 7
	} else {
		if len(b) < 8 || b[2] != ':' || b[5] != ':' {
			return 0, false
		}
		s.Hour, s.Minute, s.Second, n = num2(b), num2(b[3:]), num2(b[6:]), 8
	}
	if !validClock(s.Hour, s.Minute, s.Second) {
		return 0, false
	}
	if n+1 < len(b) && b[n] == '.' && b[n+1]-'0' <= 9 {
		n += 1 + s.parseFraction(b[n+1:])
	}
	return n, true
}

// validClock allows the second 60, which RFC 5424 forbids and clocks show.
func validClock(h, m, s uint8) bool { return h <= 23 && m <= 59 && s <= 60 }

// year reads four digits from 1970 to 2099 with a space behind them.
func year(s []byte) (int16, bool) {
	if len(s) < 5 || s[4] != ' ' {
		return 0, false
	}
	a, b := num2(s), num2(s[2:])
	if a|b >= 128 {
		return 0, false
	}
	y := int16(a)*100 + int16(b)
	return y, y >= 1970 && y <= 2099
}

// num2 is the number that two digits make; what is no digit makes it at least 128.
func num2(s []byte) uint8 {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return 0xff
	}
	return a*10 + b
}

// month is 1 to 12 for the English short name that s begins with, in any case, else 0.
func month(s []byte) uint8 {
	switch uint32(s[0]|0x20)<<16 | uint32(s[1]|0x20)<<8 | uint32(s[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}
