package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// maxPath is the longest path of a socket: sun_path holds 108 bytes with the NUL.
const maxPath = 107

// clearPath removes the socket file that a process left behind when it ended. It removes no socket that somebody may
// still read, and nothing that is not a socket.
func clearPath(path string, transport syslog.Transport) error {
	before, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return bare(err)
	}
	kind := unix.SOCK_STREAM
	if transport == syslog.Unixgram {
		kind = unix.SOCK_DGRAM
	}
	switch err := connect(path, kind); {
	case err == nil, err == unix.EAGAIN, err == unix.EPROTOTYPE, err == unix.EPERM: // or is busy, of the other kind, or wants one peer only
		return inUse(path, systemdRuns())
	case before.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("there is a %s, not a socket; remove it if nothing needs it", kindOf(before.Mode()))
	case err == unix.ENOENT: // gone meanwhile
		return nil
	case err != unix.ECONNREFUSED: // which says that nobody listens
		return fmt.Errorf("the socket there may be in use: %w", err)
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) {
		return inUse(path, false) // another process has just made its own
	}
	return bare(os.Remove(path))
}

// connect tries whether anybody listens at path.
func connect(path string, kind int) error {
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}

// systemdRuns reports whether systemd is the init system, as sd_booted(3) does.
func systemdRuns() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

func inUse(path string, systemd bool) error {
	text := "address in use: another process listens there"
	if path == "/dev/log" && systemd {
		text = "address in use: systemd-journald listens there; it passes on to unixgram:///run/systemd/journal/syslog, or to the socket of a syslog.service (fd://)"
	}
	return cause{text, unix.EADDRINUSE}
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}

// A socketFile is the file of a socket that we bound.
type socketFile struct {
	path string
	info fs.FileInfo
	once sync.Once
}

// ownFile sets mode, owner and group of the socket file that was just made at path. The folder may be somebody's who
// put another file there meanwhile, so that what is opened is looked at before it is changed.
func ownFile(path string, mode fs.FileMode, owner, group string) (*socketFile, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, bare(err)
	}
	f := &socketFile{path: path, info: info}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || st.Nlink != 1 || int(st.Uid) != os.Geteuid() {
		return nil, errors.New("the socket was replaced by another file as soon as it was made")
	}
	uid, gid, err := ids(owner, group)
	if err != nil {
		return f, err
	}
	// fchmod refuses O_PATH descriptors; their entry in /proc is the file itself.
	if err := os.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode); err != nil {
		return f, fmt.Errorf("mode %#o: %w", uint32(mode), bare(err))
	}
	if uid >= 0 || gid >= 0 {
		if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			return f, fmt.Errorf("owner %q, group %q: %w", owner, group, err)
		}
	}
	return f, nil
}

// remove removes the file, if there is one, it was not removed before, and it is not another's by now. After privileges
// were dropped it may have to stay; the next start clears it.
func (f *socketFile) remove() {
	if f == nil {
		return
	}
	f.once.Do(func() {
		if info, err := os.Lstat(f.path); err == nil && os.SameFile(info, f.info) {
			_ = os.Remove(f.path)
		}
	})
}

// ids are the numbers of an owner and a group, which are names or numbers; -1 for none.
func ids(owner, group string) (uid, gid int, err error) {
	uid, gid = -1, -1
	if owner != "" {
		if uid, err = id(owner, func() (string, error) {
			u, err := user.Lookup(owner)
			if err != nil {
				return "", fmt.Errorf("owner: no user %q", owner)
			}
			return u.Uid, nil
		}); err != nil {
			return 0, 0, err
		}
	}
	if group != "" {
		gid, err = id(group, func() (string, error) {
			g, err := user.LookupGroup(group)
			if err != nil {
				return "", fmt.Errorf("group: no group %q", group)
			}
			return g.Gid, nil
		})
	}
	return uid, gid, err
}

func id(word string, lookup func() (string, error)) (int, error) {
	if n, err := strconv.ParseUint(word, 10, 31); err == nil {
		return int(n), nil
	}
	number, err := lookup()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(number)
}

// bare is err without the path, which the caller names.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
