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
	parts    atomic.Pointer[parts]
	flow     *pipeline
	internal *ingest.Internal // nil: our own log is no input
	control  *server          // nil: there is no socket for the commands
	http     *server          // nil: monitoring asks nothing
	started  time.Time
	signals  signals
	rates    sampler

	reloads, badReloads atomic.Uint64

	ended nameSet // inputs

	lock    *os.File
	waiting context.Context // of readers that wait for a full target
	release context.CancelFunc

	changing         sync.Mutex // for what follows, and while the parts change
	reading, writing context.Context
	readers, writers sync.WaitGroup
	works            map[any]*work // of the runners and targets that are at work
	leaving          map[string]*work
}

// parts are what a configuration has become. They are not changed: a reload puts others in their place, so whoever looks at
// them gets them once, with now.
type parts struct {
	cfg     *Config
	inputs  []runner         // of cfg.Inputs
	targets []*writer.Target // of cfg.Targets
	rules   *rules.Set
}

func (d *daemon) now() *parts { return d.parts.Load() }

// newDaemon opens everything that the configuration names: targets first, so that nothing is received that has nowhere
// to go. Whatever cannot be opened is in the error, and nothing stays open then.
func newDaemon(cfg *Config, log *slog.Logger) (*daemon, error) {
	d := &daemon{log: log, started: time.Now(), works: map[any]*work{}, leaving: map[string]*work{}}
	d.waiting, d.release = context.WithCancel(context.Background())
	p := &parts{cfg: cfg}
	d.parts.Store(p)
	d.log = d.hear()
	if err := errors.Join(d.lockState(), d.openTargets(p)); err != nil {
		d.close()
		return nil, err
	}
	p.rules = rules.NewSet(cfg.Rules, len(cfg.Targets))
	d.flow = newPipeline(d.waiting, p.rules, p.targets)
	if err := errors.Join(d.openInputs(p), d.openControl(), d.openHTTP()); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// lockState makes the state folder this daemon's alone: two would write the same spools.
func (d *daemon) lockState() error {
	dir := d.now().cfg.StateDir
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

func (d *daemon) openTargets(p *parts) error {
	var faults []error
	for _, t := range p.cfg.Targets {
		w, err := t.Open(d.env(p.cfg))
		if err != nil {
			faults = append(faults, fmt.Errorf("target %s: %w", t.Name, err))
			continue
		}
		p.targets = append(p.targets, w)
	}
	return errors.Join(faults...)
}

// env is what inputs and targets are opened with.
func (d *daemon) env(cfg *Config) env {
	return env{handler: d.flow, hostname: cfg.Hostname, zone: cfg.Timezone, stateDir: cfg.StateDir, log: d.log, internal: d.internal, inputs: cfg.Inputs, runAs: cfg.runAs}
}

func (d *daemon) openInputs(p *parts) error {
	warnUnread(d.log, p.cfg.Inputs)
	var faults []error
	for _, in := range p.cfg.Inputs {
		r, err := in.Open(d.env(p.cfg))
		if err != nil {
			faults = append(faults, fmt.Errorf("input %s: %w", in.Name, err))
			continue
		}
		p.inputs = append(p.inputs, r)
	}
	return errors.Join(faults...)
}

// run works until ctx ends, and then closes the flow from the left: inputs stop accepting and are read until they are
// empty, then the queues are written out, all within the configured time.
func (d *daemon) run(ctx context.Context) error {
	defer d.lock.Close()
	defer d.release()
	writing, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	d.begin(ctx, writing)
	defer d.serve()()
	defer d.tellManager(ctx)()
	giveBackMemory(ctx, d.flow.handled.Load)
	d.changing.Lock() // nothing is reloaded any more
	defer d.changing.Unlock()
	shutdown := d.now().cfg.Shutdown
	stopBy := time.Now().Add(shutdown + grace)
	deadline, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	context.AfterFunc(deadline, func() {
		d.release()
		for _, t := range d.now().targets {
			t.Forsake()
		}
		giveUp()
	})
	d.readers.Wait()
	for _, t := range d.now().targets {
		t.Finish()
	}
	defer d.sayDropped()
	written := make(chan struct{})
	go func() { d.writers.Wait(); close(written) }()
	select {
	case <-written:
		return nil
	case <-time.After(max(time.Until(stopBy), grace)): // readers may have taken longer: Redis has 5 s for its acknowledgements
		// A write that the kernel never returns from (a dead NFS server, a console that nobody reads) ends with us.
		return errors.New("a target did not end in time; what it had in hand is lost")
	}
}

// begin puts everything to work: targets first.
func (d *daemon) begin(reading, writing context.Context) {
	d.changing.Lock()
	defer d.changing.Unlock()
	d.reading, d.writing = reading, writing
	p := d.now()
	for _, t := range p.targets {
		d.write(t)
	}
	for i, in := range p.inputs {
		d.read(p.cfg.Inputs[i].Name, in)
	}
}

// A work is an input or target at work.
type work struct {
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// write puts a target to work.
func (d *daemon) write(t *writer.Target) {
	ctx, stop := context.WithCancel(d.writing)
	w := &work{stop, make(chan struct{})}
	d.works[t] = w
	d.writers.Go(func() {
		defer close(w.done)
		defer stop()
		if err := t.Run(ctx); err != nil {
			d.log.Error("closing target", "target", t.Name, "error", err)
		}
	})
}

// read puts an input to work.
func (d *daemon) read(name string, in runner) {
	ctx, stop := context.WithCancel(d.reading)
	w := &work{stop, make(chan struct{})}
	d.works[in] = w
	d.ended.remove(name)
	d.readers.Go(func() {
		defer close(w.done)
		defer stop()
		if err := in.Run(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
			d.ended.add(name)
			d.log.Error("input ended", "input", name, "error", err)
		}
	})
}

// sayDropped says what each target had to shed in all, now that nothing more comes.
func (d *daemon) sayDropped() {
	for _, t := range d.now().targets {
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
	for _, in := range d.now().inputs {
		in.Close()
	}
	for _, t := range d.now().targets {
		t.Close()
	}
	d.control.stop()
	d.http.stop()
	if d.lock != nil {
		d.lock.Close()
	}
}
