package writer

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A janitor looks after the old files of a target on a goroutine of its own, at the lowest priority: it tidies up after a
// crash, removes what need not be kept, and compresses the rest. It finds them by looking, each time anew, so it needs no
// memory of its own to go on where another process was killed.
type janitor struct {
	rotator *rotator
	pattern *pattern
	nap     func(ctx context.Context, wake <-chan struct{}, d time.Duration) bool // until there is something to do
	wake    chan struct{}
	cancel  context.CancelFunc // nil: not started
	done    chan struct{}
	failed  string // said, and not over

	mu  sync.Mutex
	due []string // files whose time has come and which may be closed
}

// How often a janitor looks although nothing was rotated: files grow old.
const (
	sweepEvery = time.Hour
	sweepAgain = time.Minute // after a fault
)

func newJanitor(r *rotator, p *pattern) *janitor {
	return &janitor{rotator: r, pattern: p, nap: nap, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// start starts the goroutine unless it runs; stop ends it and waits.
func (j *janitor) start() {
	if j.cancel != nil {
		return
	}
	var ctx context.Context
	ctx, j.cancel = context.WithCancel(context.Background())
	go j.run(ctx)
}

func (j *janitor) stop() {
	if j.cancel != nil {
		j.cancel()
		<-j.done
	}
}

func (j *janitor) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// takeQuiet is the files whose time has come, as the last sweep found them.
func (j *janitor) takeQuiet() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	due := j.due
	j.due = nil
	return due
}

func (j *janitor) run(ctx context.Context) {
	defer close(j.done)
	runtime.LockOSThread() // for good: the thread ends with the goroutine, and its priority with it
	lowestPriority()
	for {
		err := j.sweep(ctx)
		if ctx.Err() != nil {
			return
		}
		j.say(err)
		d := sweepEvery
		if err != nil {
			d = sweepAgain
		}
		if !j.nap(ctx, j.wake, d) {
			return
		}
	}
}

func nap(ctx context.Context, wake <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// lowestPriority has this thread run when no other wants to, and wait for the disk behind all others.
func lowestPriority() {
	unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
	const self, bestEffortLast = 1, 2<<13 | 7
	unix.Syscall(unix.SYS_IOPRIO_SET, self, 0, bestEffortLast)
}

// say tells the log of a fault once, and when it is over.
func (j *janitor) say(err error) {
	switch {
	case err != nil && err.Error() != j.failed:
		j.rotator.log.Error("cannot keep the old files in order, trying again", "error", err)
		j.failed = err.Error()
	case err == nil && j.failed != "":
		j.rotator.log.Info("the old files are in order again")
		j.failed = ""
	}
}

// sweep looks at all files of the target once and does what is due.
func (j *janitor) sweep(ctx context.Context) error {
	now := j.rotator.now()
	all, err := j.pattern.walk(ctx, now)
	faults := []error{err}
	for _, o := range all.torn {
		faults = append(faults, j.remove(o))
	}
	j.findQuiet(all.live, now)
	olds, err := j.unpair(ctx, all.olds)
	faults = append(faults, err)
	kept, gone := expendable(olds, j.rotator.Rotation, now)
	for _, o := range gone {
		faults = append(faults, j.remove(o))
	}
	if c := j.rotator.Compress; c != NoCompression {
		for _, o := range kept {
			if o.ext == "" && ctx.Err() == nil {
				faults = append(faults, j.compress(ctx, o, c))
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(faults...)
}

// findQuiet notes which files were last written to in a period that is over.
func (j *janitor) findQuiet(live []old, now time.Time) {
	r := j.rotator
	if r.Every == Never || len(j.pattern.parts) == 0 {
		return
	}
	begins, _ := r.Every.bounds(now, r.zone)
	var due []string
	for _, o := range live {
		if o.size > 0 && o.wrote.Before(begins) {
			due = append(due, j.pattern.fullPath(o))
		}
	}
	j.mu.Lock()
	j.due = due
	j.mu.Unlock()
}

func (p *pattern) fullPath(o old) string {
	path := o.name
	if o.folder != "" {
		path = o.folder + "/" + path
	}
	return filepath.Join(p.root, path)
}

// expendable is which old files need not be kept: of each path those beyond its number or age, and of all together the
// oldest beyond the total.
func expendable(olds []old, r Rotation, now time.Time) (kept, gone []old) {
	if !r.removes() {
		return olds, nil
	}
	slices.SortStableFunc(olds, func(a, b old) int {
		if n := strings.Compare(a.path, b.path); n != 0 {
			return n
		}
		return newestFirst(a, b)
	})
	nth, total := 0, int64(0)
	for i, o := range olds {
		switch same := i > 0 && olds[i-1].path == o.path; {
		case !same:
			nth = 1
		case o.when.IsZero() || !o.when.Equal(olds[i-1].when) || o.number != olds[i-1].number: // a file counts once, compressed or not
			nth++
		}
		if r.Keep.Files > 0 && nth > r.Keep.Files || r.Keep.Age > 0 && now.Sub(o.age()) > r.Keep.Age {
			gone = append(gone, o)
			continue
		}
		kept = append(kept, o)
		total += o.size
	}
	if r.MaxTotal == 0 || total <= r.MaxTotal {
		return kept, gone
	}
	slices.SortStableFunc(kept, func(a, b old) int {
		if a.path == b.path {
			return newestFirst(b, a)
		}
		return a.age().Compare(b.age())
	})
	for total > r.MaxTotal {
		total -= kept[0].size
		kept, gone = kept[1:], append(gone, kept[0])
	}
	return kept, gone
}
