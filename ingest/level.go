package ingest

import (
	"math"
	"strconv"

	"sluice/syslog"
)

// The severities that syslog names only in words.
const (
	emerg syslog.Severity = 0
	alert syslog.Severity = 1
	crit  syslog.Severity = 2
)

// levelWords are the levels of logging libraries, in lower case. Go's panic is one process that ends: crit, as in
// logrus's own syslog hook, not the emerg that syslog.conf means by it and that reaches every terminal.
var levelWords = map[string]syslog.Severity{
	"trace": syslog.Debug, "debug": syslog.Debug, "verbose": syslog.Debug, "silly": syslog.Debug,
	"fine": syslog.Debug, "finer": syslog.Debug, "finest": syslog.Debug, // java.util.logging
	"info": syslog.Info, "information": syslog.Info, "informational": syslog.Info, "config": syslog.Info, "success": syslog.Info,
	"notice": syslog.Notice,
	"warn":   syslog.Warning, "warning": syslog.Warning,
	"error": syslog.Err, "err": syslog.Err,
	"severe": crit, "fatal": crit, "critical": crit, "crit": crit, "panic": crit, "dpanic": crit,
	"alert": alert,
	"emerg": emerg, "emergency": emerg,
}

// longestLevel is the length of the longest word of the table.
const longestLevel = len("informational")

// levelNamed finds the severity of a word in any case, or of a number in text.
func levelNamed(word []byte) (syslog.Severity, bool) {
	if len(word) == 0 || len(word) > longestLevel {
		return 0, false
	}
	if digits(word) == len(word) {
		return levelNumbered(word)
	}
	var lower [longestLevel]byte
	for i, c := range word {
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	s, ok := levelWords[string(lower[:len(word)])]
	return s, ok
}

// levelNumbered finds the severity of a number: up to 7 it is syslog's own, from 10 on that of pino and bunyan, which
// count trace, debug, info, warn, error, fatal in tens and let users put theirs between. What PHP and Google count in
// hundreds contradicts each other.
func levelNumbered(number []byte) (syslog.Severity, bool) {
	n, err := strconv.Atoi(string(number))
	switch {
	case err != nil || n < 0 || n >= 100:
		return 0, false
	case n <= 7:
		return syslog.Severity(n), true
	case n < 10:
		return 0, false
	case n < 30:
		return syslog.Debug, true
	case n < 40:
		return syslog.Info, true
	case n < 50:
		return syslog.Warning, true
	case n < 60:
		return syslog.Err, true
	}
	return crit, true
}

// pythonLevel finds the severity of a levelno of Python's logging.
func pythonLevel(number []byte) (syslog.Severity, bool) {
	n, err := strconv.ParseFloat(string(number), 64)
	switch {
	case err != nil || math.IsNaN(n):
		return 0, false
	case n >= 50:
		return crit, true
	case n >= 40:
		return syslog.Err, true
	case n >= 30:
		return syslog.Warning, true
	case n >= 20:
		return syslog.Info, true
	}
	return syslog.Debug, true
}
