package writer

import (
	"fmt"
	"strings"
	"time"
)

// A Period is how long one file lasts: an hour, a day, a week from Monday, a month, or a length that is counted from
// midnight. Its zero value is for ever.
type Period struct {
	unit   periodUnit
	length time.Duration
}

type periodUnit uint8

const (
	forever periodUnit = iota
	sinceMidnight
	days
	weeks
	months
)

var periods = map[string]Period{"hour": {sinceMidnight, time.Hour}, "day": {days, 0}, "week": {weeks, 0}, "month": {months, 0}}

// UnmarshalText reads hour, day, week, month, or a length from 1m to 24h.
func (p *Period) UnmarshalText(text []byte) error {
	word := strings.ToLower(string(text))
	if named, ok := periods[word]; ok {
		*p = named
		return nil
	}
	length, err := time.ParseDuration(word)
	if err != nil || length < time.Minute || length > 24*time.Hour || length%time.Minute != 0 {
		return fmt.Errorf("every: want hour, day, week, month, or whole minutes from 1m to 24h, have %q", text)
	}
	*p = Period{sinceMidnight, length}
	return nil
}

func (p Period) set() bool { return p.unit != forever }

// start is when the period began that t lies in, on the clock of t's zone. Where clocks are set back, the hour that comes
// twice is one period of a clock's hour, and two of its own.
func (p Period) start(t time.Time) time.Time {
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	switch p.unit {
	case sinceMidnight:
		since := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
		begun := since - since%p.length
		return time.Date(y, m, d, int(begun/time.Hour), int(begun%time.Hour/time.Minute), 0, 0, t.Location())
	case weeks:
		return midnight.AddDate(0, 0, -(int(t.Weekday())+6)%7)
	case months:
		return time.Date(y, m, 1, 0, 0, 0, 0, t.Location())
	case days:
		return midnight
	}
	return time.Time{}
}

// name is what a period that began then is called in the name of a file.
func (p Period) name(start time.Time) string {
	switch {
	case p.unit == months:
		return start.Format("2006-01")
	case p.unit == sinceMidnight && p.length%time.Hour == 0:
		return start.Format("2006-01-02_15")
	case p.unit == sinceMidnight:
		return start.Format("2006-01-02_15-04")
	}
	return start.Format("2006-01-02")
}
