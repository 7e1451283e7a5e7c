package writer

import (
	"testing"
	"time"
)

// What a file is called whose first line came then, and when its period ends.
func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		every, zone, at string // at is UTC
		name, end       string
	}{
		{"day", "UTC", "2026-11-20 15:17:52", "2026-11-20", "2026-11-21 00:00:00"},
		{"24h", "UTC", "2026-11-20 00:00:00", "2026-11-20", "2026-11-21 00:00:00"},
		{"1d", "UTC", "2026-11-20 23:59:59", "2026-11-20", "2026-11-21 00:00:00"},
		{"day", "Europe/Berlin", "2026-11-19 23:00:00", "2026-11-20", "2026-11-20 23:00:00"},
		{"day", "Europe/Berlin", "2026-03-29 12:00:00", "2026-03-29", "2026-03-29 22:00:00"},     // 23 hours
		{"day", "Europe/Berlin", "2026-10-25 22:59:59", "2026-10-25", "2026-10-25 23:00:00"},     // 25 hours
		{"day", "America/Sao_Paulo", "2018-11-04 12:00:00", "2018-11-04", "2018-11-05 02:00:00"}, // no midnight
		{"day", "America/Sao_Paulo", "2018-11-04 02:59:59", "2018-11-03", "2018-11-04 03:00:00"},
		{"week", "UTC", "2026-11-20 15:17:52", "2026-11-16", "2026-11-23 00:00:00"},
		{"week", "UTC", "2026-11-16 00:00:00", "2026-11-16", "2026-11-23 00:00:00"},
		{"week", "UTC", "2026-11-22 23:59:59", "2026-11-16", "2026-11-23 00:00:00"},
		{"month", "UTC", "2026-12-31 23:59:59", "2026-12", "2027-01-01 00:00:00"},
		{"hour", "Asia/Kolkata", "2026-11-20 15:17:52", "2026-11-20_20", "2026-11-20 15:30:00"},
		{"hour", "Europe/Berlin", "2026-10-25 00:30:00", "2026-10-25_02", "2026-10-25 01:00:00"}, // comes twice
		{"hour", "Europe/Berlin", "2026-10-25 01:30:00", "2026-10-25_02", "2026-10-25 02:00:00"},
		{"6h", "Europe/Berlin", "2026-10-25 04:00:00", "2026-10-25_00", "2026-10-25 05:00:00"}, // seven hours
		{"6h", "Europe/Berlin", "2026-10-25 05:00:00", "2026-10-25_06", "2026-10-25 11:00:00"},
		{"5h", "UTC", "2026-11-20 23:00:00", "2026-11-20_20", "2026-11-21 00:00:00"},
		{"15m", "UTC", "2026-11-20 15:17:52", "2026-11-20_15-15", "2026-11-20 15:30:00"},
		{"1m", "UTC", "2026-11-20 15:17:52", "2026-11-20_15-17", "2026-11-20 15:18:00"},
		{"90m", "UTC", "2026-11-20 15:17:52", "2026-11-20_15-00", "2026-11-20 16:30:00"},
	} {
		t.Run(c.every+" "+c.zone+" "+c.at, func(t *testing.T) {
			var p Period
			fatal(t, p.UnmarshalText([]byte(c.every)))
			zone, err := time.LoadLocation(c.zone)
			fatal(t, err)
			at := utc(t, c.at)
			start, end := p.bounds(at, zone)
			if name := start.Format(p.layout()); name != c.name {
				t.Errorf("name %s, want %s", name, c.name)
			}
			if !end.Equal(utc(t, c.end)) {
				t.Errorf("ends %v, want %s", end.UTC(), c.end)
			}
			if start.After(at) || !end.After(at) {
				t.Errorf("%v is not within %v and %v", at, start, end)
			}
			if next, _ := p.bounds(end, zone); !next.Equal(end) {
				t.Errorf("the next begins %v, not %v", next, end)
			}
		})
	}
}

// A moment later is never in an earlier period, whatever the clock on the wall does.
func TestPeriodsFollowEachOther(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"} {
		zone, err := time.LoadLocation(name)
		fatal(t, err)
		for _, p := range []Period{1, 15, 30, Hour, 90, 2 * Hour, 5 * Hour, 6 * Hour, 12 * Hour, Day, Week, Month} {
			last, lastEnd := time.Time{}, time.Time{}
			for at := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2018; at = at.Add(29 * time.Minute) {
				start, end := p.bounds(at, zone)
				if start.Before(last) || end.Before(lastEnd) || start.After(at) || !end.After(at) {
					t.Fatalf("%s, %d minutes: %v is in %v to %v, the one before in %v to %v", name, p, at, start, end, last, lastEnd)
				}
				last, lastEnd = start, end
			}
		}
	}
}

func utc(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, text)
	fatal(t, err)
	return at
}
