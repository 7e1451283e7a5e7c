package convert

import (
	"slices"
	"strings"
)

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
