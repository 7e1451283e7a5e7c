package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// A rotator lays the files of a target aside when their time has come. The writer asks it between texts, so that no text
// is cut and none waits: laying aside is a rename, and all else is the janitor's.
type rotator struct {
	options Rotation
	zone    *time.Location
	now     func() time.Time
	log     *slog.Logger
	names   sync.Mutex // held while files change their names
	janitor *janitor
	fault   syslog.Fault
}

// rotateAgain is after what time a rotation is tried again that failed.
const rotateAgain = time.Minute

// UseRotation makes s rotate its files as its options say. Path is what it was configured with, {field}s and all; periods
// are on the clock of zone. Call it before the first Write.
func (s *FileSink) UseRotation(path string, zone *time.Location, log *slog.Logger) error {
	if s.options.Rotate == (Rotation{}) {
		return nil
	}
	p, err := compilePattern(path)
	if err != nil {
		return err
	}
	s.rotator = &rotator{options: s.options.Rotate, zone: zone, now: s.now, log: log}
	s.rotator.janitor = newJanitor(s.rotator, p)
	if s.fixed != nil && s.fixed.f != nil {
		s.rotator.opened(s.fixed)
	}
	return nil
}

// opened notes how large a file is that was opened, and when what it holds was written.
func (r *rotator) opened(f *file) {
	f.length, f.period = 0, time.Time{}
	st, err := f.f.Stat()
	if err != nil || !f.regular {
		return
	}
	if f.length = st.Size(); f.length > 0 {
		f.period = r.options.Every.start(st.ModTime().In(r.zone))
	}
}

// due reports whether f has to be laid aside before so many bytes more go to it, and notes when they do.
func (r *rotator) due(f *file, more int) bool {
	if !f.regular {
		return false
	}
	if r.options.Every.set() {
		period := r.options.Every.start(r.now().In(r.zone))
		if f.length > 0 && f.period.Before(period) {
			return true
		}
		if more > 0 {
			f.period = period
		}
	}
	return r.options.Size > 0 && f.length > 0 && f.length+int64(more) > r.options.Size
}

// rotate lays f aside and opens a new file in its place. If it cannot, writing goes on as it was, and it is tried again
// after a while.
func (r *rotator) rotate(s *FileSink, f *file) error {
	if r.now().Before(f.retry) {
		return nil
	}
	err := r.layAside(f)
	if err != nil {
		f.retry = r.now().Add(rotateAgain)
		if unsaid, ok := r.fault.Due(time.Now()); ok {
			r.log.Error("cannot rotate, writing goes on in the old file", "path", f.path, "error", err, "unsaid", unsaid)
		}
		return nil
	}
	if r.fault.Resolved() {
		r.log.Info("rotating again", "path", f.path)
	}
	r.janitor.rouse()
	return f.reopen(s)
}

// rotateQuiet rotates open files that nothing is written to, and reports whether there are any whose time will come.
func (s *FileSink) rotateQuiet() (more bool) {
	one := func(f *file) {
		if f.f == nil || !f.regular || f.length == 0 || f.done > 0 {
			return
		}
		more = true
		if s.rotator.due(f, 0) && f.current() {
			s.rotator.rotate(s, f) // an error is met again by the next write
		}
	}
	if s.fixed != nil {
		one(s.fixed)
		return more
	}
	for e := s.many.opened.Front(); e != nil; e = e.Next() {
		one(e.Value.(*file))
	}
	return more
}

// layAside renames f, if its path still leads to it.
func (r *rotator) layAside(f *file) error {
	at, err := find(f.path, nil)
	if err != nil {
		return err
	}
	defer at.close()
	r.names.Lock()
	defer r.names.Unlock()
	var st unix.Stat_t
	if err := unix.Fstatat(at.folder, at.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil || st.Dev != f.dev || st.Ino != f.ino {
		return nil // somebody else has rotated it
	}
	if !r.options.Every.set() {
		if err := shift(at); err != nil {
			return err
		}
		return renameNew(at, at.name, at.name+".1")
	}
	name := at.name + "." + r.options.Every.name(f.period)
	for n, free := 1, name; ; n++ {
		if !taken(at, free) {
			err := renameNew(at, at.name, free)
			if !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
		free = name + "." + strconv.Itoa(n)
	}
}

// taken reports whether a name is in use, compressed or not.
func taken(at place, name string) bool {
	for _, ext := range extensions {
		var st unix.Stat_t
		if unix.Fstatat(at.folder, name+ext, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			return true
		}
	}
	return false
}

// shift makes room for a file x.1: it becomes x.2, x.2 becomes x.3, and so on up to the first number that is free. The
// highest goes first, so that a crash leaves a gap and loses nothing.
func shift(at place) error {
	names, err := entries(at)
	if err != nil {
		return err
	}
	numbered := map[int][]string{}
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, at.name+".")
		number, ext, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); ok && err == nil && n > 0 && strconv.Itoa(n) == number && (ext == "" || slices.Contains(extensions, "."+ext)) {
			numbered[n] = append(numbered[n], name)
		}
	}
	last := 1
	for len(numbered[last]) > 0 {
		last++
	}
	for n := last - 1; n > 0; n-- {
		for _, name := range numbered[n] {
			ext := strings.TrimPrefix(name, fmt.Sprint(at.name, ".", n))
			if err := renameNew(at, name, fmt.Sprint(at.name, ".", n+1, ext)); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries are the names of what is in the folder of a place.
func entries(at place) ([]string, error) {
	fd, err := unix.Openat(at.folder, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: at.name, Err: err}
	}
	folder := os.NewFile(uintptr(fd), at.name)
	defer folder.Close()
	return folder.Readdirnames(-1)
}

// renameNew renames within the folder of a place, and never over something that is there.
func renameNew(at place, from, to string) error {
	err := unix.Renameat2(at.folder, from, at.folder, to, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS { // a file system that does not know how
		var st unix.Stat_t
		if unix.Fstatat(at.folder, to, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			err = unix.EEXIST
		} else {
			err = unix.Renameat(at.folder, from, at.folder, to)
		}
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
