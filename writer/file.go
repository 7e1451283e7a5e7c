package writer

import (
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
// at once, so that a path that cannot be opened is known before anything listens. A full disk is none of that: it may have
// room later, and whoever was killed on it must come up again.
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
	for _, later := range []error{unix.ENXIO, unix.ENOSPC, unix.EDQUOT} { // ENXIO: a FIFO that nobody reads yet
		if errors.Is(err, later) {
			err = nil
		}
	}
	return s, err
}

// Write appends b to its files, each in one write unless the kernel cuts it short.
func (s *FileSink) Write(b *Block) error {
	if s.many != nil {
		return s.many.write(b)
	}
	return s.fixed.write(s, b.Text, b.Ends)
}

// Rest is what is left of b, of which the last Write has written a part: the messages that are not whole in their file.
func (s *FileSink) Rest(b *Block) *Block {
	if s.many != nil {
		return s.many.rest(b)
	}
	return b.behind(s.fixed.done)
}

// Reopen closes every file that owes nothing of a write: the next write opens it anew.
func (s *FileSink) Reopen() {
	if s.many == nil {
		if s.fixed.done == 0 {
			_ = s.fixed.close()
		}
		return
	}
	for e := s.many.opened.Front(); e != nil; {
		f := e.Value.(*file)
		if e = e.Next(); f.done == 0 {
			s.many.shut(f)
		}
	}
}

// Close closes every file.
func (s *FileSink) Close() error {
	if s.rotator != nil {
		s.rotator.janitor.stop()
	}
	if s.many != nil {
		return s.many.close()
	}
	return s.fixed.close()
}

// A file is one file that is appended to.
type file struct {
	path     string
	looker   looker
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

	stretches []stretch // fsync: where the text in hand was put
	doubt     bool      // fsync: the disk may not have them, though the kernel says so

	length       int64     // before the write in hand
	begins, ends time.Time // to rotate: the period of its content
	again        time.Time // likewise: when to try it again after a fault
}

// patience is how long a FIFO whose reader is slow may keep us in one write: Run has to see that it is told to leave.
const patience = time.Second

// write appends text. After an error the same text must be given again. A write that was cut short is finished on the
// same descriptor; only between texts is the path looked at, and the file opened anew if it leads elsewhere.
//
// Ends are those of the messages in it; nil where each line is one.
func (f *file) write(s *FileSink, text []byte, ends []uint32) error {
	if s.rotator != nil {
		s.rotator.mu.Lock()
		defer s.rotator.mu.Unlock()
	}
	if f.done > 0 && f.deleted() { // with all that was written; and holding on to it would keep a full disk full
		f.done = 0
	}
	if f.done == 0 {
		f.stretches, f.doubt = f.stretches[:0], false
		if err := f.turn(s, len(text)); err != nil {
			return err
		}
	} else if f.f == nil { // a FIFO whose reader went away in the middle
		if err := f.reopen(s); err != nil {
			return err
		}
	}
	if !f.regular {
		f.f.SetWriteDeadline(time.Now().Add(patience)) // the error of a device that knows no deadline says just that
	}
	for f.done < len(text) {
		n, err := f.f.Write(text[f.done:])
		f.done += n
		if s.options.Fsync && f.regular {
			f.noteStretch(n)
		}
		if err != nil {
			if !f.regular && errors.Is(err, unix.EPIPE) {
				f.rewind(text, ends)
			}
			return err
		}
	}
	if s.options.Fsync && f.regular {
		if err := f.sync(text); err != nil {
			return err
		}
	}
	f.done = 0
	return nil
}

// turn sees to it that the open file is the one that the path names, and a new one if more bytes are not for this one.
func (f *file) turn(s *FileSink, more int) error {
	for {
		if !f.current() {
			if err := f.reopen(s); err != nil {
				return err
			}
		}
		if s.rotator == nil || !s.rotator.due(f, more) {
			return nil
		}
		if s.rotator.rotate(f); f.f != nil {
			return nil
		}
	}
}

// current reports whether the open file is still the one that its path names, as far as we may know, and notes its length.
func (f *file) current() bool {
	if f.f == nil {
		return false
	}
	st, err := f.looker.look(f.path)
	if err == unix.EACCES {
		// Root was given up, say. Where nobody may look, the open file is the best that is known.
		info, err := f.f.Stat()
		if err != nil || f.deleted() {
			return false
		}
		f.length = info.Size()
		return true
	} else if err != nil || st.dev != f.dev || st.ino != f.ino {
		return false
	}
	f.length = st.size
	return true
}

// deleted reports whether no path leads to the open file any more.
func (f *file) deleted() bool {
	st, err := f.f.Stat()
	return err == nil && st.Sys().(*syscall.Stat_t).Nlink == 0
}

// reopen is open for writing.
func (f *file) reopen(s *FileSink) error { return f.open(s, true) }

// open opens the file that the path names now, or, if create is set, makes it and the folders it is in.
func (f *file) open(s *FileSink, create bool) error {
	f.close()
	makeFolder := s.makeFolderAt
	if !create {
		makeFolder = nil
	}
	at, err := find(f.path, makeFolder)
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
	case errors.Is(err, fs.ErrNotExist) && create:
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
	f.length, f.begins, f.ends = st.Size(), time.Time{}, time.Time{}
	if s.rotator != nil {
		f.notePeriod(s.rotator, st.ModTime())
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
