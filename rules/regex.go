package rules

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// buildRegex makes a test of an RE2 expression. The engine, some hundred times slower than a search, runs only on values
// that contain the text without which nothing can match.
func buildRegex(want string, fold bool) (test, error) {
	if fold {
		want = "(?i)" + want
	}
	re, err := regexp.Compile(want)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return test{}, fmt.Errorf("regex: %s: `%s`", bad.Code, bad.Expr)
		}
		return test{}, fmt.Errorf("regex: %w", err)
	}
	parsed, err := syntax.Parse(want, syntax.Perl)
	if err != nil {
		return test{}, fmt.Errorf("regex: %w", err)
	}
	parsed = parsed.Simplify()
	need := requiredText(parsed)
	literal := []byte(need)
	switch {
	case need != "" && parsed.Op == syntax.OpLiteral: // no regex at all
		return test{func(v []byte) bool { return bytes.Contains(v, literal) }, need}, nil
	case need != "":
		return test{func(v []byte) bool { return bytes.Contains(v, literal) && re.Match(v) }, need}, nil
	}
	return test{match: re.Match}, nil
}

// requiredText is the longest text that every match of re contains, or "".
func requiredText(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		// U+FFFD also matches a byte that is no UTF-8.
		if re.Flags&syntax.FoldCase == 0 && !slices.Contains(re.Rune, utf8.RuneError) {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredText(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredText(re.Sub[0])
		}
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if s := requiredText(sub); len(s) > len(longest) {
				longest = s
			}
		}
		return longest
	}
	return ""
}
