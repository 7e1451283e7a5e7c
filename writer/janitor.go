package writer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// A janitor compresses files that were laid aside and deletes those that need not be kept. It works in a thread of its
// own that yields to all others. What a crash left half done it finds when it looks next.
type janitor struct {
	rotator *rotator
	pattern *pattern
	wake    chan struct{}
	ctx     context.Context
	quit    context.CancelFunc
	working sync.WaitGroup
}

// sweepEvery is how often the janitor looks by itself: a path with a date ages without being rotated.
const sweepEvery = time.Hour

func newJanitor(r *rotator, p *pattern) *janitor {
	j := &janitor{rotator: r, pattern: p, wake: make(chan struct{}, 1)}
	j.ctx, j.quit = context.WithCancel(context.Background())
	j.rouse()
	j.working.Go(j.run)
	return j
}

// rouse makes the janitor look.
func (j *janitor) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// close ends the janitor. A compression under way is given up, and taken up by the next run.
func (j *janitor) close() {
	j.quit()
	j.working.Wait()
}

func (j *janitor) run() {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine, and its priority with it
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.wake:
		case <-tick.C:
		case <-j.ctx.Done():
			return
		}
		j.sweep()
	}
}

func (j *janitor) sweep() {
	var files []found
	for _, f := range j.pattern.walk() {
		switch {
		case f.left:
			j.do("deleting what was left of a compression", f.path, f.remove)
		case f.rotated || j.pattern.dated:
			files = append(files, f)
		}
	}
	for _, f := range j.old(files) {
		j.do("deleting an old file", f.path, f.remove)
	}
	if j.rotator.options.Compress == CompressNone {
		return
	}
	for _, f := range files {
		if f.rotated && !f.packed && j.ctx.Err() == nil {
			j.do("compressing", f.path, func() error { return j.compress(f.path) })
		}
	}
}

// do says what does not succeed. A file that is gone has been dealt with.
func (j *janitor) do(what, path string, work func() error) {
	err := work()
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, context.Canceled) {
		return
	}
	j.rotator.log.Error(what, "path", path, "error", err)
}

// old are those of the files that need not be kept: too many of their path, too old, or too much. The newest file of a
// path that changes with the date is being written to, and stays.
func (j *janitor) old(files []found) (old []found) {
	o := j.rotator.options
	if !o.prunes() {
		return nil
	}
	slices.SortFunc(files, func(a, b found) int {
		return cmp.Or(b.written.Compare(a.written), cmp.Compare(a.path, b.path))
	})
	count, total, now := map[string]int{}, int64(0), j.rotator.now()
	for _, f := range files {
		n := count[f.family]
		count[f.family]++
		if j.pattern.dated {
			if n--; n < 0 {
				continue
			}
		}
		total += f.size
		if o.Keep.Files > 0 && n >= o.Keep.Files || o.Keep.Age > 0 && now.Sub(f.written) > o.Keep.Age || o.MaxTotal > 0 && total > o.MaxTotal {
			old = append(old, f)
		}
	}
	return old
}

// compress puts a compressed file in the place of one that was laid aside. The new one is complete, and on the disk,
// before it gets its name; until then the old one is what counts.
func (j *janitor) compress(path string) (err error) {
	at, err := find(path, nil)
	if err != nil {
		return err
	}
	defer at.close()
	from, err := at.openRead(path)
	if err != nil {
		return err
	}
	defer from.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(from.Fd()), &st); err != nil {
		return err
	}
	ext := extensions[j.rotator.options.Compress]
	temporary := place{at.folder, at.name + ext + ".tmp"}
	to, err := temporary.create(path+ext, &st)
	if err != nil {
		return err
	}
	defer to.Close()
	if err = j.pack(to, from); err == nil {
		err = to.Sync()
	}
	if err == nil {
		err = to.Chmod(fs.FileMode(st.Mode & 0o7777))
	}
	if err == nil { // its age is that of what it holds
		err = unix.UtimesNanoAt(at.folder, temporary.name, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		err = j.replace(at, temporary.name, ext, &st)
	}
	if err != nil {
		unix.Unlinkat(at.folder, temporary.name, 0)
	}
	return err
}

// replace gives the compressed file the name of the one it was made of, which may have changed meanwhile: x.1 may be x.2.
func (j *janitor) replace(at place, temporary, ext string, of *unix.Stat_t) error {
	j.rotator.names.Lock()
	defer j.rotator.names.Unlock()
	is := func(name string) bool {
		var st unix.Stat_t
		return unix.Fstatat(at.folder, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Ino == of.Ino && st.Dev == of.Dev
	}
	name := at.name
	if !is(name) {
		names, err := entries(at)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(names, is)
		if i < 0 {
			return fs.ErrNotExist // somebody has deleted it
		}
		name = names[i]
	}
	if err := renameNew(at, temporary, name+ext); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		unix.Unlinkat(at.folder, temporary, 0) // a crash came between the rename and this
	}
	return unix.Unlinkat(at.folder, name, 0)
}

// pack compresses from into to, and gives up when the janitor has to end.
func (j *janitor) pack(to io.Writer, from io.Reader) error {
	var w io.WriteCloser
	if j.rotator.options.Compress == CompressGzip {
		w = gzip.NewWriter(to)
	} else {
		z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		w = z
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := from.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return w.Close()
		}
		if err = errors.Join(err, j.ctx.Err()); err != nil {
			return err
		}
	}
}

// openRead opens a regular file that is no link.
func (p place) openRead(path string) (*os.File, error) {
	fd, err := unix.Openat(p.folder, p.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.Join(err, unix.EINVAL)}
	}
	return f, nil
}

// create makes a file that nobody else has, of the same owner as st; its mode is nobody's business yet.
func (p place) create(path string, st *unix.Stat_t) (*os.File, error) {
	fd, err := unix.Openat(p.folder, p.name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil && os.Geteuid() == 0 {
		f.Close()
		unix.Unlinkat(p.folder, p.name, 0)
		return nil, err
	}
	return f, nil
}

// remove deletes a regular file.
func (p place) remove(path string) error {
	var st unix.Stat_t
	err := unix.Fstatat(p.folder, p.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.EINVAL
	}
	if err == nil {
		err = unix.Unlinkat(p.folder, p.name, 0)
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}
