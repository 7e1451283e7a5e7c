// Package socketfile binds sockets that are files, in folders that may be somebody else's: stale files are cleared, mode
// and owner are exact, and nothing is changed or removed that is not ours.
package socketfile

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxPath is the longest path of a socket: sun_path holds 108 bytes with the NUL.
const MaxPath = 107

// Options are what a socket's file gets.
type Options struct {
	Mode  fs.FileMode // exact: no umask applies
	Owner string      // a name or a number; empty: the process's
	Group string
}

// Bind calls bind where a socket of that network, unix or unixgram, can be made at path, and sets the file's mode and
// owner. Whoever binds must not let the socket remove its file: Remove looks first whether it is still ours. The File is
// there even with an error, if one was made.
func Bind(network, path string, o Options, bind func(*net.ListenConfig) error) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := clearPath(path, network); err != nil {
		return nil, err
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		// The file gets the socket's mode, less the umask: it is at no time more open than it should be.
		var err error
		if outer := raw.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), uint32(o.Mode)) }); outer != nil {
			return outer
		}
		return err
	}}
	if err := bind(&lc); err != nil {
		return nil, err
	}
	return ownFile(path, o.Mode, o.Owner, o.Group)
}

// clearPath removes the socket file that a process left behind when it ended. It removes no socket that somebody may
// still read, and nothing that is not a socket.
func clearPath(path, network string) error {
	before, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return bare(err)
	}
	kind := unix.SOCK_STREAM
	if network == "unixgram" {
		kind = unix.SOCK_DGRAM
	}
	switch err := connect(path, kind); {
	case err == nil, err == unix.EAGAIN, err == unix.EPROTOTYPE, err == unix.EPERM: // or is busy, of the other kind, or wants one peer only
		return InUse(path, systemdRuns())
	case before.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("there is a %s, not a socket; remove it if nothing needs it", kindOf(before.Mode()))
	case err == unix.ENOENT: // gone meanwhile
		return nil
	case err != unix.ECONNREFUSED: // which says that nobody listens
		return fmt.Errorf("the socket there may be in use: %w", err)
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) {
		return InUse(path, false) // another process has just made its own
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

// InUse is the error of a path where another process listens. On /dev/log of a machine that systemd runs it says who, and
// where that passes messages on to.
func InUse(path string, systemd bool) error {
	text := "address in use: another process listens there"
	if path == "/dev/log" && systemd {
		text = "address in use: systemd-journald listens there; it passes on to unixgram:///run/systemd/journal/syslog, or to the socket of a syslog.service (fd://)"
	}
	if path == "/run/systemd/journal/syslog" && systemd {
		text = "address in use: systemd's syslog.socket holds it for syslog.service: make sluice that service (Alias=syslog.service), or stop syslog.socket"
	}
	return Cause{text, unix.EADDRINUSE}
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

// A Cause is an errno said better.
type Cause struct {
	Text  string
	Errno syscall.Errno
}

func (c Cause) Error() string { return c.Text }
func (c Cause) Unwrap() error { return c.Errno }

// A File is the file of a socket that we bound.
type File struct {
	path string
	info fs.FileInfo
	once sync.Once
}

// ownFile sets mode, owner and group of the socket file that was just made at path. The folder may be somebody's who
// put another file there meanwhile, so that what is opened is looked at before it is changed.
func ownFile(path string, mode fs.FileMode, owner, group string) (*File, error) {
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
	f := &File{path: path, info: info}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || st.Nlink != 1 || int(st.Uid) != os.Geteuid() {
		return nil, errors.New("the socket was replaced by another file as soon as it was made")
	}
	return f, give(fd, mode, owner, group)
}

// give sets mode, owner and group of an opened file.
func give(fd int, mode fs.FileMode, owner, group string) error {
	uid, gid, err := ids(owner, group)
	if err != nil {
		return err
	}
	// fchmod refuses O_PATH descriptors; their entry in /proc is the file itself.
	if err := os.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode); err != nil {
		return fmt.Errorf("mode %#o: %w", uint32(mode), bare(err))
	}
	if uid >= 0 || gid >= 0 {
		if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			return fmt.Errorf("owner %q, group %q: %w", owner, group, err)
		}
	}
	return nil
}

// Set gives the file another mode, owner and group, if it is still ours.
func (f *File) Set(o Options) error {
	if f == nil {
		return nil
	}
	fd, err := unix.Open(f.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), f.path)
	defer file.Close()
	if info, err := file.Stat(); err != nil || !os.SameFile(info, f.info) {
		return errors.New("the socket was replaced by another file")
	}
	return give(fd, o.Mode, o.Owner, o.Group)
}

// Remove removes the file, if there is one, it was not removed before, and it is not another's by now. After privileges
// were dropped it may have to stay; the next start clears it.
func (f *File) Remove() {
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
