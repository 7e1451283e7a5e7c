package syslog

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

// go-syslog is the authority on the grammars: wherever it accepts a message whole, Parse must see the same in it, but for
// the differences that are named here, each with its reason.
func FuzzAgreesWithGoSyslog(f *testing.F) {
	for _, raw := range inputs(f) {
		f.Add([]byte(raw))
	}
	f.Add([]byte("<34>Oct 11 22:14:15 gate3 job[12]: a"))
	f.Add([]byte(`<165>1 2003-10-11T22:14:15.003+02:00 gate3 job - ID47 [a@1 x="\"\\\]" y="2"][b@2] é`))
	modern := rfc5424.NewParser()
	classic := rfc3164.NewParser(rfc3164.WithRFC3339())
	opts := DefaultParseOptions()
	opts.Location = time.UTC
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Message
		p := NewParser(opts, time.UTC)
		p.SetNow(benchNow)
		if !p.Parse(&m, raw, origins["udp"]) {
			return
		}
		// Both read m.Raw: what Parse has trimmed once is not to be trimmed again.
		if want, err := modern.Parse(m.Raw); err == nil && want != nil { // nil: it ended too early, which is no error to go-syslog
			agreesWith5424(t, &m, want.(*rfc5424.SyslogMessage))
		}
		if want, err := classic.Parse(m.Raw); err == nil && want != nil {
			agreesWith3164(t, &m, want.(*rfc3164.SyslogMessage))
		}
	})
}

func agreesWith5424(t *testing.T, m *Message, want *rfc5424.SyslogMessage) {
	t.Helper()
	if want.Version != 1 {
		return // go-syslog accepts versions up to 999, of which none exists: we read them as RFC 3164
	}
	if m.tagged || m.Guess&(BrokenOff|NoPRI|NoZone) != 0 {
		t.Fatalf("%q was not read as RFC 5424: %q", m.Raw, m.Guess.Words())
	}
	same(t, "pri", m.PRI(), int(*want.Priority))
	if want.Timestamp == nil {
		same(t, "timestamp", m.Timestamp, m.Received)
	} else if !m.Timestamp.Time().Equal(*want.Timestamp) {
		t.Errorf("timestamp %s, go-syslog %s", m.Timestamp.AppendRFC3339(nil), want.Timestamp)
	}
	if want.Hostname != nil {
		same(t, "hostname", string(m.Hostname), *want.Hostname)
	} else { // a nil hostname says nothing, and we know the peer
		same(t, "hostname", string(m.Hostname), string(m.Origin.Host))
	}
	same(t, "app_name", string(m.AppName), text3(want.Appname))
	same(t, "procid", string(m.ProcID), text3(want.ProcID))
	same(t, "msgid", string(m.MsgID), text3(want.MsgID))
	// A byte order mark says that the message is UTF-8 and is no part of it (RFC 5424, section 6.4).
	same(t, "message", string(m.Text()), strings.TrimPrefix(text3(want.Message), "\ufeff"))
	if want.StructuredData == nil {
		same(t, "structured_data", string(m.StructuredData), "")
		return
	}
	for id, params := range *want.StructuredData {
		if !bytes.Contains(m.StructuredData, []byte("["+id)) {
			t.Errorf("structured_data %q has no %s", m.StructuredData, id)
		}
		for param, value := range params {
			if strings.Contains(param, ".") {
				continue // sd.ID.PARAM ends at its last dot: such a parameter has no name here
			}
			field, err := FieldNamed("sd." + id + "." + param)
			fatal(t, err)
			same(t, field.Name(), string(field.Value(m, nil)), value)
		}
	}
}

func agreesWith3164(t *testing.T, m *Message, want *rfc3164.SyslogMessage) {
	t.Helper()
	same(t, "pri", m.PRI(), int(*want.Priority))
	stamp := m.Timestamp
	if m.Guess&NoYear != 0 { // RFC 3164 has no year: go-syslog says 0, we the nearest to now
		stamp.Year = 0
	}
	host := text3(want.Hostname)
	if _, ok := year([]byte(host + " ")); ok {
		return // a year behind the time (Aruba) is no host
	}
	if !stamp.Time().Equal(*want.Timestamp) {
		t.Errorf("timestamp %s, go-syslog %s", stamp.AppendRFC3339(nil), want.Timestamp)
	}
	if (host == "" || !isHostname([]byte(host)) || !isAlnum(host[len(host)-1])) && !isIPv6([]byte(host)) {
		return // go-syslog takes any word for a host; one with a bracket or colon is a tag (Docker), as in rsyslog
	}
	if bytes.Contains(m.Raw, forwardedFrom) {
		return // "Message forwarded from" is how AIX names a host
	}
	same(t, "hostname", string(m.Hostname), host)
	rest, tag, id, message := string(m.Tag)+string(m.Msg), text3(want.Appname), text3(want.ProcID), text3(want.Message)
	name := tag
	if id != "" {
		name += "[" + id + "]"
	}
	if tag == "" || rest != name+": "+message {
		// go-syslog knows a tag only by its colon and space. Of other texts it reports a part: rsyslog and we take the first
		// word for the tag.
		if !strings.HasSuffix(rest, message) {
			t.Errorf("message %q does not end in go-syslog's %q", rest, message)
		}
		return
	}
	if strings.ContainsAny(id, " :]") {
		return // rsyslog and we end a tag at the first blank or colon, and a pid at the first bracket
	}
	same(t, "tag", string(m.Tag), name+":")
	same(t, "message", string(m.Text()), message)
	same(t, "procid", string(m.ProcID), id)
	program, _, _ := strings.Cut(tag, "/") // rsyslog's programname ends at a slash
	same(t, "app_name", string(m.AppName), program)
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s %#v, go-syslog %#v", what, got, want)
	}
}

func text3(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
