package writer

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sluice/syslog"
)

// dateFields are the fields of a path that change with the time of reception, and how their values look.
var dateFields = map[string]string{
	"date": `[0-9]{4}-[0-9]{2}-[0-9]{2}`, "year": `[0-9]{4}`, "month": `[0-9]{2}`, "day": `[0-9]{2}`, "hour": `[0-9]{2}`, "minute": `[0-9]{2}`,
	"received": `[^/]+`,
}

// DatedPath reports whether a path changes with the time of reception, and whether it does with what senders say the time
// is.
func DatedPath(path string) (dated, senders bool) {
	t, err := syslog.CompileTemplate(path, syslog.EscapePath, time.UTC)
	if err != nil {
		return false, false
	}
	for _, f := range t.Fields() {
		_, isDate := dateFields[f.Name()]
		dated, senders = dated || isDate, senders || f.Name() == "timestamp"
	}
	return dated, senders
}

// laidAside is what follows the name of a file that was rotated: a number, or a date and perhaps a number, and how it was
// compressed.
const laidAside = `\.([0-9]+|[0-9]{4}-[0-9]{2}(-[0-9]{2}(_[0-9]{2}(-[0-9]{2})?)?)?(\.[0-9]+)?)(\.gz|\.zst)?(\.tmp)?`

// A pattern finds the files that a target has made: those of its path, and those that were rotated.
type pattern struct {
	dated      bool
	root       string // the folder in which all of them are
	components []component
}

// A component is one name of a path.
type component struct {
	re   *regexp.Regexp
	kept []int // the groups whose values tell one path from another, because no date changes them
}

// compilePattern makes a pattern of a path with {field}s.
func compilePattern(path string) (*pattern, error) {
	t, err := syslog.CompileTemplate(path, syslog.EscapePath, time.UTC)
	if err != nil {
		return nil, err
	}
	p, fields := &pattern{root: "/"}, t.Fields()
	if !filepath.IsAbs(path) {
		p.root = "."
	}
	p.dated, _ = DatedPath(path)
	names := strings.Split(strings.Trim(filepath.Clean(t.Fill("\x00")), "/"), "/")
	for i, name := range names {
		last := i == len(names)-1
		if !last && len(p.components) == 0 && !strings.Contains(name, "\x00") {
			p.root = filepath.Join(p.root, name)
			continue
		}
		var c component
		text := "^"
		for n, part := range strings.Split(name, "\x00") {
			if n > 0 {
				value, isDate := dateFields[fields[0].Name()]
				if !isDate {
					value, c.kept = `[^/]+`, append(c.kept, n)
				}
				text, fields = text+"("+value+")", fields[1:]
			}
			text += regexp.QuoteMeta(part)
		}
		if last {
			text += `(?P<aside>` + laidAside + `)?`
		}
		if c.re, err = regexp.Compile(text + "$"); err != nil {
			return nil, err
		}
		p.components = append(p.components, c)
	}
	return p, nil
}

// A found is a file of a pattern.
type found struct {
	path    string
	family  string // the values of its fields but for dates
	rotated bool   // laid aside, not written to any more
	left    bool   // what a compression that did not finish left
	packed  bool
	size    int64
	written time.Time
}

// walk finds the files that there are. Folders behind links are not looked into. What cannot be read is left out.
func (p *pattern) walk() []found {
	var all []found
	p.into(p.root, "", p.components, &all)
	return all
}

func (p *pattern) into(folder, family string, rest []component, all *[]found) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		c := rest[0]
		m := c.re.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		path, mine := filepath.Join(folder, e.Name()), family
		for _, k := range c.kept {
			mine += m[k] + "\x00"
		}
		if len(rest) > 1 {
			if e.IsDir() {
				p.into(path, mine, rest[1:], all)
			}
			continue
		}
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() {
			continue
		}
		f := found{path: path, family: mine, size: st.Size(), written: st.ModTime()}
		if aside := m[c.re.SubexpIndex("aside")]; aside != "" {
			f.rotated, f.left = true, strings.HasSuffix(aside, ".tmp")
			f.packed = slices.Contains(extensions[1:], filepath.Ext(aside))
		}
		*all = append(*all, f)
	}
}

// remove deletes a file that was found, if it is still a regular file that no link leads to.
func (f *found) remove() error {
	at, err := find(f.path, nil)
	if err != nil {
		return err
	}
	defer at.close()
	return at.remove(f.path)
}
