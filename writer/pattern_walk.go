package writer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A folder is one that is held open to list it and to act on names in it.
type folder struct{ *os.File }

func (d folder) fd() int { return int(d.Fd()) }

// openRoot opens the folder that the walk begins in: as for writing, links are followed only where they can be trusted.
func (p *pattern) openRoot() (folder, error) {
	at, err := find(filepath.Join(p.root, "x"), nil)
	if err != nil {
		return folder{}, err
	}
	defer at.close()
	return openFolder(at.folder, ".")
}

// openFolder opens one below another, and follows no link.
func openFolder(at int, name string) (folder, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return folder{}, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return folder{os.NewFile(uintptr(fd), name)}, nil
}

// open opens a folder by its path below the root.
func (p *pattern) open(path string) (folder, error) {
	at, err := p.openRoot()
	for _, name := range strings.Split(path, "/") {
		if err != nil || name == "" {
			break
		}
		next, e := openFolder(at.fd(), name)
		at.Close()
		at, err = next, e
	}
	return at, err
}

// Found is what a walk finds: files that are being written, with those that they once were.
type found struct {
	live []old // of patterns without a date: those whose time to be rotated may come
	olds []old
	torn []old // half of what compression was making
}

// walk lists the pattern's files. A dated file is old when its period has passed at now. A folder that cannot be read, and
// what it holds, is left out and in the error.
func (p *pattern) walk(ctx context.Context, now time.Time) (found, error) {
	var all found
	at, err := p.openRoot()
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	} else if err != nil {
		return all, err
	}
	err = p.descend(ctx, at, "", "", 0, date{}, now, &all)
	at.Close()
	return all, err
}

func (p *pattern) descend(ctx context.Context, at folder, path, key string, depth int, d date, now time.Time, all *found) error {
	if depth == len(p.parts)-1 {
		return p.list(ctx, at, path, key, d, now, all)
	}
	c := &p.parts[depth]
	names := []string{c.literal}
	var faults []error
	if c.lazy != nil {
		var err error
		if names, err = at.Readdirnames(-1); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		below := copyDate(d)
		part, ok := c.match(name, below)
		if !ok {
			continue
		}
		next, err := openFolder(at.fd(), name)
		if err == nil {
			err = p.descend(ctx, next, path+name+"/", key+part+"/", depth+1, below, now, all)
			next.Close()
		}
		if err != nil && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func copyDate(d date) date {
	c := date{}
	for unit, n := range d {
		c[unit] = n
	}
	return c
}

// list sorts out the names of one folder.
func (p *pattern) list(ctx context.Context, at folder, path, key string, d date, now time.Time, all *found) error {
	names, err := at.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		o := old{folder: strings.TrimSuffix(path, "/"), name: name}
		into := p.sort(&o, key, copyDate(d), now, all)
		if into == nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstatat(at.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		o.size, o.inode, o.wrote = st.Size, st.Ino, time.Unix(st.Mtim.Unix())
		*into = append(*into, o)
	}
	return nil
}

// sort says what a name is, if it is any of ours, and fills in what it tells.
func (p *pattern) sort(o *old, key string, d date, now time.Time, all *found) *[]old {
	last := &p.parts[len(p.parts)-1]
	if part, ok := last.match(o.name, d); ok {
		o.path = key + part
		if p.dated == Never {
			return &all.live
		}
		return p.passed(o, d, now, &all.olds)
	}
	base, t, ok := cutTail(o.name)
	if p.dated != Never {
		base, t, ok = cutNumber(o.name)
	}
	if !ok {
		return nil
	}
	part, matches := last.match(base, d)
	if !matches {
		return nil
	}
	o.tail, o.path = t, key+part
	into := &all.olds
	if t.part {
		into = &all.torn
	}
	if p.dated == Never {
		return into
	}
	return p.passed(o, d, now, into)
}

// passed keeps a dated file from being touched as long as messages may still come for it.
func (p *pattern) passed(o *old, d date, now time.Time, into *[]old) *[]old {
	_, end, ok := p.period(d)
	if !ok || end.After(now) && o.number == 0 {
		return nil
	}
	o.when = end
	return into
}
