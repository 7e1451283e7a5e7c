package writer

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A rotator moves the files of a sink away when their time has come. It works between two blocks, on the sink's own
// goroutine, so however many senders there are, each of their lines is in one file and whole. What becomes of the old
// files is the janitor's business.
//
// By time a file is called after the period that ended, x.log.2026-11-20, and with a number behind that if there is one
// already; by size x.log.1 is the newest, x.log.2 the one before. Each step is one rename that replaces nothing, so a
// crash between two of them leaves at worst a gap, which the next rotation closes.
type rotator struct {
	Rotation
	zone    *time.Location
	log     *slog.Logger
	now     func() time.Time
	janitor *janitor
	since   time.Time // when it began: what happened in a period that began earlier it has to look up

	mu      sync.Mutex           // held for each write and each change of names, by the sink or the janitor
	numbers map[string]numbering // of files that were rotated in the period by size
	ended   time.Time            // when the period ends that the last Tick was in
	failed  error                // said, and not over
}

// A numbering is the last number that was given to a file in a period.
type numbering struct {
	stamp string
	last  int
}

// How long to wait after a rotation that failed.
const rotateAgain = time.Minute

// UseRotation has the sink rotate its files, whose path, with its fields, this is. It is called before the first Write; Check
// must have found nothing.
func (s *FileSink) UseRotation(path string, zone *time.Location, log *slog.Logger) error {
	r := &rotator{Rotation: s.options.Rotate, zone: zone, log: log, now: s.now, numbers: map[string]numbering{}}
	if s.fixed != nil {
		if s.fixed.f != nil && !s.fixed.regular {
			if r.moves() {
				log.Info("rotate has no effect: not a regular file", "path", path)
			}
			return nil
		}
		path = resolved(path)
	}
	p, err := newPattern(path, zone)
	if err != nil {
		return err
	}
	if p.dated != Never {
		r.Every = Never
	}
	if !r.moves() && p.dated == Never {
		return nil
	}
	r.since = s.now()
	r.janitor = newJanitor(r, p)
	s.rotator = r
	if s.fixed != nil && s.fixed.f != nil {
		return s.fixed.reopen(s) // now it is looked at for its period
	}
	return nil
}

// resolved is where links lead that a path goes through, the last one too: there the old files are.
func resolved(path string) string {
	at, err := find(path, nil)
	if err != nil || at.folder == unix.AT_FDCWD {
		return path
	}
	defer at.close()
	dir, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(at.folder))
	if err != nil {
		return path
	}
	return escapeBraces(dir + "/" + at.name)
}

// escapeBraces keeps a path without fields from having any.
func escapeBraces(path string) string {
	var b []byte
	for i := range len(path) {
		if b = append(b, path[i]); path[i] == '{' || path[i] == '}' {
			b = append(b, path[i])
		}
	}
	return string(b)
}

// notePeriod finds out which period the content of a file that was just opened belongs to: that of its last write. So one
// that was left from yesterday is rotated before today's first line.
func (f *file) notePeriod(r *rotator, wrote time.Time) {
	if f.length == 0 || r.Every == Never {
		return
	}
	if now := r.now(); wrote.After(now) { // the clock was wrong once
		wrote = now
	}
	f.begins, f.ends = r.Every.bounds(wrote, r.zone)
}

// due reports whether f must be moved away before so many bytes more are written to it; none: before it is left alone.
func (r *rotator) due(f *file, more int) bool {
	if !f.regular {
		return false
	}
	if r.Every == Never {
		return f.length > 0 && r.Size > 0 && more > 0 && f.length+int64(more) > r.Size && !r.waits(f)
	}
	now := r.now()
	if f.length == 0 { // so this is its first write
		if !now.Before(f.ends) || now.Before(f.begins) {
			f.begins, f.ends = r.Every.bounds(now, r.zone)
		}
		return false
	}
	full := r.Size > 0 && more > 0 && f.length+int64(more) > r.Size
	return (full || !now.Before(f.ends)) && !r.waits(f)
}

// waits reports whether the last try failed too short a time ago.
func (r *rotator) waits(f *file) bool { return !f.again.IsZero() && r.now().Before(f.again) }

// rotate moves f away and closes it. If that fails, f goes on as it is for a while.
func (r *rotator) rotate(f *file) {
	err := r.moveAway(f)
	r.say(err)
	if err != nil {
		f.again = r.now().Add(rotateAgain)
		return
	}
	f.again = time.Time{}
	f.close()
	r.janitor.rouse()
}

// say tells the log of a fault once, and when it is over.
func (r *rotator) say(err error) {
	switch {
	case err != nil && r.failed == nil:
		r.log.Error("cannot rotate, writing on", "error", err)
	case err == nil && r.failed != nil:
		r.log.Info("rotating again")
	}
	r.failed = err
}

func (r *rotator) moveAway(f *file) error {
	at, err := find(f.path, nil)
	if err != nil {
		return fmt.Errorf("rotate %s: %w", f.path, err)
	}
	defer at.close()
	var st unix.Stat_t
	if unix.Fstatat(at.folder, at.name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Dev != f.dev || st.Ino != f.ino {
		return nil // somebody else was quicker: there is a new file, or none
	}
	if r.Every != Never {
		err = r.toStamp(at, f)
	} else {
		err = r.toNumber(at)
	}
	if err != nil {
		return fmt.Errorf("rotate %s: %w", f.path, err)
	}
	return nil
}

// tick rotates what has got no line since its time came, and has the janitor look after the rest.
func (r *rotator) tick(s *FileSink) (more bool) {
	r.janitor.start()
	if r.Every == Never {
		return false
	}
	now := r.now()
	ended := !now.Before(r.ended)
	if ended {
		_, r.ended = r.Every.bounds(now, r.zone)
		clear(r.numbers)
	}
	if s.fixed != nil {
		if r.quiet(s.fixed) {
			s.fixed.reopen(s) // who follows the path wants a file there; an error is the next block's
		}
		return true
	}
	if ended {
		r.janitor.rouse() // it finds those that are closed
		for e := s.many.opened.Front(); e != nil; {
			f := e.Value.(*file)
			if e = e.Next(); r.quiet(f) {
				s.many.shut(f)
			}
		}
	}
	for _, path := range r.janitor.takeQuiet() {
		f := s.many.known[path]
		if f == nil {
			f = &file{path: path}
		}
		if f.f == nil {
			s.many.makeRoom()
			if f.open(s, false) != nil {
				continue
			}
			s.many.place(f)
		}
		if r.quiet(f) {
			s.many.shut(f)
		}
	}
	return true
}

// quiet rotates a file that nobody writes to if its time has come, and reports whether it did.
func (r *rotator) quiet(f *file) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.f == nil || f.done > 0 || !f.current() || !r.due(f, 0) {
		return false
	}
	r.rotate(f)
	return f.f == nil
}
