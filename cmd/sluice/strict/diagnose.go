package strict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// diagnose says why yaml.v3 refused src. It asks the scanner first, which knows what people mistype
// and where; yaml.v3 knows one mistake, often by the line of the block around it, never by a column.
func (doc *Document) diagnose(src []byte, err error) {
	s := newScanner(doc.lines)
	s.run()
	fatal := false
	for _, f := range s.found {
		doc.errorf(f.row+1, f.col+1, "%s", f.msg)
		fatal = fatal || f.fatal
	}
	if fatal {
		return
	}
	problem := problemOf(err)
	row := narrow(src, doc.lines, problem)
	if slices.ContainsFunc(s.found, func(f finding) bool { return f.row == row }) {
		return
	}
	doc.errorf(row+1, indent(doc.lines[row])+1, "%s", inPlainWords(problem))
}

// problemOf is yaml.v3's message without its line.
func problemOf(err error) string {
	return yamlPrefix.ReplaceAllString(err.Error(), "")
}

var yamlPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

// narrow is the line at which yaml.v3 begins to complain: the shortest beginning of the file that has
// the same problem ends there. Halving keeps it to a dozen parses.
func narrow(src []byte, lines [][]rune, problem string) int {
	ends := append(lineEnds(src), len(src))
	good, bad := -1, len(ends)-1
	for bad-good > 1 {
		mid := (good + bad) / 2
		var n yaml.Node
		if err := yaml.Unmarshal(src[:ends[mid]], &n); err != nil && problemOf(err) == problem {
			bad = mid
		} else {
			good = mid
		}
	}
	for bad > 0 && strings.TrimSpace(string(lines[bad])) == "" {
		bad--
	}
	return bad
}

func indent(l []rune) int {
	for i, r := range l {
		if !blank(r) {
			return i
		}
	}
	return 0
}

// inPlainWords says the same without YAML's grammar.
func inPlainWords(problem string) string {
	if name, ok := strings.CutPrefix(problem, "unknown anchor '"); ok {
		return fmt.Sprintf("there is no &%s above", strings.TrimSuffix(name, "' referenced"))
	}
	if words, ok := plainWords[problem]; ok {
		return words
	}
	return problem
}

var plainWords = map[string]string{
	"mapping values are not allowed in this context":         `a key where none can be: see the indentation, and whether text with ": " has quotes`,
	"block sequence entries are not allowed in this context": `a list where none can be: it begins on a line of its own, under its key`,
	"did not find expected key":                              "the indentation fits nothing above",
	"did not find expected '-' indicator":                    `the list above goes on with "- " or ends with less indentation`,
	"could not find expected ':'":                            `want "key: value"`,
	"did not find expected node content":                     "a value is missing or cannot begin like this: does it need quotes?",
	"did not find expected ',' or ']'":                       "want a comma or ]: does a value need quotes?",
	"did not find expected ',' or '}'":                       "want a comma or }: does a value need quotes?",
	"found character that cannot start any token":            "a value cannot begin like this: does it need quotes?",
	"found unexpected end of stream":                         "the file ends inside quotes",
}
