package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Error is one mistake in a configuration and where it stands. Line and Col count from 1, Col in
// characters; 0 means that the mistake has no place (a value that came from a command line).
type Error struct {
	File    string
	Line    int
	Col     int
	Context string // `rule "nginx"`; empty at the top of a file
	Msg     string
}

// Error reads `etc/sluice.yaml:41:9: rule "nginx": unknown target "siem2" (have archive, siem)`.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		if e.File != "" {
			b.WriteByte(':')
		}
		b.WriteString(strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Context != "" {
		b.WriteString(e.Context + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Place is file:line:column.
func (e Error) Place() string { return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col) }

// Errors is every mistake found, in the order in which a person goes through the files.
type Errors []Error

// Error has one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is e as an error, nil if there is none: an empty Errors in an error would not compare to nil.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Join makes one list of several: files in the order of their first appearance, then line and
// column, each mistake once.
func Join(lists ...Errors) Errors {
	all := slices.Concat(lists...)
	var files []string
	for _, e := range all {
		if !slices.Contains(files, e.File) {
			files = append(files, e.File)
		}
	}
	return all.sorted(files)
}

// sorted leaves e alone. A file that files does not name comes first: it is no file at all.
func (e Errors) sorted(files []string) Errors {
	var out Errors
	seen := map[Error]bool{}
	for _, one := range e {
		if !seen[one] {
			seen[one] = true
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b Error) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col),
		)
	})
	return out
}
