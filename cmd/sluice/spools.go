package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"sluice/cmd/sluice/strict"
	"sluice/writer/spool"
)

// A heldSpool is the folder of a target's spool, of a target that may be gone.
type heldSpool struct {
	Target string
	Dir    string
	Gone   bool // there is no such target in the configuration
}

// spools are those in the state folder, by the names of their targets.
func (c *Config) spools() ([]heldSpool, error) {
	entries, err := os.ReadDir(filepath.Join(c.StateDir, "spool"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var held []heldSpool
	for _, e := range entries {
		name, wrong := url.PathUnescape(e.Name())
		if wrong != nil || !e.IsDir() || url.PathEscape(name) != e.Name() {
			continue // nothing that we have made
		}
		held = append(held, heldSpool{name, spoolOf(c.StateDir, name), c.target(name) == nil})
	}
	return held, err
}

// target is the one of that name; nil if there is none.
func (c *Config) target(name string) *Target {
	return find(c.Targets, func(t *Target) bool { return t.Name == name })
}

// spoolFor is the spool of the target with that name. The error names what may have been meant; there may be no folder.
func (c *Config) spoolFor(name string) (heldSpool, error) {
	held, err := c.spools()
	if err != nil {
		return heldSpool{}, err
	}
	names := make([]string, 0, len(held)+len(c.Targets))
	for _, h := range held {
		if h.Target == name {
			return h, nil
		}
		names = append(names, h.Target)
	}
	if c.target(name) != nil {
		return heldSpool{Target: name, Dir: spoolOf(c.StateDir, name)}, nil
	}
	for _, t := range c.Targets {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return heldSpool{}, unknownTarget(name, names)
}

// unknownTarget says which targets there are.
func unknownTarget(name string, have []string) error {
	if near, ok := strict.Nearest(name, have); ok {
		return fmt.Errorf("unknown target %q (did you mean %s?)", name, near)
	}
	slices.Sort(have)
	return fmt.Errorf("unknown target %q (have %s)", name, list(have))
}

// list is a few names for a person.
func list(names []string) string {
	text, more := "", ""
	if len(names) > 8 {
		names, more = names[:8], ", .."
	}
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text + more
}

// forgottenSpools are warnings about what waits for targets that are in the configuration no more.
func (c *Config) forgottenSpools() (warnings []string) {
	held, _ := c.spools() // what this user may not read the daemon warns of
	for _, h := range held {
		if !h.Gone {
			continue
		}
		if sum, err := spool.Inspect(h.Dir); err == nil && sum.Messages > 0 {
			warnings = append(warnings, fmt.Sprintf("%d messages wait for target %q, which is not in the configuration: put it back, or sluice spool purge %s", sum.Messages, h.Target, h.Target))
		}
	}
	return warnings
}

// purge deletes what waits in a spool that no daemon uses, and its folder if its target is gone.
func (h heldSpool) purge() (messages uint64, err error) {
	messages, err = spool.Purge(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil && h.Gone {
		err = spool.Remove(h.Dir)
	}
	return messages, err
}
