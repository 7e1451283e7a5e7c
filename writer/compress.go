package writer

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// chunk is how much is compressed between two looks at whether to stop.
const chunk = 64 << 10

// compress puts a compressed file in the place of an old one. It is written under a name that ends in .partial, with
// owner, mode and time of the old one, and gets its own name, and the old one goes, when it is whole and on the disk: a
// crash leaves the old one, or both. If lines came meanwhile, the next sweep tries again.
func (j *janitor) compress(ctx context.Context, o old, c Compression) error {
	at, err := j.pattern.open(o.folder)
	if err != nil {
		return j.fault("compress", o, err)
	}
	defer at.Close()
	in, err := hold(at, o)
	if err != nil {
		return j.fault("compress", o, err)
	}
	defer in.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(in.Fd()), &st); err != nil || st.Nlink > 1 { // it may be somebody's who wants it as it is
		return j.fault("compress", o, err)
	}
	ext := extensions[c]
	temporary := o.name + ext + partial
	out, err := makePartial(at, temporary)
	if err != nil {
		return j.fault("compress", o, err)
	}
	defer out.Close()
	n, err := pack(out, untilDone{ctx, in}, c)
	if err == nil {
		err = likeness(out, &st)
	}
	if err == nil {
		err = j.exchange(at, o, in, n, temporary, ext)
	}
	if err != nil {
		unix.Unlinkat(at.fd(), temporary, 0)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return j.fault("compress", o, err)
}

// makePartial makes the file that is written to. What has its name is a crash's, or not there for a good reason; of a link
// the link itself goes.
func makePartial(at folder, name string) (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(at.fd(), name, flags, 0o600)
	if err == unix.EEXIST && unix.Unlinkat(at.fd(), name, 0) == nil {
		fd, err = unix.Openat(at.fd(), name, flags, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// pack compresses in to out and waits for the disk. It returns how much it read.
func pack(out io.Writer, in io.Reader, c Compression) (n int64, err error) {
	var w io.WriteCloser
	if c == Gzip {
		w = gzip.NewWriter(out)
	} else {
		w, err = zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
		if err != nil {
			return 0, err
		}
	}
	n, err = io.CopyBuffer(struct{ io.Writer }{w}, in, make([]byte, chunk))
	return n, errors.Join(err, w.Close())
}

// unpack reads what pack wrote.
func unpack(in io.Reader, ext string) (io.ReadCloser, error) {
	if ext == extensions[Gzip] {
		return gzip.NewReader(in)
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// likeness gives f owner, mode and time of the file that it stands for, and waits for the disk.
func likeness(f *os.File, st *unix.Stat_t) error {
	fd := int(f.Fd())
	var have unix.Stat_t
	if err := unix.Fstat(fd, &have); err != nil {
		return err
	}
	if have.Uid != st.Uid || have.Gid != st.Gid {
		if err := unix.Fchown(fd, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, st.Mode&0o777); err != nil {
		return err
	}
	when := time.Unix(st.Mtim.Unix())
	times := []unix.Timeval{unix.NsecToTimeval(when.UnixNano()), unix.NsecToTimeval(when.UnixNano())}
	if err := unix.Futimes(fd, times); err != nil {
		return err
	}
	return unix.Fsync(fd)
}

// exchange gives the compressed file its name, and removes the one that it was made of. That may have been moved on
// meanwhile, by us or by logrotate: then the other is moved with it.
func (j *janitor) exchange(at folder, o old, in *os.File, read int64, temporary, ext string) error {
	j.rotator.mu.Lock()
	defer j.rotator.mu.Unlock()
	if st, err := in.Stat(); err != nil || st.Size() != read {
		return errMoved
	}
	name := o.name
	if !isAt(at, name, o.inode) {
		if name = whereIs(at, o.inode); name == "" {
			return errMoved
		}
	}
	if err := renameAt(at.fd(), temporary, name+ext); err != nil {
		return err
	}
	return unix.Unlinkat(at.fd(), name, 0) // the blocks are given back when in is closed
}

// whereIs is the name of the old file of that inode; empty if it is gone.
func whereIs(at folder, inode uint64) string {
	again, err := openFolder(at.fd(), ".")
	if err != nil {
		return ""
	}
	defer again.Close()
	names, err := again.Readdirnames(-1)
	if err != nil {
		return ""
	}
	for _, name := range names {
		if _, t, ok := cutTail(name); ok && t.ext == "" && isAt(at, name, inode) {
			return name
		}
	}
	return ""
}
