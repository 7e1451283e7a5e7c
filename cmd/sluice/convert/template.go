package convert

import (
	"fmt"
	"slices"
	"strconv"
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

// parseTemplate reads the text of a template.
func parseTemplate(text string) []part {
	var parts []part
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			if n := text[i]; n == 'n' {
				literal.WriteByte('\n')
			} else if digit(n) { // the number of a byte, in decimal
				code := 0
				for ; i < len(text) && digit(text[i]) && code < 100; i++ {
					code = code*10 + int(text[i]-'0')
				}
				i--
				literal.WriteByte(byte(code))
			} else {
				literal.WriteByte(n)
			}
		case c == '%':
			inner, after, ok := strings.Cut(text[i+1:], "%")
			if !ok {
				literal.WriteString(text[i:])
				i = len(text)
				continue
			}
			flush()
			parts = append(parts, parseProperty(inner))
			i = len(text) - len(after) - 1
		default:
			literal.WriteByte(c)
		}
	}
	flush()
	return parts
}

// parseProperty reads name:from:to:options.
func parseProperty(inner string) part {
	fields := strings.SplitN(inner, ":", 4)
	if len(fields) > 1 && strings.HasPrefix(strings.ToUpper(fields[1]), "R") { // a regex may hold colons
		fields = []string{fields[0], fields[1], "", ""}
	}
	p := part{property: strings.ToLower(fields[0])}
	for i, to := range []*string{&p.from, &p.to} {
		if len(fields) > i+1 {
			*to = fields[i+1]
		}
	}
	if len(fields) > 3 {
		for o := range strings.SplitSeq(strings.ToLower(fields[3]), ",") {
			if o = strings.TrimSpace(o); o != "" {
				p.options = append(p.options, o)
			}
		}
	}
	return p
}

// listOptions are what a property(..) of a list template says, as the options of the text.
var listOptions = map[string]map[string]string{
	"format":            {"json": "json", "jsonf": "jsonf", "csv": "csv", "jsonr": "json", "jsonfr": "jsonf"},
	"caseconversion":    {"lower": "lowercase", "upper": "uppercase"},
	"controlcharacters": {"escape": "escape-cc", "space": "space-cc", "drop": "drop-cc"},
	"securepath":        {"drop": "secpath-drop", "replace": "secpath-replace"},
	"spifno1stsp":       {"on": "sp-if-no-1st-sp"},
	"droplastlf":        {"on": "drop-last-lf"},
	"date.inutc":        {"on": "date-utc"},
	"mandatory":         {"on": "", "off": ""},
}

// parseList reads what a list template has in its braces.
func parseList(body []statement) (parts []part, why string) {
	for _, s := range body {
		o, ok := s.(object)
		if !ok || o.kind != "constant" && o.kind != "property" {
			return nil, "not understood: " + s.where().text
		}
		if o.kind == "constant" {
			if o.params.get("format") == "jsonf" {
				return nil, "constants in JSON"
			}
			parts = append(parts, part{literal: o.params.get("value")})
			continue
		}
		p := part{property: strings.ToLower(o.params.get("name")), from: o.params.get("position.from"), to: o.params.get("position.to"), outname: o.params.get("outname")}
		for _, name := range sortedKeys(o.params) {
			v := strings.ToLower(o.params.get(name))
			switch {
			case name == "name" || strings.HasPrefix(name, "position.") || name == "outname":
			case name == "dateformat":
				p.options = append(p.options, "date-"+v)
			case listOptions[name] != nil:
				if option, known := listOptions[name][v]; known && option != "" {
					p.options = append(p.options, option)
				}
			default:
				p.options = append(p.options, name)
			}
		}
		parts = append(parts, p)
	}
	return parts, ""
}

// inJSON gives the texts that stand in quotes JSON's escapes, as a template's own option does.
func inJSON(parts []part) []part {
	for i := range parts {
		f, err := property(parts[i].property)
		if parts[i].property == "" || err == nil && f.IsStamp() || parts[i].options != nil || !quotedAround(parts, i) {
			continue
		}
		parts[i].options = []string{"json"}
	}
	return parts
}

