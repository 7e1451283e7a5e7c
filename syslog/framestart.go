package syslog

// lookahead is more than the bytes that decide whether a frame or a header begins: <191>Nov 20 2026 15:17:52.
const lookahead = 64

// A start says whether some bytes begin a frame or a header.
type start uint8

const (
	noStart start = iota
	isStart
	mayBeStart // so far; more bytes decide
)

// frameStart says whether s begins as a frame does: with a PRI, an octet count or a NUL.
func frameStart(s []byte) start {
	switch {
	case len(s) == 0:
		return mayBeStart
	case s[0] == 0:
		return isStart
	case s[0] == '<':
		return priStart(s)
	}
	_, _, state := octetCount(s)
	return start(state)
}

// priStart says whether s, which begins with '<', begins with a PRI.
func priStart(s []byte) start {
	if _, n := parsePRI(s); n > 0 {
		return isStart
	}
	if len(s) <= 4 && isDigits(s[1:]) {
		return mayBeStart
	}
	return noStart
}

// headerStart says whether s, which begins with '<', begins with a PRI and a version or a timestamp.
func headerStart(s []byte) start {
	state := priStart(s)
	if state != isStart {
		return state
	}
	_, n := parsePRI(s)
	s = s[n:]
	switch {
	case len(s) >= 2 && s[0] == '1' && s[1] == ' ':
		return isStart
	case len(s) >= 10 && s[4] == '-' && s[7] == '-' && isDigits(s[:4]):
		return isStart
	}
	if _, n := parseBSD(s); n > 0 {
		return isStart
	}
	if len(s) < len("Nov 20 2026 15:17:52") {
		return mayBeStart
	}
	return noStart
}

type countState = start

const (
	noCount    = noStart
	isCount    = isStart
	mayBeCount = mayBeStart
)

// octetCount reads a MSG-LEN at the start of s. It is one only if '<' follows the space: "2023 report ready" is a line.
func octetCount(s []byte) (count, digits int, state countState) {
	for digits < len(s) && digits <= maxCountDigits && s[digits]-'0' <= 9 {
		count = count*10 + int(s[digits]-'0')
		digits++
	}
	if digits == 0 && len(s) > 0 || digits > maxCountDigits || count > maxCount {
		return 0, 0, noCount
	}
	if digits == len(s) || digits+1 == len(s) && s[digits] == ' ' {
		return 0, 0, mayBeCount
	}
	if s[digits] != ' ' || s[digits+1] != '<' {
		return 0, 0, noCount
	}
	return count, digits, isCount
}
