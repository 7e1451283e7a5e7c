// Package strict reads YAML without forgiveness: every key must be known, every value must have its
// type, and whatever is wrong is said with file, line, column and a remedy, all of it at once.
//
// It knows YAML, Go structs and places in files. It knows nothing of what the files are about.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	maxFile     = 4 << 20 // a configuration a person keeps is a hundredth of this
	maxDepth    = 100
	maxExpanded = 100_000 // values that aliases may add: a bomb doubles them line by line
	maxFindings = 50      // syntax mistakes said of one file
	maxErrors   = 500     // of other kinds
)

// Document is one YAML file. Root is a mapping for an empty file too; aliases in it lead to no cycle
// and expand to a bounded number of values, so it can be walked without care.
type Document struct {
	Name string
	Root *yaml.Node

	lines [][]rune
	errs  Errors
	wrong map[*yaml.Node]bool // nodes that errs has explained
}

// Parse reads one YAML file; name is what errors call it. The Document is nil only if there is nothing
// that could be decoded; with other errors (a key given twice) decoding can go on to find more.
func Parse(name string, src []byte) (*Document, Errors) {
	doc := &Document{Name: name, wrong: map[*yaml.Node]bool{}}
	if doc.readable(src) {
		doc.lines = lines(src)
		doc.parse(src)
	}
	errs := doc.errs.sorted([]string{name})
	if doc.Root == nil {
		return nil, errs
	}
	return doc, errs
}

func (doc *Document) parse(src []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var first, second yaml.Node
	err := dec.Decode(&first)
	empty := errors.Is(err, io.EOF)
	if err == nil || empty {
		err = dec.Decode(&second)
	}
	switch {
	case err == nil:
		doc.errorf(second.Line, second.Column, "a second document begins here: one file holds one")
	case !errors.Is(err, io.EOF):
		doc.diagnose(src, err)
		return
	}

	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	if !empty && len(first.Content) > 0 && !isNull(first.Content[0]) {
		root = first.Content[0]
	}
	if doc.survey(root) {
		doc.Root = root
	}
}

// readable finds what is no text at all: yaml.v3 names no place for it, and no scanner could go on.
func (doc *Document) readable(src []byte) bool {
	if len(src) > maxFile {
		doc.errorf(1, 1, "the file is larger than %d MiB", maxFile>>20)
		return false
	}
	if bytes.HasPrefix(src, []byte{0xFF, 0xFE}) || bytes.HasPrefix(src, []byte{0xFE, 0xFF}) {
		doc.errorf(1, 1, "the file is UTF-16: save it as UTF-8")
		return false
	}
	line, col := 1, 1
	ends := lineEnds(src)
	for i := 0; i < len(src) && len(doc.errs) < maxFindings; {
		if line <= len(ends) && i == ends[line-1] {
			line, col = line+1, 1
		}
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			doc.errorf(line, col, "the byte 0x%02X is not UTF-8: save the file as UTF-8", src[i])
		case r == '\uFEFF' && i == 0:
			col = 0 // a byte order mark, which editors do not count
		case !printable(r):
			doc.errorf(line, col, `a control character (U+%04X): write it in double quotes, as "\x%02X"`, r, r)
		}
		i += size
		col++
	}
	return len(doc.errs) == 0
}

// printable is YAML's c-printable; its other end, U+FFFE and U+FFFF, no editor writes.
func printable(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0x7F && r < 0xA0:
		return r == 0x85
	}
	return r != '\uFEFF' && r != '\uFFFE' && r != '\uFFFF'
}

func (doc *Document) errorf(line, col int, format string, args ...any) {
	doc.errs = append(doc.errs, Error{
		File: doc.Name, Line: max(line, 1), Col: max(col, 1), Msg: fmt.Sprintf(format, args...),
	})
}

// lines is src as yaml.v3 counts it: without line ends, and without a byte order mark.
func lines(src []byte) [][]rune {
	var out [][]rune
	begin := 0
	for _, end := range append(lineEnds(src), len(src)) {
		line := strings.TrimRight(string(src[begin:end]), "\r\n\u0085\u2028\u2029")
		out = append(out, []rune(line))
		begin = end
	}
	out[0] = []rune(strings.TrimPrefix(string(out[0]), "\uFEFF"))
	return out
}

// lineEnds is where in src each line ends, its line break included: YAML 1.1 has six of them.
func lineEnds(src []byte) []int {
	ends := make([]int, 0, 1+len(src)/32)
	for i := 0; i < len(src); {
		switch n := lineBreak(src[i:]); n {
		case 0:
			i++
		default:
			i += n
			ends = append(ends, i)
		}
	}
	return ends
}

// lineBreak is the length of the line break that s, which is not empty, begins with, or 0.
func lineBreak(s []byte) int {
	switch c := s[0]; {
	case c == '\r' && len(s) > 1 && s[1] == '\n':
		return 2
	case c == '\r' || c == '\n':
		return 1
	case c == 0xC2 && len(s) > 1 && s[1] == 0x85: // U+0085
		return 2
	case c == 0xE2 && len(s) > 2 && s[1] == 0x80 && s[2]&^1 == 0xA8: // U+2028 and U+2029
		return 3
	}
	return 0
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
