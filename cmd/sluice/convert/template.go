package convert

import (
	"fmt"
	"slices"
	"strings"
)

// A template is one of rsyslog's, and what became of it.
type template struct {
	origin
	name  string
	parts []part
	why   string // sluice has no such thing
	said  bool   // what was left out of it
}

// A part is a text, or a property with its options.
type part struct {
	literal  string
	property string // empty: a text
	from, to string
	options  []string // in lower case
	outname  string   // of a JSON field
}

// builtinTemplates are those that rsyslog has from the start.
var builtinTemplates = map[string]string{
	"RSYSLOG_FileFormat":               `%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n`,
	"RSYSLOG_TraditionalFileFormat":    `%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n`,
	"RSYSLOG_SysklogdFileFormat":       `%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\n`,
	"RSYSLOG_ForwardFormat":            `<%PRI%>%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%`,
	"RSYSLOG_TraditionalForwardFormat": `<%PRI%>%TIMESTAMP% %HOSTNAME% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%`,
	"RSYSLOG_SyslogProtocol23Format":   `<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg%\n`,
	"RSYSLOG_SyslogRFC5424Format":      `<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg%\n`,
}

// knownFormats are sluice's own names of formats, by what they would be written as.
var knownFormats = map[string]string{
	"{timestamp} {hostname} {tag} {message}":                                                                                          "standard",
	"{timestamp|%b %e %H:%M:%S} {hostname} {tag} {message}":                                                                           "traditional",
	"<{pri}>{timestamp|%b %e %H:%M:%S} {hostname} {tag} {message}":                                                                    "rfc3164",
	"<{pri}>{timestamp|%b %e %H:%M:%S} {hostname} {tag|max:32} {message}":                                                             "rfc3164",
	"<{pri}>1 {timestamp} {hostname} {app_name|default:-} {procid|default:-} {msgid|default:-} {structured_data|default:-} {msg}":     "rfc5424",
	"<{pri}>1 {timestamp} {hostname} {app_name|default:-} {procid|default:-} {msgid|default:-} {structured_data|default:-} {message}": "rfc5424",
	"{raw}":     "raw",
	"{message}": "message",
}

// rfc3164Stamp is how rsyslog writes a moment unless a template says otherwise.
const rfc3164Stamp = "%b %e %H:%M:%S"

// A fault is a part of a template for which sluice has nothing.
type fault struct{ what, why string }

// format writes a template in sluice's language. What it has nothing for is not in it, but in faults. A newline at the
// end is gone: sluice ends every line with one.
func (t *template) format(path bool) (text string, faults []fault) {
	var b strings.Builder
	parts := t.parts
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if p.property == "" {
			literal := p.literal
			if !path && i == len(parts)-1 {
				literal = strings.TrimSuffix(literal, "\n")
			}
			if strings.ToValidUTF8(literal, "") != literal {
				faults = append(faults, fault{comment(literal), "bytes that are no UTF-8"})
				continue
			}
			b.WriteString(braces.Replace(literal))
			continue
		}
		// sp-if-no-1st-sp and the message behind it: one blank, and the message without its own.
		if slices.Contains(p.options, "sp-if-no-1st-sp") {
			if i+1 < len(parts) && parts[i+1].property == p.property && p.property == "msg" {
				next := parts[i+1]
				next.options = without(next.options, "drop-last-lf")
				if next.from == "" && next.to == "" && len(next.options) == 0 {
					b.WriteString(" {message}")
					i++
					continue
				}
			}
			faults = append(faults, fault{p.String(), "the blank without the message behind it"})
			continue
		}
		shown, why := p.show()
		if why != "" {
			faults = append(faults, fault{p.String(), why})
			continue
		}
		if slices.Contains(p.options, "json") && !quotedAround(parts, i) {
			faults = append(faults, fault{p.String(), "JSON's escapes without the quotes around them"})
			continue
		} else if slices.Contains(p.options, "json") { // |json writes the quotes itself
			before := strings.TrimSuffix(b.String(), `"`)
			b.Reset()
			b.WriteString(before + shown)
			rest := parts[i+1]
			rest.literal = rest.literal[1:]
			parts = slices.Clone(parts)
			parts[i+1] = rest
			continue
		}
		b.WriteString(shown)
	}
	return b.String(), faults
}

var braces = strings.NewReplacer("{", "{{", "}", "}}")

// quotedAround reports whether the part stands in the quotes of a text.
func quotedAround(parts []part, i int) bool {
	return i > 0 && i+1 < len(parts) && strings.HasSuffix(parts[i-1].literal, `"`) && strings.HasPrefix(parts[i+1].literal, `"`)
}

func (p part) String() string {
	s := p.property
	if p.from+p.to != "" || p.options != nil {
		s += ":" + p.from + ":" + p.to
	}
	if p.options != nil {
		s += ":" + strings.Join(p.options, ",")
	}
	return comment("%" + s + "%")
}

// unknownTemplate says that no template has the name.
func unknownTemplate(name string) string {
	return fmt.Sprintf("there is no template %s", comment(name))
}
