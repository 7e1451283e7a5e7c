package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// We append to files in folders that belong to others, often as root. Whoever can write to such a folder can plant a link
// there that leads to a file of somebody else's, so a path is walked folder by folder, and a link is followed only if
// root or we made it, in a folder that nobody else can write to. (Tried: a plain open and fchown through a link in a
// user's folder hands a root-only file to that user.)

// Errors of paths that could lead astray.
var (
	errLink     = errors.New("is a symbolic link that somebody else made, or could replace")
	errHardLink = errors.New("has a second hard link: it may be somebody's way to a file that is not theirs")
)

// maxLinks is how many links a path may lead through, as in the kernel.
const maxLinks = 40

// A place is a folder that is held open and a name in it. Whoever has one closes it.
type place struct {
	folder int
	name   string
}

func (p place) close() { unix.Close(p.folder) }

// find walks to the folder of path. A folder that is missing is made by make, but not behind a link: what that leads to,
// a disk that is not mounted, say, is not ours to make up.
// Links are resolved, the last component's too, so that the place found is no link unless it became one meanwhile.
func find(path string, make func(folder int, name string) error) (place, error) {
	at, err := openStart(path)
	if err != nil {
		return place{}, err
	}
	rest := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	for links := 0; ; {
		name := rest[0]
		var st unix.Stat_t
		err := unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		switch {
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK:
			target, err := follow(at, name, &st)
			if links++; err == nil && links > maxLinks {
				err = unix.ELOOP
			}
			if err != nil {
				unix.Close(at)
				return place{}, &fs.PathError{Op: "open", Path: path, Err: err}
			}
			if isDescriptor(target) { // /dev/stdout: the kernel's own link, to what has no path
				unix.Close(at)
				return place{unix.AT_FDCWD, target}, nil
			}
			if filepath.IsAbs(target) {
				unix.Close(at)
				if at, err = openStart(target); err != nil {
					return place{}, err
				}
			}
			rest = append(strings.Split(strings.Trim(filepath.Clean(target), "/"), "/"), rest[1:]...)
			continue
		case len(rest) == 1:
			return place{at, name}, nil
		case err == unix.ENOENT && make != nil && links == 0:
			err = make(at, name)
		}
		next := -1
		if err == nil {
			next, err = unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		}
		unix.Close(at)
		if err != nil {
			return place{}, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		at, rest = next, rest[1:]
	}
}

// openStart opens the folder that a walk along path begins in.
func openStart(path string) (int, error) {
	start := "."
	if filepath.IsAbs(path) {
		start = "/"
	}
	fd, err := unix.Open(start, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: start, Err: err}
	}
	return fd, nil
}

// follow returns where a link leads, if it can be trusted.
func follow(folder int, name string, link *unix.Stat_t) (target string, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(folder, &st); err != nil {
		return "", err
	}
	ours := func(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }
	if !ours(link.Uid) || !ours(st.Uid) || st.Mode&0o022 != 0 {
		return "", errLink
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(folder, name, buf)
	if err == nil && n == 0 {
		err = unix.ENOENT
	}
	return string(buf[:max(n, 0)]), err
}

func isDescriptor(target string) bool {
	return strings.HasPrefix(target, "/proc/self/fd/") || strings.HasPrefix(target, "pipe:[") || strings.HasPrefix(target, "socket:[")
}

// open opens what is at the place for appending, and for reading its end if that is allowed. O_NONBLOCK keeps a FIFO
// without reader from hanging us. A regular file that has another name as well is refused.
func (p place) open(path string, flags int) (*os.File, error) {
	flags |= unix.O_APPEND | unix.O_NONBLOCK | unix.O_CLOEXEC
	if p.folder != unix.AT_FDCWD {
		flags |= unix.O_NOFOLLOW
	}
	var there unix.Stat_t
	access := unix.O_RDWR
	if unix.Fstatat(p.folder, p.name, &there, 0) == nil && there.Mode&unix.S_IFMT != unix.S_IFREG {
		access = unix.O_WRONLY // a FIFO that we could read from would never lack a reader
	}
	fd, err := unix.Openat(p.folder, p.name, flags|access, 0o600)
	if err == unix.EACCES {
		fd, err = unix.Openat(p.folder, p.name, flags|unix.O_WRONLY, 0o600)
	}
	if err == unix.ELOOP { // it became a link since we looked
		err = errLink
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1 {
		err = errHardLink
	}
	if err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// endLine ends the last line of a file that a crash tore, and reports whether it had to.
func endLine(f *os.File) (torn bool, err error) {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], st.Size()-1); err != nil || last[0] == '\n' {
		return false, nil // write-only, say: then we cannot know
	}
	_, err = f.Write([]byte("\n"))
	return err == nil, err
}

func (s *FileSink) makeFolderAt(folder int, name string) error {
	if err := unix.Mkdirat(folder, name, 0o700); err != nil && err != unix.EEXIST {
		return err
	} else if err != nil {
		return nil // somebody else was quicker
	}
	fd, err := unix.Openat(folder, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		made := os.NewFile(uintptr(fd), name)
		err = s.own(made, s.options.DirMode)
		made.Close()
	}
	if err != nil {
		unix.Unlinkat(folder, name, unix.AT_REMOVEDIR)
		return fmt.Errorf("making folder %s: %w", name, err)
	}
	return nil
}
