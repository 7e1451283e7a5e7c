package writer

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sluice/syslog"
)

// A pattern recognises the files of one target: those that its path made, and where that holds a date, when. It is built
// to remove files, so it would rather miss one: a name that can be read in two ways is none of its own.
type pattern struct {
	path  string      // as it was configured
	root  string      // the folder before the first component that holds a field
	parts []component // from there on; the last is the file's
	dated Period      // the smallest part of the time of reception that the path shows; Never: none
	sent  bool        // it shows the sender's clock
	zone  *time.Location
}

// A component is one name in a path.
type component struct {
	literal      string         // what it ends in; all of it if it holds no field
	lazy, greedy *regexp.Regexp // else; where they disagree there is a doubt
	units        []byte         // of what each group is: Y m d H M
	fieldAtEnd   bool           // the sender chooses what the name ends in
}

// What is wrong with a path that old files shall be found by.
var (
	errSenderClock = errors.New("the path holds the sender's clock, so a sender could have files removed: use {date}, or {received|..}")
	errDateUnknown = errors.New("cannot tell the age of a file by this path: use {date}, {year} {month} {day} {hour} {minute}, or {received|%F} with %Y %m %d %H %M %F, as they are")
	errDateTorn    = errors.New("cannot tell the age of a file by this path: a date begins with the year, and leaves nothing out")
	errEnd         = errors.New("a path that ends in a field, a digit, .gz or .zst could be taken for that of an old file: end it in .log, say")
)

// newPattern reads a path with or without fields.
func newPattern(path string, zone *time.Location) (*pattern, error) {
	template, err := syslog.CompileTemplate(path, syslog.EscapePath, zone)
	if err != nil {
		return nil, err
	}
	p := &pattern{path: path, zone: zone}
	var units []byte
	c := newComponent()
	for _, part := range template.Parts() {
		if part.Literal != "" {
			names := strings.Split(part.Literal, "/")
			c.literal += names[0]
			for _, name := range names[1:] {
				units = append(units, p.add(c)...)
				c = newComponent()
				c.literal = name
			}
			continue
		}
		p.sent = p.sent || part.Field.Name() == "timestamp"
		expression, date, err := dateExpression(part, zone)
		if err != nil {
			return nil, err
		}
		c.field(expression, date)
	}
	units = append(units, p.add(c)...)
	p.split()
	p.dated, err = smallest(units)
	return p, err
}

// A componentText is a component while its expressions are put together.
type componentText struct {
	component
	anyLazy, anyGreedy string
}

func newComponent() *componentText { return &componentText{} }

// field adds a field, which units is nil of if it says nothing of the time of reception.
func (c *componentText) field(expression string, units []byte) {
	lazy, greedy := expression, expression
	if units == nil {
		lazy, greedy = `.+?`, `.+`
	}
	before := regexp.QuoteMeta(c.literal)
	c.anyLazy, c.anyGreedy, c.literal = c.anyLazy+before+lazy, c.anyGreedy+before+greedy, ""
	c.units = append(c.units, units...)
	c.fieldAtEnd = units == nil
}

// add ends a component and returns what it says of the time of reception.
func (p *pattern) add(c *componentText) []byte {
	if c.anyLazy != "" {
		end := regexp.QuoteMeta(c.literal) + `$`
		c.lazy, c.greedy = regexp.MustCompile(`(?s)^`+c.anyLazy+end), regexp.MustCompile(`(?s)^`+c.anyGreedy+end)
	}
	c.fieldAtEnd = c.fieldAtEnd && c.literal == ""
	p.parts = append(p.parts, c.component)
	return c.units
}

// split parts the folders without fields from the rest.
func (p *pattern) split() {
	n := 0
	for n < len(p.parts)-1 && p.parts[n].lazy == nil {
		n++
	}
	var root []string
	for _, c := range p.parts[:n] {
		root = append(root, c.literal)
	}
	p.root, p.parts = filepath.Clean(strings.Join(root, "/")+"/"), p.parts[n:]
	if len(root) == 0 {
		p.root = "."
	}
}

// dateFields are the fields that are a part of the time of reception, as a strftime layout.
var dateFields = map[string]string{"date": "%Y-%m-%d", "year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "received": ""}

var digits = map[byte]string{'Y': `(\d{4})`, 'm': `(\d\d)`, 'd': `(\d\d)`, 'H': `(\d\d)`, 'M': `(\d\d)`}

// dateExpression is what matches a field that is a part of the time of reception, and what its groups are; nil for others.
func dateExpression(part syslog.Part, zone *time.Location) (expression string, units []byte, err error) {
	layout, isDate := dateFields[part.Field.Name()]
	if !isDate {
		return "", nil, nil
	}
	if layout == "" {
		layout = part.Layout
	}
	if layout == "" || part.Modified || part.Zone != nil && part.Zone != zone {
		return "", nil, errDateUnknown
	}
	layout = strings.ReplaceAll(layout, "%F", "%Y-%m-%d")
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			expression += regexp.QuoteMeta(layout[i : i+1])
			continue
		}
		i++
		group := digits[layout[i]] // checkLayout saw that something follows a %
		if group == "" {
			return "", nil, errDateUnknown
		}
		expression += group
		units = append(units, layout[i])
	}
	if units == nil || strings.Contains(expression, "/") {
		return "", nil, errDateUnknown
	}
	return expression, units, nil
}

