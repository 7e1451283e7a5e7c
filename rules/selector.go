package rules

import (
	"fmt"
	"slices"
	"strings"

	"sluice/syslog"
)

// Selector reads syslog.conf's language and means by it what rsyslogd does: mail,kern.crit;*.=info;auth.none;cron.!err.
// The parts of a selector are applied from left to right, each adding or taking away severities of its facilities.
// A message with a broken PRI has a facility of its own there, invld, with the severity debug.
func Selector(text string) (Condition, error) {
	s := selector{text: text}
	for rest := strings.TrimSpace(text); ; {
		part, behind, err := cutPart(rest)
		if err == nil {
			err = s.apply(part)
		}
		if err != nil {
			return nil, err
		}
		if rest = behind; rest == "" {
			return s, nil
		}
	}
}

// cutPart cuts the first part off, and what separates it from the next: semicolons or, as rsyslogd reads them, commas. A
// blank beside them means nothing. One alone ends the whole selector there, and what follows is lost; here it is an error.
func cutPart(s string) (part, behind string, err error) {
	dot := strings.IndexByte(s, '.')
	end := len(s)
	if i := strings.IndexAny(s[dot+1:], ",; \t"); dot >= 0 && i >= 0 {
		end = dot + 1 + i
	} else if i := strings.IndexByte(s, ';'); dot < 0 && i >= 0 {
		end = i
	}
	part, behind = s[:end], strings.TrimLeft(s[end:], " \t")
	trimmed := strings.TrimLeft(behind, ",; \t")
	if trimmed == behind && behind != "" {
		return "", "", fmt.Errorf("selector %q: want ; between %s and %s", s, part, behind)
	}
	return part, trimmed, nil
}

type selector struct {
	text string
	mask [mark + 1]severities // by facility
}

// invld is the facility of messages with a broken PRI: the one behind local7.
const invld = 24

// mark is the facility of what rsyslogd's immark says: it is taken, and no message has it here.
const mark = invld + 1

// apply adds or takes away what one part between semicolons says. Only the words of the priority differ in effect:
//
//	err   err and worse       !err   take err and worse away
//	=err  only err            !=err  take err away
//	*     all                 !*     none
//	none  none                !none  all
func (s *selector) apply(part string) error {
	names, word, ok := strings.Cut(strings.ToLower(part), ".")
	if !ok || word == "" || strings.Trim(names, ", \t") == "" || names[0] == ',' {
		return fmt.Errorf("selector %q: want facility.severity, as in mail.err", part)
	}
	word, negate := cutPrefix(word, "!")
	word, single := cutPrefix(word, "=")
	bits, err := priority(word, single)
	if err != nil {
		return err
	}
	if word == "none" {
		negate, bits = !negate, ^severities(0)
	}
	if strings.Contains(names, ";") {
		return fmt.Errorf("selector %q: want facility.severity, as in mail.err", names[:strings.Index(names, ";")])
	}
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return strings.ContainsRune(", \t", r) }) {
		from, to, err := facilityRange(name)
		if err != nil {
			return err
		}
		for f := from; f <= to; f++ {
			if negate {
				s.mask[f] &^= bits
			} else {
				s.mask[f] |= bits
			}
		}
	}
	return nil
}

func cutPrefix(s, prefix string) (rest string, found bool) {
	return strings.TrimPrefix(s, prefix), strings.HasPrefix(s, prefix)
}

// priority is the severities that a word, or a digit, means.
func priority(word string, single bool) (severities, error) {
	if word == "*" || word == "none" {
		return ^severities(0), nil
	}
	var s syslog.Severity
	if len(word) == 1 && word[0] >= '0' && word[0] <= '7' {
		s = syslog.Severity(word[0] - '0')
	} else if err := s.UnmarshalText([]byte(word)); err != nil {
		return 0, syslog.WordError{What: "severity", Word: word, Words: append(slices.Clone(syslog.Severities), "none", "*")}
	}
	if single {
		return 1 << s, nil
	}
	return 1<<(s+1) - 1, nil
}

func facilityRange(name string) (from, to int, err error) {
	switch name {
	case "*":
		return 0, invld, nil
	case "invld":
		return invld, invld, nil
	case "mark":
		return mark, mark, nil
	}
	var f syslog.Facility
	if err := f.UnmarshalText([]byte(name)); err != nil {
		return 0, 0, syslog.WordError{What: "facility", Word: name, Words: append(slices.Clone(syslog.Facilities), "mark", "invld", "*")}
	}
	return int(f), int(f), nil
}

func (s selector) holds(e *eval) bool {
	if e.m.Guess&syslog.BrokenPRI != 0 {
		return s.mask[invld]>>syslog.Debug&1 != 0
	}
	return s.mask[e.m.Facility]>>(e.m.Severity&7)&1 != 0
}

func (s selector) String() string { return fmt.Sprintf("selector %q", s.text) }
