package convert

import (
	"slices"
	"strconv"
	"strings"
)

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