func sortedKeys(p params) []string {
	var keys []string
	for k := range p {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

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

// dateLayouts are rsyslog's formats of moments, as modifiers.
var dateLayouts = map[string]string{
	"date-rfc3339": "", "date-rfc3164": rfc3164Stamp, "date-rfc3164-buggyday": "%b %d %H:%M:%S", "date-mysql": "%Y%m%d%H%M%S", "date-pgsql": "%F %T",
	"date-unixtimestamp": "unix", "date-year": "%Y", "date-month": "%m", "date-day": "%d", "date-hour": "%H", "date-minute": "%M",
	"date-second": "%S", "date-wday": "%w", "date-wdayname": "%a", "date-ordinal": "%j", "date-week": "%V", "date-iso-week": "%V", "date-iso-week-year": "%G",
}

// stampSlices are the usual pieces of a moment as RFC 3339 has it.
var stampSlices = map[string]string{
	"1:4": "%Y", "1:7": "%Y-%m", "1:10": "%F", "6:7": "%m", "9:10": "%d", "12:13": "%H", "15:16": "%M", "18:19": "%S",
	"1:13": "%FT%H", "1:16": "%FT%H:%M", "1:19": "%FT%T", "12:16": "%H:%M", "12:19": "%T",
}

// pieceOfNow are properties of the moment that the table of fields has not.
var pieceOfNow = map[string]string{
	"$wday": "{received|%w}", "$now-utc": "{received|utc|%F}", "$year-utc": "{received|utc|%Y}", "$month-utc": "{received|utc|%m}",
	"$day-utc": "{received|utc|%d}", "$hour-utc": "{received|utc|%H}", "$minute-utc": "{received|utc|%M}", "$now-unixtimestamp": "{received|unix}",
	"pri-text": "{facility}.{severity}", "$bom": "",
}

// show is the part as sluice writes it, or why it cannot.
func (p part) show() (shown, why string) {
	if piece, ok := pieceOfNow[p.property]; ok && p.from == "" && p.to == "" && len(p.options) == 0 {
		return piece, ""
	}
	f, err := property(p.property)
	if err != nil {
		_, why, _ = strings.Cut(err.Error(), ": ")
		return "", why
	}
	name, mods := f.Name(), []string(nil)
	if f.IsStamp() {
		return p.showStamp(name)
	}
	if slices.Contains(nilFields, name) || name == "app_name" && strings.HasPrefix(p.property, "app") {
		mods = append(mods, "default:-")
	}
	switch from, to := strings.ToUpper(p.from), p.to; {
	case from == "" && to == "", from == "1" && to == "$", from == "0" && to == "$":
	case name == "msg" && from == "2" && (to == "$" || to == ""):
		name = "message"
	case strings.HasPrefix(from, "F") && (to == "1" || to == ""):
		delimiter := byte('\t')
		if code, ok := strings.CutPrefix(from, "F,"); ok {
			n, err := strconv.ParseUint(code, 10, 8)
			if err != nil {
				return "", "such a field"
			}
			delimiter = byte(n)
		}
		if delimiter == '|' || delimiter == '}' || delimiter == '{' || delimiter < ' ' || delimiter > '~' {
			return "", "a field that ends in this byte"
		}
		mods = append(mods, "until:"+string(delimiter))
	case strings.HasPrefix(from, "R"):
		return "", "a piece that a regex finds"
	case from == "1" || from == "":
		n, err := strconv.Atoi(to)
		if err != nil || n < 1 {
			return "", "such a piece of a value"
		}
		mods = append(mods, "max:"+to)
	default:
		return "", "a piece out of the middle of a value"
	}
	for _, o := range p.options {
		switch o {
		case "lowercase":
			mods = append(mods, "lower")
		case "uppercase":
			mods = append(mods, "upper")
		case "json":
			mods = append(mods, "json")
		case "jsonf":
			key := p.outname
			if key == "" {
				key = p.property
			}
			return braces.Replace(strconv.Quote(key)) + ":{" + strings.Join(append([]string{name}, append(mods, "json")...), "|") + "}", ""
		case "drop-last-lf", "escape-cc", "secpath-drop", "secpath-replace", "fixed-width", "date-rfc3339", "date-rfc3164", "date-utc", "compressspace":
			if o == "compressspace" {
				return "", "no modifier for " + o
			}
		default:
			return "", "no modifier for " + comment(o)
		}
	}
	return "{" + strings.Join(append([]string{name}, mods...), "|") + "}", ""
}

// showStamp writes a moment. Without an option it is RFC 3164's.
func (p part) showStamp(name string) (string, string) {
	layout, chosen, mods := rfc3164Stamp, false, []string(nil)
	for _, o := range p.options {
		if l, ok := dateLayouts[o]; ok {
			layout, chosen = l, true
			continue
		}
		switch o {
		case "date-utc":
			mods = append(mods, "utc")
		case "date-local", "fixed-width", "escape-cc", "secpath-drop", "secpath-replace", "drop-last-lf":
		default:
			return "", "no layout for " + comment(o)
		}
	}
	if p.from+p.to != "" && !(p.from == "1" && p.to == "$") {
		piece, ok := stampSlices[p.from+":"+p.to]
		if !ok || !chosen || layout != "" {
			return "", "such a piece of a moment"
		}
		layout = piece
	}
	if layout != "" {
		mods = append(mods, layout)
	}
	if name == "received" && layout == "%F" && len(mods) == 1 {
		return "{date}", ""
	}
	return "{" + strings.Join(append([]string{name}, mods...), "|") + "}", ""
}

func without(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

// unknownTemplate says that no template has the name.
func unknownTemplate(name string) string {
	return fmt.Sprintf("there is no template %s", comment(name))
}
