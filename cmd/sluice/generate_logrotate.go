package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/writer"
)

// A rotated is one stanza of logrotate: the files of targets that leave rotation to others and that it may treat alike.
type rotated struct {
	Paths []string // as logrotate has them
	Su    string   // the user and group that it has to become; empty: it stays root
}

// A logrotation is what logrotate is told of one configuration.
type logrotation struct {
	Stanzas []rotated
	Notes   []string // about targets that are not its business, and why
}

func newGenerateLogrotateCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "logrotate",
		Short:   "print the stanza of logrotate for the files that this configuration does not rotate itself",
		Example: "  sluice generate logrotate -c /etc/sluice/sluice.yaml > /etc/logrotate.d/sluice",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig()
			if err != nil {
				return err
			}
			a, err := accountOf(name)
			if err != nil {
				return err
			}
			g, err := cfg.logrotation(a)
			if err != nil {
				return err
			}
			return printFile(cmd.OutOrStdout(), "logrotate.conf", nil, g)
		},
	}
	cmd.Flags().StringVar(&name, "user", "", "sluice runs as this `user` instead of root")
	return cmd
}

// A leftAlone is a file target without rotation of its own.
type leftAlone struct {
	globbed
	owner, group string
}

// logrotation finds the files to rotate of a sluice that runs as a.
func (c *Config) logrotation(a account) (*logrotation, error) {
	g := &logrotation{}
	var left []leftAlone
	var own []string // globs of what sluice rotates itself
	for _, t := range c.Targets {
		spec, ok := t.spec.(fileSpec)
		if !ok {
			continue
		}
		path, err := absolute(spec.File)
		if err != nil {
			return nil, err
		}
		pattern, err := fileGlob(path, c.Timezone)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		switch {
		case spec.Rotate != writer.Rotation{}:
			own = append(own, pattern.glob)
		case under(path, "/dev", "/proc"), err == nil && !info.Mode().IsRegular():
		case writer.Dated(spec.File, c.Timezone):
			g.Notes = append(g.Notes, fmt.Sprintf("%s: the path changes by itself; rotate: {keep: 30d} on target %s removes old ones", path, t.Name))
		case pattern.open:
			g.Notes = append(g.Notes, fmt.Sprintf("%s: what is rotated would be taken for a new file; let the path of target %s end in .log", path, t.Name))
		default:
			left = append(left, leftAlone{pattern, spec.Owner, spec.Group})
		}
	}
	for i, l := range left {
		// A file in two stanzas is an error to logrotate.
		if slices.ContainsFunc(left[:i], l.within) || slices.ContainsFunc(left[i+1:], func(o leftAlone) bool { return o.glob != l.glob && l.within(o) }) {
			continue
		}
		for _, glob := range own {
			if covers(l.glob, glob) {
				g.Notes = append(g.Notes, fmt.Sprintf("%s is rotated by sluice and by this, since %s is such a file, too: let one of them be called otherwise", glob, l.glob))
			}
		}
		g.add(logrotateWord(l.glob), l.su(a))
	}
	return g, nil
}

// within reports whether all files of l are files of o.
func (l leftAlone) within(o leftAlone) bool { return covers(o.glob, l.glob) }

// covers reports whether a glob takes what another takes; not always, where both hold a *.
func covers(glob, other string) bool {
	ok, err := filepath.Match(glob, other)
	return ok && err == nil || glob == other
}

// add puts a path into the stanza of its like.
func (g *logrotation) add(path, su string) {
	for i := range g.Stanzas {
		if g.Stanzas[i].Su == su {
			g.Stanzas[i].Paths = append(g.Stanzas[i].Paths, path)
			return
		}
	}
	g.Stanzas = append(g.Stanzas, rotated{[]string{path}, su})
}

// su is what logrotate has to become to work in the folder: in one that others than root can write to it refuses to work
// otherwise, and should not be root. The user is the folder's if the files are his, too, since another could not compress them.
func (l leftAlone) su(a account) string {
	files, folder, shared := id(l.owner, a.uid, userNumber), a.uid, false
	group := id(l.group, a.gid(), groupNumber)
	if info, err := os.Stat(l.folder); err == nil {
		st := info.Sys().(*syscall.Stat_t)
		folder, group = st.Uid, st.Gid
		shared = info.Mode().Perm()&0o020 != 0 && group != 0 || info.Mode().Perm()&0o002 != 0
	} else if l.owner != "" { // sluice will make it
		folder = files
	}
	switch {
	case folder == 0 && !shared:
		return ""
	case files != folder:
		return "root " + groupText(group)
	}
	return userText(folder) + " " + groupText(group)
}

// id is the number of a user or group of that name, or otherwise where there is none.
func id(name string, otherwise uint32, number func(string) (string, error)) uint32 {
	if name == "" {
		return otherwise
	}
	text, err := number(name)
	if err != nil {
		text = name // as numbers are written
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n)
	}
	return otherwise
}

func userNumber(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupNumber(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

func userText(uid uint32) string {
	text := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

func groupText(gid uint32) string {
	text := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name
	}
	return text
}

// logrotateWord quotes a glob where logrotate's parser would take it apart. Braces are those of a
// stanza even in quotes.
func logrotateWord(glob string) string {
	glob = strings.NewReplacer("{", "?", "}", "?").Replace(glob)
	if !strings.ContainsAny(glob, " \t\"'\\#=,") {
		return glob
	}
	return `"` + strings.ReplaceAll(glob, `"`, `\"`) + `"`
}
