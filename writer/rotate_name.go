package writer

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// toStamp gives a file the name of its period.
func (r *rotator) toStamp(at place, f *file) error {
	stamp := f.begins.Format(r.Every.layout())
	base := at.name + "." + stamp
	number := 0
	if r.Size > 0 {
		last, err := r.lastNumber(at, f, stamp)
		if err != nil {
			return err
		}
		number = last + 1
	}
	for ; ; number++ {
		name := base
		if number > 0 {
			name += "." + strconv.Itoa(number)
		}
		if at.taken(name) {
			continue
		}
		switch err := at.rename(at.name, name); {
		case err == unix.EEXIST:
		case err != nil:
			return err
		default:
			if r.Size > 0 {
				r.numbers[f.path] = numbering{stamp, number}
			}
			return nil
		}
	}
}

// lastNumber is the highest number given to a file of this period, -1 if it has none: numbers whose files are gone by now
// are not given again, else the order would be lost.
func (r *rotator) lastNumber(at place, f *file, stamp string) (int, error) {
	if n, ok := r.numbers[f.path]; ok && n.stamp == stamp {
		return n.last, nil
	}
	if !f.begins.Before(r.since) {
		return -1, nil
	}
	names, err := at.list()
	if err != nil {
		return 0, err
	}
	last := -1
	for _, name := range names {
		if base, t, ok := cutTail(name); ok && base == at.name && t.stamp == stamp {
			last = max(last, t.number)
		}
	}
	return last, nil
}

// toNumber makes a file the first of the numbered ones, and each of those the one behind, up to the first gap. If there is
// none up to what is kept, the oldest goes.
func (r *rotator) toNumber(at place) error {
	numbered := func(n int) string { return at.name + "." + strconv.Itoa(n) }
	gap := 1
	for at.taken(numbered(gap)) {
		if gap == r.Keep.Files && at.remove(numbered(gap)) {
			break
		}
		gap++
	}
	for n := gap - 1; n >= 1; n-- {
		for _, ext := range extensions {
			if err := at.rename(numbered(n)+ext, numbered(n+1)+ext); err != nil && err != unix.ENOENT {
				return err
			}
		}
	}
	return at.rename(at.name, numbered(1))
}

// taken reports whether there is something of that name, compressed or not.
func (p place) taken(name string) bool {
	var st unix.Stat_t
	for _, ext := range extensions {
		if unix.Fstatat(p.folder, name+ext, &st, unix.AT_SYMLINK_NOFOLLOW) != unix.ENOENT {
			return true
		}
	}
	return false
}

// remove removes a file, compressed or not, and reports whether the name is free now.
func (p place) remove(name string) bool {
	for _, ext := range extensions {
		unix.Unlinkat(p.folder, name+ext, 0) // no folder, and of a link the link itself
	}
	return !p.taken(name)
}

// rename replaces nothing.
func (p place) rename(from, to string) error { return renameAt(p.folder, from, to) }

func renameAt(folder int, from, to string) error {
	err := unix.Renameat2(folder, from, folder, to, unix.RENAME_NOREPLACE)
	if err != unix.EINVAL && err != unix.ENOSYS {
		return err
	}
	var st unix.Stat_t // a file system that knows no such rename, as NFS
	if err := unix.Fstatat(folder, to, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil {
		return unix.EEXIST
	} else if err != unix.ENOENT {
		return err
	}
	return unix.Renameat(folder, from, folder, to)
}

// list is every name in the folder.
func (p place) list() ([]string, error) {
	at, err := openFolder(p.folder, ".")
	if err != nil {
		return nil, err
	}
	defer at.Close()
	return at.Readdirnames(-1)
}
