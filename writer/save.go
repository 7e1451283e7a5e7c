package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"sluice/writer/spool"
)

// A rester is a sink that may have written a part of a block.
type rester interface {
	// Rest is what is left of b, which the last Write did not finish: nil if nothing is.
	Rest(b *Block) *Block
}

// OpenSpool opens the queue's spool in dir. A queue without one uses dir only to save what it still holds when it ends,
// and to give it back when it begins again; the folder is made when that is needed. Call it before Run.
func (q *Queue) OpenSpool(dir string, log *slog.Logger) error {
	s := &spooler{queue: q, log: log, dir: dir, appends: q.options.Spool > 0, rested: make(chan struct{}), sleeper: newSleeper()}
	if _, err := os.Stat(dir); err == nil || s.appends {
		if err := s.open(); err != nil {
			return err
		}
		s.on = !s.disk.Load().Empty()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	q.spool = s
	return nil
}

// SpoolBytes is how much waits in the spool.
func (q *Queue) SpoolBytes() int64 {
	if q.spool != nil {
		if disk := q.spool.disk.Load(); disk != nil {
			return disk.Bytes()
		}
	}
	return 0
}

func (s *spooler) open() error {
	disk, err := spool.Open(s.dir, s.queue.options.disk(), s.log)
	s.disk.Store(disk)
	return err
}

// disk is how much a spool may hold: what is in memory at the end has to have room, too.
func (o QueueOptions) disk() spool.Options {
	return spool.Options{Size: o.Spool + 2*o.Memory, Fsync: o.Fsync}
}

// save puts what is only in memory behind what is in the spool, for the next run.
func (q *Queue) save(log *slog.Logger, sink Sink) {
	if q.spool == nil {
		return
	}
	q.hands.Lock()
	defer q.hands.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock() // nobody waits for it any more
	s, messages := q.spool, 0
	defer s.close()
	for b := range q.unspooled {
		if s.disk.Load() == nil {
			if err := s.open(); err != nil {
				log.Error("cannot save what is left for the next run", "error", err)
				return
			}
		}
		rest := b
		if sink, ok := sink.(rester); ok && b == q.inHand {
			rest = sink.Rest(b)
		}
		if rest != nil {
			if err := s.disk.Load().Append(rest.record()); err != nil {
				log.Error("cannot save what is left for the next run", "error", err)
				return
			}
			messages += rest.Count()
		}
		b.spooled = true
	}
	if messages > 0 {
		log.Info("saved what is left for the next run", "messages", messages)
	}
}

// close ends the spool. The folder of one that is there only to save what was left goes when it is empty.
func (s *spooler) close() {
	disk := s.disk.Load()
	if disk == nil {
		return
	}
	err := disk.Close()
	if err == nil && disk.Empty() && !s.appends {
		err = spool.Remove(s.dir)
	}
	if err != nil {
		s.log.Error("closing the spool", "error", err)
	}
}

// closeSpool closes the spool of a target that was not Run.
func (q *Queue) closeSpool() {
	if q.spool != nil {
		q.spool.close()
	}
}

// releaseAll forgets what was kept: all of it has arrived.
func (q *Queue) releaseAll() {
	n := 0
	for range q.sent.all {
		n++
	}
	q.release(n)
}
