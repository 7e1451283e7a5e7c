package writer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// hold opens a file in a folder for reading, without following a link. It must be the one that was found there.
func hold(at folder, o old) (*os.File, error) {
	fd, err := unix.Openat(at.fd(), o.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: o.name, Err: err}
	}
	f := os.NewFile(uintptr(fd), o.name)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Ino != o.inode || st.Mode&unix.S_IFMT != unix.S_IFREG {
		f.Close()
		return nil, errMoved
	}
	return f, nil
}

// errMoved is the end of what was to be done with a file: the next sweep sees where it is now.
var errMoved = errors.New("was moved meanwhile")

// isAt reports whether name is the file of that inode still.
func isAt(at folder, name string, inode uint64) bool {
	var st unix.Stat_t
	return unix.Fstatat(at.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Ino == inode && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// remove removes an old file that is still where it was found. The blocks of a large one are given back while nobody
// waits for the lock: the descriptor holds them.
func (j *janitor) remove(o old) error {
	at, err := j.pattern.open(o.folder)
	if err != nil {
		return j.fault("remove", o, err)
	}
	defer at.Close()
	held, err := unix.Openat(at.fd(), o.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return j.fault("remove", o, err)
	}
	defer unix.Close(held)
	j.rotator.mu.Lock()
	defer j.rotator.mu.Unlock()
	if !isAt(at, o.name, o.inode) {
		return nil
	}
	return j.fault("remove", o, unix.Unlinkat(at.fd(), o.name, 0))
}

func (j *janitor) fault(what string, o old, err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errMoved) || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, j.pattern.fullPath(o), err)
}

// unpair finds files that are there both as they were and compressed: a crash came before the first was removed. It is
// removed if the other holds the same, and both are left out else.
func (j *janitor) unpair(ctx context.Context, olds []old) ([]old, error) {
	type key struct{ folder, name string }
	packed := map[key]old{}
	for _, o := range olds {
		if o.ext != "" {
			packed[key{o.folder, o.name[:len(o.name)-len(o.ext)]}] = o
		}
	}
	var left []old
	var faults []error
	for _, o := range olds {
		p, ok := packed[key{o.folder, o.name}]
		if !ok || o.ext != "" {
			left = append(left, o)
			continue
		}
		same, err := j.same(ctx, o, p)
		if err != nil {
			faults = append(faults, j.fault("compare", o, err))
		} else if same {
			faults = append(faults, j.remove(o))
		} else {
			faults = append(faults, j.fault("compress", o, fmt.Errorf("%s holds something else", p.name)))
		}
	}
	return left, errors.Join(faults...)
}

// same reports whether p holds o, compressed.
func (j *janitor) same(ctx context.Context, o, p old) (bool, error) {
	at, err := j.pattern.open(o.folder)
	if err != nil {
		return false, err
	}
	defer at.Close()
	plain, err := hold(at, o)
	if err != nil {
		return false, err
	}
	defer plain.Close()
	packed, err := hold(at, p)
	if err != nil {
		return false, err
	}
	defer packed.Close()
	unpacked, err := unpack(packed, p.ext)
	if err != nil {
		return false, nil
	}
	defer unpacked.Close()
	return sameText(untilDone{ctx, plain}, unpacked)
}

// sameText reports whether both hold the same. What cannot be read of b is not the same.
func sameText(a, b io.Reader) (bool, error) {
	x, y := bufio.NewReaderSize(a, chunk), bufio.NewReaderSize(b, chunk)
	var one, two [4096]byte
	for {
		n, err := io.ReadFull(x, one[:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, err
		}
		m, other := io.ReadFull(y, two[:])
		if n != m || !bytes.Equal(one[:n], two[:m]) || (err == nil) != (other == nil) {
			return false, nil
		}
		if err != nil {
			return other == io.EOF || other == io.ErrUnexpectedEOF, nil
		}
	}
}

// untilDone is a reader that ends with a context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
