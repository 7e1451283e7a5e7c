package convert

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/syslog"
)

// truth is a property or a number by itself.
func truth(o operand) (condition, error) {
	if o.property == "" && len(o.values) == 1 {
		n, err := strconv.Atoi(o.values[0])
		return always(err == nil && n != 0), nil
	}
	return nil, errors.New("a property without a comparison")
}

// mirrored is what a comparison says with its sides exchanged.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

func compared(left operand, op string, right operand) (condition, error) {
	if left.property == "" && right.property != "" && mirrored[op] != "" {
		left, right, op = right, left, mirrored[op]
	}
	if left.property == "" || right.property != "" {
		return nil, errors.New("only a property can be compared, and only with strings and numbers")
	}
	name := left.name()
	switch op {
	case "<", "<=", ">", ">=":
		if left.lower || len(right.values) != 1 {
			return nil, errors.New("only one number is more or less")
		}
		return ordered(name, op, right.values[0])
	case "==", "!=", "<>":
		c, err := equal(name, right.values, left.lower)
		if err == nil && op != "==" {
			c = negate(c)
		}
		return c, err
	}
	if left.lower {
		op = strings.TrimSuffix(op, "_i") + "_i"
	}
	return compare(name, op, right.values)
}

// equal compares codes and their words as rsyslogd optimizes it: words in any case, with aliases. Other codes are compared
// as numbers, and the rest as texts.
func equal(name string, values []string, lower bool) (condition, error) {
	f, err := property(name)
	if err == nil && (f.Name() == "severity_code" || f.Name() == "facility_code") {
		list, field := syslog.Severities, "severity"
		if f.Name() == "facility_code" {
			list, field = syslog.Facilities, "facility"
		}
		var words []string
		for _, v := range values {
			n, err := strconv.Atoi(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number", comment(name), comment(v))
			}
			if n >= 0 && n < len(list) {
				words = append(words, list[n])
			}
		}
		if len(words) == 0 {
			return always(false), nil
		}
		return oneOf(field, words), nil
	}
	if err == nil && (f.Name() == "severity" || f.Name() == "facility") {
		var words []string
		for _, v := range values {
			var facility syslog.Facility
			var severity syslog.Severity
			if f.Name() == "facility" && facility.UnmarshalText([]byte(v)) == nil {
				words = append(words, facility.String())
			} else if f.Name() == "severity" && severity.UnmarshalText([]byte(v)) == nil {
				words = append(words, severity.String())
			} else {
				return nil, fmt.Errorf("%s is never %q", f.Name(), comment(v))
			}
		}
		return oneOf(f.Name(), words), nil
	}
	op := "isequal"
	if lower {
		op = "isequal_i"
	}
	return compare(name, op, values)
}

// ordered compares a code with a number.
func ordered(name, op, number string) (condition, error) {
	f, err := property(name)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(number)
	if err != nil || f.Name() != "severity_code" && f.Name() != "facility_code" {
		return nil, errors.New("only the numbers of severity and facility can be more or less")
	}
	from, to := 0, n // inclusive
	switch op {
	case "<":
		to--
	case ">":
		from, to = n+1, len(syslog.Facilities)
	case ">=":
		from, to = n, len(syslog.Facilities)
	}
	list := syslog.Facilities
	if f.Name() == "severity_code" {
		list = syslog.Severities
	}
	from, to = max(from, 0), min(to, len(list)-1)
	switch {
	case from > to:
		return always(false), nil
	case from == 0 && to == len(list)-1:
		return always(true), nil
	case f.Name() == "facility_code":
		return comparison{field: "facility", want: slices.Clone(list[from : to+1])}, nil
	case from == 0:
		return literal{"severity", mapping(pair{"at_least", text(list[to])})}, nil
	}
	return literal{"severity", mapping(pair{"at_most", text(list[from])})}, nil
}

// afterSeverity is a comma that separates as a semicolon does.
var afterSeverity = regexp.MustCompile(`(\.[^.,;]*)[,;]+`)

// selected is the condition of a selector, as rsyslog wrote it.
func selected(selector string) (condition, error) {
	selector = afterSeverity.ReplaceAllString(strings.Trim(selector, ",;"), "$1;")
	if strings.ToValidUTF8(selector, "") != selector {
		return nil, errors.New("bytes that are no UTF-8")
	}
	if _, err := rules.Selector(selector); err != nil {
		return nil, err
	}
	if strings.Trim(selector, "*.") == "" && !strings.Contains(selector, ";") {
		return always(true), nil
	}
	if selector == "*.debug" || selector == "*.7" {
		return always(true), nil
	}
	return literal{"selector", text(selector)}, nil
}
