package writer

import "time"

// bounds are the first moment of the period that t is in and the first one behind it, in zone.
//
// Periods follow the clock on the wall: when it is set back at night a day has 25 hours, and a period of six hours one
// more. Those of an hour or less, where that divides, follow the hour itself: the one that comes twice is two periods.
func (p Period) bounds(t time.Time, zone *time.Location) (start, end time.Time) {
	t = t.In(zone)
	year, month, day := t.Date()
	switch {
	case p == Week:
		since := (int(t.Weekday()) + 6) % 7
		return midnight(year, month, day-since, zone), midnight(year, month, day-since+7, zone)
	case p == Month:
		return midnight(year, month, 1, zone), midnight(year, month+1, 1, zone)
	case p == Day:
		return midnight(year, month, day, zone), midnight(year, month, day+1, zone)
	case Hour%p == 0:
		_, offset := t.Zone()
		length := int64(p) * 60
		local := t.Unix() + int64(offset)
		from := t.Unix() - local%length
		return time.Unix(from, 0).In(zone), time.Unix(from+length, 0).In(zone)
	}
	slot := (t.Hour()*60 + t.Minute()) / int(p)
	start, end = wall(year, month, day, slot*int(p), zone), wall(year, month, day, (slot+1)*int(p), zone)
	for ; !end.After(t); slot++ { // an hour that comes twice: its boundaries count the first time
		start, end = end, wall(year, month, day, (slot+2)*int(p), zone)
	}
	if next := midnight(year, month, day+1, zone); end.After(next) {
		end = next // periods begin anew each day
	}
	return start, end
}

// midnight is when a day begins: in some zones an hour late, because the clock is set forward at midnight.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := wall(year, month, day, 0, zone)
	if t.Hour() >= 12 { // time.Date gave the hour before the one that does not exist
		t = t.Add(time.Hour)
	}
	return t
}

// wall is the first moment at which the clock on the wall shows so many minutes of a day.
func wall(year int, month time.Month, day, minutes int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, minutes, 0, 0, zone)
	for _, back := range []time.Duration{time.Hour, 30 * time.Minute} {
		if first := t.Add(-back); first.Hour() == t.Hour() && first.Minute() == t.Minute() {
			return first
		}
	}
	return t
}

// layout is how the name of an old file shows the beginning of its period.
func (p Period) layout() string {
	switch {
	case p == Month:
		return "2006-01"
	case p >= Day:
		return "2006-01-02"
	case p%Hour == 0:
		return "2006-01-02_15"
	}
	return "2006-01-02_15-04"
}

// stampLayouts are all that names can hold, by their length: another period may have been asked for before.
var stampLayouts = map[int]string{7: "2006-01", 10: "2006-01-02", 13: "2006-01-02_15", 16: "2006-01-02_15-04"}
