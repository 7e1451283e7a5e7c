package writer

import (
	"bytes"
	lru "container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// FileOptions are the options of a file target; YAML fills them.
type FileOptions struct {
	Owner     string        `yaml:"owner"`
	Group     string        `yaml:"group"`
	Mode      fs.FileMode   `yaml:"mode"`
	DirMode   fs.FileMode   `yaml:"dir_mode"`
	Fsync     bool          `yaml:"fsync"`
	MaxOpen   int           `yaml:"max_open"`
	Rotate    Rotation      `yaml:"rotate"`
	MaxPaths  int           `yaml:"max_paths"`
	IdleClose time.Duration `yaml:"idle_close"`
	Queue     QueueOptions  `yaml:"queue"`
}

// DefaultFileOptions are the options of a file target that sets none.
func DefaultFileOptions() FileOptions {
	return FileOptions{
		Mode: 0o640, DirMode: 0o750, MaxOpen: 256, MaxPaths: 10000, IdleClose: 10 * time.Minute,
		Queue: QueueOptions{Memory: 8 << 20, WhenFull: BlockSenders, BlockFor: defaultBlockFor},
	}
}

// A FileSink appends blocks to one file, or to many where the path holds fields.
type FileSink struct {
	options  FileOptions
	uid, gid int      // -1: not changed
	fixed    *file    // the only file, unless paths hold fields
	many     *files   // else
	rotator  *rotator // nil: files are left to grow
	now      func() time.Time
	torn     atomic.Uint64
	shed     atomic.Uint64
	fault    atomic.Pointer[error]
}

// Torn is how many last lines were found without an end, as a crash leaves them, and were ended.
func (s *FileSink) Torn() uint64 { return s.torn.Load() }

// NewFileSink returns a sink for path, or for as many files as messages name if path is empty. A fixed file is opened
// at once, so that a path that cannot be opened is known before anything listens.
func NewFileSink(path string, o FileOptions) (*FileSink, error) {
	s := &FileSink{options: o, uid: -1, gid: -1, now: time.Now}
	var err error
	if s.uid, err = lookupID(o.Owner, userID); err != nil {
		return nil, fmt.Errorf("owner %s: %w", o.Owner, err)
	}
	if s.gid, err = lookupID(o.Group, groupID); err != nil {
		return nil, fmt.Errorf("group %s: %w", o.Group, err)
	}
	if path == "" {
		s.many = &files{sink: s, known: map[string]*file{}}
		return s, nil
	}
	s.fixed = &file{path: path}
	err = s.fixed.reopen(s)
	if errors.Is(err, unix.ENXIO) { // a FIFO that nobody reads yet
		err = nil
	}
	return s, err
}

// Write appends b to its files, each in one write unless the kernel cuts it short.
func (s *FileSink) Write(b *Block) error {
	if s.many != nil {
		return s.many.write(b)
	}
	return s.fixed.write(s, b.Text)
}

// Rest is what is left of b, of which the last Write has written a part: the messages that are not whole in their file.
func (s *FileSink) Rest(b *Block) *Block {
	if s.many != nil {
		return s.many.rest(b)
	}
	return b.behind(s.fixed.done)
}

// Close closes every file.
func (s *FileSink) Close() error {
	if s.rotator != nil {
		s.rotator.janitor.close()
	}
	if s.many != nil {
		return s.many.close()
	}
	return s.fixed.close()
}

// A file is one file that is appended to.
type file struct {
	path     string
	f        *os.File
	dev, ino uint64
	regular  bool   // no FIFO and no device
	done     int    // bytes of the text in hand that are written
	part     []byte // many: what it gets of the block in hand
	size     int    // many: how much that will be
	count    int    // many: of how many messages
	aside    aside  // many: what it owes from earlier blocks
	place    *lru.Element
	used     time.Time // many: when it was last written to

	length int64     // to rotate: of what it holds
	period time.Time // likewise: when that was written
	retry  time.Time // likewise: not tried before
}

// patience is how long a FIFO whose reader is slow may keep us in one write: Run has to see that it is told to leave.
const patience = time.Second

// write appends text. After an error the same text must be given again. A write that was cut short is finished on the
// same descriptor; only between texts is the path looked at, and the file opened anew if it leads elsewhere.
func (f *file) write(s *FileSink, text []byte) error {
	if f.done > 0 && f.deleted() { // with all that was written; and holding on to it would keep a full disk full
		f.done = 0
	}
	if f.f == nil || f.done == 0 && !f.current() {
		if err := f.reopen(s); err != nil {
			return err
		}
	}
	if r := s.rotator; r != nil && f.done == 0 && r.due(f, len(text)) {
		if err := r.rotate(s, f); err != nil {
			return err
		}
		r.due(f, len(text)) // which notes the period
	}
	if !f.regular {
		f.f.SetWriteDeadline(time.Now().Add(patience)) // the error of a device that knows no deadline says just that
	}
	for f.done < len(text) {
		n, err := f.f.Write(text[f.done:])
		f.done += n
		if errors.Is(err, unix.EPIPE) && !f.regular {
			f.abandonReader(text)
		}
		if err != nil {
			return err
		}
	}
	if s.options.Fsync && f.regular {
		if err := fdatasync(int(f.f.Fd())); err != nil { // tried again with the block, of which nothing is written twice
			return &fs.PathError{Op: "fdatasync", Path: f.path, Err: err}
		}
	}
	f.done = 0
	f.length += int64(len(text))
	return nil
}

// fdatasync fails in tests.
var fdatasync = unix.Fdatasync

// abandonReader gives up what lies unread in a FIFO whose reader has gone, so that the next one begins with a message. What
// of text it was is written again.
func (f *file) abandonReader(text []byte) {
	unread := 0
	if raw, err := f.f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { unread, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	f.done = bytes.LastIndexByte(text[:max(0, f.done-unread)], '\n') + 1
	f.close() // with both ends closed the kernel forgets what lay there
}

// current reports whether the open file is still the one that its path names.
func (f *file) current() bool {
	if f.f == nil {
		return false
	}
	var st unix.Stat_t
	return unix.Stat(f.path, &st) == nil && st.Dev == f.dev && st.Ino == f.ino
}

// deleted reports whether no path leads to the open file any more.
func (f *file) deleted() bool {
	st, err := f.f.Stat()
	return err == nil && st.Sys().(*syscall.Stat_t).Nlink == 0
}

// reopen opens the file that the path names now, or makes it and the folders it is in.
func (f *file) reopen(s *FileSink) error {
	f.close()
	at, err := find(f.path, s.makeFolderAt)
	if err != nil {
		return err
	}
	defer at.close()
	f.f, err = at.open(f.path, 0)
	switch {
	case err == nil:
		var torn bool
		if torn, err = endLine(f.f); torn {
			s.torn.Add(1)
		}
	case errors.Is(err, fs.ErrNotExist):
		err = f.create(s, at)
	}
	if err != nil {
		f.close()
		return err
	}
	st, err := f.f.Stat() // not Fd, which would have writes to a FIFO block
	if err != nil {
		f.close()
		return err
	}
	sys := st.Sys().(*syscall.Stat_t)
	f.dev, f.ino, f.regular = uint64(sys.Dev), sys.Ino, st.Mode().IsRegular()
	if s.rotator != nil {
		s.rotator.opened(f)
	}
	return nil
}

// create makes the file. Owner and mode are given only to what we have made ourselves.
func (f *file) create(s *FileSink, at place) (err error) {
	f.f, err = at.open(f.path, unix.O_CREAT|unix.O_EXCL)
	if errors.Is(err, fs.ErrExist) { // somebody else was quicker
		f.f, err = at.open(f.path, 0)
		return err
	}
	if err != nil {
		return err
	}
	if err = s.own(f.f, s.options.Mode); err != nil {
		unix.Unlinkat(at.folder, at.name, 0) // else the next try finds it, and takes it for somebody's who wants it so
	}
	return err
}

// own gives what we have just made its owner and exactly the mode that was asked for, whatever the umask. The mode comes
// last: a change of owner takes setuid and setgid bits away.
func (s *FileSink) own(f *os.File, mode fs.FileMode) error {
	if s.uid >= 0 || s.gid >= 0 {
		if err := f.Chown(s.uid, s.gid); err != nil {
			return err
		}
	}
	return f.Chmod(mode)
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

func userID(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupID(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

// lookupID is the number of a user or group, given as name or number; -1 for none.
func lookupID(name string, lookup func(string) (string, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return n, nil
	}
	id, err := lookup(name)
	if err != nil {
		return -1, err
	}
	return strconv.Atoi(id)
}
