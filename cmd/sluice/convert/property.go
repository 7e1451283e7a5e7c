package convert

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/syslog"
)

// otherNames are properties of rsyslog whose name means something else in sluice's table, or is not in it.
var otherNames = map[string]string{"source": "hostname", "timestamp": "timestamp", "pri": "pri"}

// noProperty says why there is no field for some properties.
var noProperty = map[string]string{
	"fromhost":         "sluice looks no peer's name up; fromhost-ip is its address",
	"$myhostname":      "no field has this machine's own name; what local messages get is set by hostname:",
	"rawmsg-after-pri": "no field has the message without PRI; raw has it with PRI",
	"jsonmesg":         "no field has all of it; the format json writes it",
	"pri-text":         "facility and severity are asked for apart",
}

// property finds the field of one of rsyslog's properties, in any case.
func property(name string) (f syslog.Field, err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if why, ok := noProperty[name]; ok {
		return f, fmt.Errorf("%s: %s", name, why)
	}
	if variable := strings.TrimPrefix(name, "$"); variable != "" && strings.IndexByte("!./", variable[0]) >= 0 {
		return f, fmt.Errorf("%s: sluice has no variables; decode: json on an input fills record.NAME", comment(name))
	}
	if ours, ok := otherNames[name]; ok {
		return syslog.FieldNamed(ours)
	}
	for _, known := range syslog.DescribeFields() {
		if slices.Contains(known.Rsyslog, name) {
			return syslog.FieldNamed(known.Name)
		}
	}
	return f, fmt.Errorf("%s: no field has it", comment(name))
}

// nilFields are empty in sluice where rsyslog has a dash.
var nilFields = []string{"procid", "msgid", "structured_data"}

// maxWanted bounds the values of a comparison.
const maxWanted = 10000

// compare makes the condition that a property passes one of rsyslog's comparisons with any of the values.
func compare(name, op string, want []string) (condition, error) {
	if strings.EqualFold(name, "inputname") && op == "isequal" {
		if c := inputNamed(want); c != nil {
			return c, nil
		}
	}
	f, err := property(name)
	if err != nil {
		return nil, err
	}
	if f.IsStamp() {
		return nil, fmt.Errorf("%s: rsyslog compares Nov 20 15:17:52, and sluice what RFC 3339 makes of it", comment(name))
	}
	if len(want) == 0 || len(want) > maxWanted {
		return nil, fmt.Errorf("no value, or more than %d, to compare with", maxWanted)
	}
	c := comparison{field: f.Name(), want: slices.Clone(want)}
	op, c.fold = strings.CutSuffix(op, "_i")
	for i, w := range c.want {
		w, err := wanted(w)
		if err != nil {
			return nil, err
		}
		c.want[i] = w
	}
	nothing := slices.Contains(c.want, "")
	switch op {
	case "isempty":
		return existence(c.field, false), nil
	case "isequal":
		dash := slices.Contains(nilFields, c.field) && slices.Contains(c.want, "-")
		if (nothing || dash) && len(c.want) == 1 {
			return existence(c.field, false), nil
		}
		if dash {
			c.want = append(c.want, "")
		}
		if c.field == "facility" || c.field == "severity" {
			return codes(c.field, c.want)
		}
	case "contains", "startswith", "endswith":
		if nothing {
			return always(true), nil
		}
		c.op = map[string]string{"contains": "contains", "startswith": "prefix", "endswith": "suffix"}[op]
	case "regex", "ereregex", "re_match":
		c.op = "regex"
		for i, w := range c.want {
			if c.want[i], err = posix(w, op != "regex"); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("no comparison %q", comment(op))
	}
	// msg begins with the blank behind the tag. What looks inside it finds the same in message, the usual field.
	if c.field == "msg" && c.op == "contains" && !slices.ContainsFunc(c.want, func(w string) bool { return w[0] == ' ' }) {
		c.field = "message"
	}
	if _, err := rules.Compare(f, c.op, c.want, c.fold); err != nil {
		return nil, err
	}
	return c, nil
}

func existence(field string, want bool) condition {
	return literal{field, mapping(pair{"exists", bare(strconv.FormatBool(want))})}
}

// codes compares words of facilities or severities.
func codes(field string, words []string) (condition, error) {
	list := syslog.Facilities
	if field == "severity" {
		list = syslog.Severities
	}
	var known []string
	for _, w := range words {
		if slices.Contains(list, w) { // rsyslog compares with these very words: an alias or a capital never fits
			known = append(known, w)
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s is never %q", field, comment(strings.Join(words, " ")))
	}
	return oneOf(field, known), nil
}

// oneOf is the condition of these facilities or severities. A single severity by itself is seldom meant, and so sluice check
// asks about it; a selector says it clearly.
func oneOf(field string, words []string) condition {
	if field == "severity" && len(words) == 1 {
		return literal{"selector", text("*.=" + words[0])}
	}
	return comparison{field: field, want: words}
}

// inputNamed is the condition of rsyslog's own names of its inputs; nil if one is of the user's choice.
func inputNamed(names []string) condition {
	transports := map[string][]string{"imudp": {"udp"}, "imtcp": {"tcp", "tls"}, "imptcp": {"tcp"}, "imuxsock": {"unixgram"}, "imklog": {"kernel"}}
	var want []string
	for _, n := range names {
		if transports[n] == nil {
			return nil
		}
		want = append(want, transports[n]...)
	}
	return comparison{field: "transport", want: want}
}

var escaped = regexp.MustCompile(`#0[0-3][0-7]`)

// wanted takes back in a value what rsyslog does to control characters on reception: sluice escapes them when it writes.
func wanted(w string) (string, error) {
	if strings.ToValidUTF8(w, "") != w {
		return "", fmt.Errorf("%q has bytes that are no UTF-8, and YAML is", comment(w))
	}
	return escaped.ReplaceAllStringFunc(w, func(code string) string {
		n, _ := strconv.ParseUint(code[1:], 8, 8)
		return string(rune(n))
	}), nil
}

// plainValue reports whether a plain value of the field means exactly that.
func plainValue(field, w string) bool {
	if field == "source" {
		_, err := netip.ParseAddr(w)
		return err == nil
	}
	return w != "" && !rules.IsGlob(w)
}
