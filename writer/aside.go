package writer

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// A fault of one path of many (a folder of that name, a link that somebody planted) must not stop the others: what goes
// there is laid aside and tried again beside them, and shed when that has not helped for a while.
const (
	asideFor = time.Minute
	asideTry = time.Second // between tries
	asideMax = 1 << 20     // bytes of all paths together; what comes on top is shed at once
)

// pathFaults are the errors that belong to a path, and not to the disk that all paths share.
var pathFaults = []error{
	unix.ENOENT, unix.ENAMETOOLONG, unix.EISDIR, unix.ENOTDIR, unix.ELOOP, unix.EACCES, unix.EPERM, unix.ENXIO, unix.EINVAL, errLink, errHardLink, errOwing,
}

// errOwing is said of a path that owes something from earlier blocks.
var errOwing = errors.New("earlier messages have not been written yet")

func isPathFault(err error) bool {
	for _, fault := range pathFaults {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// aside is what a path owes.
type aside struct {
	text  []byte
	count int // messages
	since time.Time
}

// layAside takes what f could not be given.
func (fs *files) layAside(f *file, err error) {
	if err != errOwing {
		fs.sink.fault.Store(&err)
	}
	if f.aside.count == 0 {
		f.aside.since = time.Now()
		fs.owing = append(fs.owing, f)
	}
	if fs.aside+len(f.part) > asideMax {
		fs.sink.shed.Add(uint64(f.count))
	} else {
		f.aside.text = append(f.aside.text, f.part...)
		f.aside.count += f.count
		fs.aside += len(f.part)
	}
}

// settle tries to write what is laid aside, and sheds what has lain too long; all of it if last is set.
func (fs *files) settle(last bool) {
	left := fs.owing[:0]
	for _, f := range fs.owing {
		if f.f == nil {
			fs.makeRoom()
		}
		err := f.write(fs.sink, f.aside.text, nil)
		fs.place(f)
		if err != nil && !last && time.Since(f.aside.since) < asideFor {
			left = append(left, f)
			continue
		}
		if err != nil {
			fs.sink.shed.Add(uint64(f.aside.count))
			f.done = 0
		}
		fs.aside -= len(f.aside.text)
		f.aside = aside{}
		if f.f == nil {
			delete(fs.known, f.path)
		}
	}
	clear(fs.owing[len(left):])
	fs.owing = left
}

// Tick tries what is laid aside, closes files that are idle, and rotates those that are quiet when their time has come.
// It reports whether there is more of either.
func (s *FileSink) Tick() bool {
	more := s.rotator != nil && s.rotator.tick(s)
	if s.many == nil {
		return more
	}
	if now := time.Now(); now.Sub(s.many.tried) >= asideTry {
		s.many.tried, s.many.now = now, now
		s.many.settle(false)
		s.many.closeIdle(now)
	}
	return len(s.many.owing) > 0 || s.many.opened.Len() > 0
}

// Shed is how many messages were given up because their own path could not be written to, and Fault the last reason.
func (s *FileSink) Shed() (messages uint64, fault error) {
	if e := s.fault.Load(); e != nil {
		fault = *e
	}
	return s.shed.Load(), fault
}
