package syslog

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every word of the contract reads as its constant and is written the same again.
func TestWords(t *testing.T) {
	word := func(v encoding.TextUnmarshaler, text, want string) {
		t.Helper()
		if err := v.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := fmt.Sprint(v); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for i, w := range Facilities {
		f := Facility(99)
		word(&f, w, w)
		word(&f, strings.ToUpper(w), w)
		if int(f) != i {
			t.Errorf("%s is %d, want %d", w, f, i)
		}
	}
	for i, w := range Severities {
		s := Severity(99)
		word(&s, w, w)
		word(&s, strings.ToUpper(w), w)
		if int(s) != i {
			t.Errorf("%s is %d, want %d", w, s, i)
		}
	}
	for alias, w := range map[string]string{
		"panic": "emerg", "error": "err", "warn": "warning", "critical": "crit", "WARN": "warning", "CRITICAL": "crit",
	} {
		word(new(Severity), alias, w)
	}
	word(new(Facility), "security", "auth")
	for _, w := range framings {
		word(new(Framing), w, w)
	}
	word(new(Framing), "octet-counted", "octet_counted")
	word(new(Framing), "Octet_Counted", "octet_counted")
	for _, w := range grammars {
		word(new(Grammar), w, w)
	}
	for _, w := range hostnameSources {
		word(new(HostnameSource), w, w)
	}
	for _, w := range escapes {
		word(new(Escape), w, w)
	}
	if got := Facility(24).String(); got != "facility24" {
		t.Errorf("a facility that does not exist is %s", got)
	}
}

// A word that is none of those allowed says which there are.
func TestUnknownWords(t *testing.T) {
	for _, c := range []struct {
		v     encoding.TextUnmarshaler
		word  string
		want  string
		valid string
	}{
		{new(Facility), "local8", `unknown facility "local8"`, "local7"},
		{new(Severity), "fatal", `unknown severity "fatal"`, "crit"},
		{new(Framing), "lf", `unknown framing "lf"`, "newline"},
		{new(Grammar), "rfc 5424", `unknown parser "rfc 5424"`, "rfc5424"},
		{new(HostnameSource), "dns", `unknown hostname_from "dns"`, "peer"},
		{new(Escape), "hex", `unknown escape "hex"`, "octal"},
		{new(Facility), "", `unknown facility ""`, "user"},
	} {
		err := c.v.UnmarshalText([]byte(c.word))
		var word WordError
		if !errors.As(err, &word) || err.Error() != c.want || !slices.Contains(word.Valid(), c.valid) {
			t.Errorf("%s: %v, valid %q", c.word, err, word.Words)
		}
	}
}

func TestFieldNamed(t *testing.T) {
	for _, d := range DescribeFields() {
		if strings.Contains(d.Name, "PARAM") || strings.Contains(d.Name, "NAME") {
			continue
		}
		for _, alias := range append(d.Rsyslog, d.Name, strings.ReplaceAll(d.Name, "_", "-")) {
			f, err := FieldNamed(alias)
			if err != nil || f.Name() != d.Name {
				t.Errorf("%s: %s, %v, want %s", alias, f.Name(), err, d.Name)
			}
		}
		if d.Doc == "" {
			t.Errorf("%s has no description", d.Name)
		}
	}
	// The second column of CONFIG.md, section 2.
	for alias, name := range map[string]string{
		"syslogfacility-text": "facility", "syslogseverity-text": "severity", "timereported": "timestamp", "timegenerated": "received",
		"syslogtag": "tag", "programname": "app_name", "app-name": "app_name", "structured-data": "structured_data",
		"rawmsg": "raw", "fromhost-ip": "source", "inputname": "input", "$now": "date", "$year": "year",
		"record.user.id": "record.user.id", "record.funcName": "record.funcName", "sd.a@7.x": "sd.a@7.x", "sd.a.b@7.x": "sd.a.b@7.x",
	} {
		if f, err := FieldNamed(alias); err != nil || f.Name() != name {
			t.Errorf("%s: %s, %v, want %s", alias, f.Name(), err, name)
		}
	}
	for _, name := range []string{"", "hots", "record", "record.", "Hostname", "sd", "sd.", "sd.x", "sd..x", "sd.x."} {
		if f, err := FieldNamed(name); err == nil {
			t.Errorf("%q is field %s", name, f.Name())
		}
	}
	if (Field{}).Name() != "" {
		t.Error("the zero field has a name")
	}
}

func TestFieldKinds(t *testing.T) {
	for _, name := range fieldNames() {
		f, err := FieldNamed(strings.NewReplacer("ID", "id", "PARAM", "p", "NAME", "n").Replace(name))
		fatal(t, err)
		stamp := name == "timestamp" || name == "received"
		date := slices.Contains([]string{"date", "year", "month", "day", "hour", "minute"}, name)
		if f.IsStamp() != stamp || f.IsDate() != date {
			t.Errorf("%s: stamp %v, date %v", name, f.IsStamp(), f.IsDate())
		}
	}
}

func TestTransports(t *testing.T) {
	if got := Internal.String(); got != "internal" || len(Transports) != int(Internal)+1 {
		t.Errorf("the last transport is %s of %d", got, len(Transports))
	}
	if got := TLS.String(); got != "tls" {
		t.Errorf("TLS is %s", got)
	}
}
