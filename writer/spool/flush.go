package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// cursorEvery is how far behind the cursor's file may be.
const cursorEvery = time.Second

// A flusher knows what has to come to the disk, and when. Spool.mu guards it, but for the goroutine's own channels.
type flusher struct {
	unsynced  []*os.File // segments that are written and not synced; closed when they are
	dataDue   time.Time  // when out and unsynced have to be; zero: they are
	cursorDue time.Time
	created   bool // a segment since the folder was synced
	unlinked  bool

	dataFault, cursorFault fault

	running      sync.Mutex // held for the whole of a flush, before Spool.mu
	wake         chan struct{}
	quit, exited chan struct{}
}

// cursor notes that the cursor has moved.
func (f *flusher) cursor() {
	if f.cursorDue.IsZero() {
		f.cursorDue = time.Now().Add(cursorEvery)
		f.rouse()
	}
}

// rouse tells the goroutine that something is due that was not.
func (f *flusher) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// A fault is that the disk does not take something. It is said once until it does again.
type fault struct{ said bool }

func (f *fault) note(log *slog.Logger, what string, err error) {
	switch {
	case err != nil && !f.said:
		log.Error(what+" cannot be brought to the disk", "error", err)
	case err == nil && f.said:
		log.Info(what + " is brought to the disk again")
	}
	f.said = err != nil
}

// now syncs the segment that is appended to.
func (f *flusher) now(s *Spool) error {
	if err := fdatasync(int(s.file.Fd())); err != nil {
		return &os.PathError{Op: "fdatasync", Path: s.file.Name(), Err: err}
	}
	if !f.created {
		return nil
	}
	if err := syncFolder(s.dir); err != nil {
		return err
	}
	f.created = false
	return nil
}

// start starts the goroutine; stop ends it.
func (s *Spool) start() {
	f := &s.flusher
	f.wake, f.quit, f.exited = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	var left []uint64
	for _, seg := range s.segments {
		left = append(left, seg.number)
	}
	go s.run(left)
}

func (s *Spool) stop() {
	close(s.flusher.quit)
	<-s.flusher.exited
}

// run flushes when something is due. First it syncs the segments that were left, as the process that wrote them may have
// been killed before it did.
func (s *Spool) run(left []uint64) {
	defer close(s.flusher.exited)
	for _, number := range left {
		select {
		case <-s.flusher.quit:
			return
		default:
		}
		if f, err := openFile(s.dir, name(number), os.O_RDONLY); err == nil { // else it is delivered meanwhile
			datasync(f)
			f.Close()
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.flusher.wake:
		case <-timer.C:
			s.flush(false)
		case <-s.flusher.quit:
			return
		}
		s.mu.Lock()
		due := s.flusher.due()
		s.mu.Unlock()
		if !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// due is when the next flush is.
func (f *flusher) due() time.Time {
	if f.cursorDue.IsZero() || !f.dataDue.IsZero() && f.dataDue.Before(f.cursorDue) {
		return f.dataDue
	}
	return f.cursorDue
}

// Sync brings to the disk what was appended and how much was released.
func (s *Spool) Sync() error {
	if err := s.flush(true); err != nil {
		return fmt.Errorf("spool %s: %w", s.dir, err)
	}
	return nil
}

// flush does what is due, or all there is. Others can use the spool while the disk is waited for.
func (s *Spool) flush(all bool) error {
	f := &s.flusher
	f.running.Lock()
	defer f.running.Unlock()

	s.mu.Lock()
	now := time.Now()
	isDue := func(t time.Time) bool { return !t.IsZero() && (all || !t.After(now)) }
	var cursorErr, err error
	cursor := all || isDue(f.cursorDue)
	if isDue(f.cursorDue) {
		if s.out != nil && s.out.done == s.out.end {
			s.settle(true) // so that a spool which is empty takes no room
		}
		cursorErr = s.writeCursor(false)
	}
	var files []*os.File
	var closing int
	if isDue(f.dataDue) || len(f.unsynced) >= maxUnsynced {
		files, closing = append(files, f.unsynced...), len(f.unsynced)
		f.unsynced = f.unsynced[:0]
		if s.file != nil {
			files = append(files, s.file)
		}
		f.dataDue = time.Time{}
	}
	folder := (f.created || f.unlinked) && (all || files != nil)
	if folder {
		f.created, f.unlinked = false, false
	}
	s.mu.Unlock()

	for i, file := range files {
		err = errors.Join(err, datasync(file))
		if i < closing {
			file.Close()
		}
	}
	if cursor {
		cursorErr = errors.Join(cursorErr, datasync(s.cursor.file))
	}
	if folder {
		err = errors.Join(err, syncFolder(s.dir))
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if files != nil || folder {
		f.dataFault.note(s.log, "the spool", err)
	}
	if err != nil && f.dataDue.IsZero() { // for what is appended next; the kernel does not try again what it could not write
		f.dataDue = now.Add(max(s.options.Load().Fsync, cursorEvery))
		f.created = f.created || folder
		f.rouse()
	}
	return errors.Join(err, cursorErr)
}

// writeCursor writes the cursor, and syncs it if that is asked for. What fails is tried again when the cursor is due next.
func (s *Spool) writeCursor(sync bool) error {
	s.flusher.cursorDue = time.Time{}
	err := s.cursor.write()
	if err == nil && sync {
		err = datasync(s.cursor.file)
	}
	s.flusher.cursorFault.note(s.log, "the cursor", err)
	if err != nil {
		s.flusher.cursor()
	}
	return err
}

// syncFolder makes sure that files which were created in the folder are found there after a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
