package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A reader reads files into statements, with what they include in its place.
type reader struct {
	fsys  fs.FS
	home  string   // the folder of the first file
	open  []string // files that are being read
	files int
}

// What bounds a file that includes others, and those others.
const (
	maxIncludes = 20   // within each other
	maxFiles    = 1000 // in all
	maxSize     = 4 << 20
)

func newReader(fsys fs.FS, name string) *reader { return &reader{fsys: fsys, home: path.Dir(name)} }

// file reads a file.
func (r *reader) file(name string) ([]statement, error) {
	if slices.Contains(r.open, name) {
		return nil, errors.New("it includes itself")
	}
	if r.files++; len(r.open) > maxIncludes || r.files > maxFiles {
		return nil, fmt.Errorf("more than %d files within each other, or %d in all", maxIncludes, maxFiles)
	}
	src, err := fs.ReadFile(r.fsys, name)
	if err == nil && len(src) > maxSize {
		err = errors.New("is too large for a configuration")
	}
	if err != nil {
		var where *fs.PathError
		if errors.As(err, &where) {
			err = where.Err
		}
		return nil, fmt.Errorf("/%s: %w", name, err)
	}
	r.open = append(r.open, name)
	p := &parser{scanner: newScanner(src, name, r.shown(name)), reader: r}
	list := p.statements(false)
	r.open = r.open[:len(r.open)-1]
	return list, nil
}

// shown is a file's name in places: from the folder of the first file, if it is below that.
func (r *reader) shown(name string) string {
	if r.home == "." {
		return comment(name)
	}
	if below, ok := strings.CutPrefix(name, r.home+"/"); ok {
		return comment(below)
	}
	return comment("/" + name)
}

// include reads the files that a pattern names, in the order of their names.
func (r *reader) include(o origin, pattern, dir string, optional bool) []statement {
	leave := func(why string) []statement { return []statement{unreadable{o, why}} }
	if pattern == "" {
		return leave("it names no file")
	}
	whole := pattern
	if !path.IsAbs(whole) {
		whole = path.Join("/", dir, whole)
	}
	folder := strings.HasSuffix(pattern, "/")
	whole = strings.TrimPrefix(path.Clean(whole), "/")
	if info, err := fs.Stat(r.fsys, whole); err == nil && info.IsDir() || folder {
		whole += "/*"
	}
	names, err := fs.Glob(r.fsys, whole)
	if err != nil {
		return leave("not a pattern of file names")
	}
	if len(names) == 0 && !strings.ContainsAny(whole, "*?[") {
		if optional {
			return nil
		}
		return leave("there is no such file")
	}
	var list []statement
	for _, name := range names {
		if info, err := fs.Stat(r.fsys, name); err == nil && info.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			continue
		}
		statements, err := r.file(name)
		if err != nil {
			statements = leave(err.Error())
		}
		list = append(list, statements...)
	}
	return list
}