// smallest is how long a path with these parts of a date stays the same.
func smallest(units []byte) (Period, error) {
	order := []struct {
		unit   byte
		period Period
	}{{'Y', year}, {'m', Month}, {'d', Day}, {'H', Hour}, {'M', 1}}
	period := Never
	torn := false
	for _, o := range order {
		if !strings.Contains(string(units), string(o.unit)) {
			torn = true
			continue
		}
		if torn {
			return Never, errDateTorn
		}
		period = o.period
	}
	return period, nil
}

// year is a period that only paths have.
const year Period = 366 * Day

// A date is what the components of a path say of the time of reception, by unit.
type date map[byte]int

// match reports whether name may be of c, and notes in d what it says of the date; key is name without that.
func (c *component) match(name string, d date) (key string, ok bool) {
	if c.lazy == nil {
		return name, name == c.literal
	}
	if len(name) == maxComponent { // it may have been cut, and end in a hash
		return "", false
	}
	groups := c.lazy.FindStringSubmatchIndex(name)
	if groups == nil {
		return "", false
	}
	from := 0
	var b strings.Builder
	other := c.greedy.FindStringSubmatchIndex(name)
	for i, unit := range c.units {
		start, end := groups[2*i+2], groups[2*i+3]
		if other[2*i+2] != start {
			return "", false // two ways to read it
		}
		n, _ := strconv.Atoi(name[start:end])
		if have, said := d[unit]; said && have != n {
			return "", false
		}
		d[unit] = n
		b.WriteString(name[from:start])
		b.WriteByte('/') // no name holds one
		from = end
	}
	b.WriteString(name[from:])
	return b.String(), true
}

// period is the one that d names, and reports false if no calendar has it.
func (p *pattern) period(d date) (start, end time.Time, ok bool) {
	month, day := 1, 1
	if m, said := d['m']; said {
		month = m
	}
	if n, said := d['d']; said {
		day = n
	}
	t := time.Date(d['Y'], time.Month(month), day, d['H'], d['M'], 0, 0, p.zone)
	if t.Year() != d['Y'] || int(t.Month()) != month || t.Day() != day || d['H'] > 23 || d['M'] > 59 {
		return t, t, false
	}
	if p.dated == year {
		return t, midnight(t.Year()+1, 1, 1, p.zone), true
	}
	start, end = p.dated.bounds(t, p.zone)
	return start, end, true
}

// Check reports what is wrong with a rotation of files whose path is this, fields and all.
func (r Rotation) Check(path string, zone *time.Location) error {
	if r.Size > 0 && r.Size < minSize {
		return fmt.Errorf("size: want at least %d KiB", minSize>>10)
	}
	if !r.moves() && !r.removes() && r.Compress == NoCompression {
		return nil
	}
	p, err := newPattern(path, zone)
	switch {
	case err != nil:
		return err
	case p.sent && r.removes():
		return errSenderClock
	case p.dated != Never && r.Every != Never:
		return errors.New("the date in the path begins new files: leave every out")
	case p.dated == Never && !r.moves():
		return errors.New("nothing is rotated: want size or every, or a path with {date}")
	}
	return p.checkEnd(r.moves(), r.Compress != NoCompression)
}

// checkEnd makes sure that no sender can choose a name that looks like an old file of another's: web1.log.1, or, where
// files are compressed, web1.log.gz.
func (p *pattern) checkEnd(moves, packs bool) error {
	last := p.parts[len(p.parts)-1]
	if last.lazy == nil || !moves && !packs {
		return nil
	}
	end := last.literal
	if last.fieldAtEnd {
		return errEnd
	}
	if end == "" { // a date is
		return nil
	}
	for _, ext := range append(extensions[1:], partial) {
		if strings.HasSuffix(ext, end) || strings.HasSuffix(end, ext) {
			return errEnd
		}
	}
	if c := end[len(end)-1]; c >= '0' && c <= '9' && moves {
		return errEnd
	}
	return nil
}

// Dated reports whether a path holds a part of the time of reception, so that new files begin by themselves.
func Dated(path string, zone *time.Location) bool {
	template, err := syslog.CompileTemplate(path, syslog.EscapePath, zone)
	if err != nil {
		return false
	}
	for _, f := range template.Fields() {
		if _, ok := dateFields[f.Name()]; ok {
			return true
		}
	}
	return false
}
