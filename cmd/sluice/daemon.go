package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/ingest"
	"sluice/rules"
	"sluice/writer"
)

// A daemon is the flow on one page: inputs read and parse, the pipeline routes, targets write.
type daemon struct {
	log      *slog.Logger
	parts    parts
	flow     *pipeline
	internal *ingest.Internal // nil: our own log is no input
	control  *server          // nil: there is no socket for the commands
	http     *server          // nil: monitoring asks nothing
	started  time.Time
	usr1     <-chan os.Signal // asks for the counters; may be nil
	rates    sampler

	reloads, badReloads atomic.Uint64

	ended nameSet // inputs

	lock    *os.File
	waiting context.Context // of readers that wait for a full target
	release context.CancelFunc
}

// parts are what a configuration has become. Whoever looks at them gets them from the daemon, each time anew.
type parts struct {
	cfg     *Config
	inputs  []runner         // of cfg.Inputs
	targets []*writer.Target // of cfg.Targets
	rules   *rules.Set
}

func (d *daemon) config() *Config           { return d.parts.cfg }
func (d *daemon) inputs() []runner          { return d.parts.inputs }
func (d *daemon) targets() []*writer.Target { return d.parts.targets }
func (d *daemon) rules() *rules.Set         { return d.parts.rules }

// newDaemon opens everything that the configuration names: targets first, so that nothing is received that has nowhere
// to go. Whatever cannot be opened is in the error, and nothing stays open then.
func newDaemon(cfg *Config, log *slog.Logger) (*daemon, error) {
	d := &daemon{parts: parts{cfg: cfg}, log: log, started: time.Now()}
	d.log = d.hear()
	d.waiting, d.release = context.WithCancel(context.Background())
	if err := errors.Join(d.lockState(), d.openTargets()); err != nil {
		d.close()
		return nil, err
	}
	d.parts.rules = rules.NewSet(cfg.Rules, len(cfg.Targets))
	d.flow = newPipeline(d.waiting, d.rules(), d.targets())
	if err := errors.Join(d.openInputs(), d.openControl(), d.openHTTP()); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// lockState makes the state folder this daemon's alone: two would write the same spools.
func (d *daemon) lockState() error {
	dir := d.config().StateDir
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("state_dir: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("state_dir: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("state_dir %s: another sluice works with it; give this one a state_dir of its own", dir)
	}
	d.lock = f
	return nil
}

func (d *daemon) openTargets() error {
	var faults []error
	for _, t := range d.config().Targets {
		w, err := t.Open(d.env())
		if err != nil {
			faults = append(faults, fmt.Errorf("target %s: %w", t.Name, err))
			continue
		}
		d.parts.targets = append(d.parts.targets, w)
	}
	return errors.Join(faults...)
}

// env is what inputs and targets are opened with.
func (d *daemon) env() env {
	return env{handler: d.flow, hostname: d.config().Hostname, zone: d.config().Timezone, stateDir: d.config().StateDir, log: d.log, internal: d.internal, inputs: d.config().Inputs, runAs: d.config().runAs}
}

func (d *daemon) openInputs() error {
	warnUnread(d.log, d.config().Inputs)
	var faults []error
	for _, in := range d.config().Inputs {
		r, err := in.Open(d.env())
		if err != nil {
			faults = append(faults, fmt.Errorf("input %s: %w", in.Name, err))
			continue
		}
		d.parts.inputs = append(d.parts.inputs, r)
	}
	return errors.Join(faults...)
}

// run works until ctx ends, and then closes the flow from the left: inputs stop accepting and are read until they are
// empty, then the queues are written out, all within the configured time.
func (d *daemon) run(ctx context.Context) error {
	defer d.lock.Close()
	defer d.release()
	var readers, writers sync.WaitGroup
	writing, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	for _, t := range d.targets() {
		writers.Go(func() {
			if err := t.Run(writing); err != nil {
				d.log.Error("closing target", "target", t.Name, "error", err)
			}
		})
	}
	for i, in := range d.inputs() {
		readers.Go(func() {
			if err := in.Run(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
				d.ended.add(d.config().Inputs[i].Name)
				d.log.Error("input ended", "input", d.config().Inputs[i].Name, "error", err)
			}
		})
	}
	defer d.serve()()
	defer d.tellManager(ctx)()
	giveBackMemory(ctx, d.flow.handled.Load)
	stopBy := time.Now().Add(d.config().Shutdown + grace)
	deadline, cancel := context.WithTimeout(context.Background(), d.config().Shutdown)
	defer cancel()
	context.AfterFunc(deadline, func() {
		d.release()
		giveUp()
	})
	readers.Wait()
	for _, t := range d.targets() {
		t.Finish()
	}
	defer d.sayDropped()
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	select {
	case <-written:
		return nil
	case <-time.After(time.Until(stopBy)):
		// A write that the kernel never returns from (a dead NFS server, a console that nobody reads) ends with us.
		return errors.New("a target did not end in time; what it had in hand is lost")
	}
}

// sayDropped says what each target had to shed in all, now that nothing more comes.
func (d *daemon) sayDropped() {
	for _, t := range d.targets() {
		if n := t.Dropped(); n > 0 {
			d.log.Error("messages lost", "target", t.Name, "messages", n)
		}
	}
}

// grace is what targets get, when the time to drain is over, to notice that it is.
const grace = 2 * time.Second

// close gives up what is open. It is for a daemon that does not run after all: one that does leaves inputs and targets to
// close themselves, and must not close a target under a write that the kernel has not returned from.
func (d *daemon) close() {
	d.release()
	for _, in := range d.inputs() {
		in.Close()
	}
	for _, t := range d.targets() {
		t.Close()
	}
	d.control.stop()
	d.http.stop()
	if d.lock != nil {
		d.lock.Close()
	}
}
