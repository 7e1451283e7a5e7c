package main

import (
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/writer"
)

// shared are folders in which others have logs, too.
var shared = []string{"/", "/var/log", "/var", "/tmp", "/var/tmp", "/home", "/root", "/etc"}

// checkRotate reports what is wrong with the rotation of a file target: at its own key if it has one. What it has from the
// defaults holds where it can: a path with a date begins new files by itself, and where nothing is rotated there is nothing
// to keep.
func (l *loader) checkRotate(n, at *yaml.Node, spec *fileSpec) {
	r := &spec.Rotate
	own := strict.Lookup(n, "rotate")
	has := func(key string) bool { return own != nil && strict.Lookup(own, key) != nil }
	dated := writer.Dated(spec.File, l.cfg.Timezone)
	if dated && !has("every") {
		r.Every = writer.Never
	}
	moves := r.Size > 0 || r.Every != writer.Never
	if !dated && !moves && !has("keep") && !has("max_total") && !has("compress") {
		*r = writer.Rotation{}
	}
	if own != nil && (strings.HasPrefix(spec.File, "/dev/") || strings.HasPrefix(spec.File, "/proc/")) {
		l.warn(own, "rotate: nothing is rotated there: %s is no regular file", spec.File)
	}
	if own != nil && slices.Contains(shared, filepath.Dir(spec.File)) && strings.Contains(filepath.Base(spec.File), "{") {
		l.warn(own, "rotate: every file in %s that is called like this is taken for this target's: give it a folder of its own", filepath.Dir(spec.File))
	}
	if own == nil {
		own = at
	}
	if err := r.Check(spec.File, l.cfg.Timezone); err != nil {
		l.wrong(own, "rotate", err)
	}
}
