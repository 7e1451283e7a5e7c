package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

// A badConfiguration is why a reload has changed nothing: the file is wrong.
type badConfiguration struct{ error }

// reloadFile reads the configuration again and becomes what it says: new rules, targets and inputs as one. What did not
// change, and what changed only its options, keeps its socket, connections, queue and spool; names say what is the same. After
// an error, which is logged, all is as it was.
func (d *daemon) reloadFile() error {
	d.changing.Lock()
	defer d.changing.Unlock()
	err := d.reload()
	if err == nil {
		d.reloads.Add(1)
		d.log.Info("reloaded", "configuration", d.now().cfg.String())
		return nil
	}
	d.badReloads.Add(1)
	d.log.Error("cannot reload, nothing has changed", "error", err)
	return err
}

func (d *daemon) reload() error {
	if d.reading == nil || d.reading.Err() != nil {
		return errors.New("sluice is not at work")
	}
	d.reloading()
	defer d.ready() // again, whatever came of it
	before := d.now()
	cfg, err := LoadConfig(before.cfg.File)
	if err == nil && len(cfg.Unreadable) > 0 {
		err = cfg.Unreadable
	}
	if err != nil {
		return badConfiguration{err}
	}
	for _, w := range cfg.Warnings {
		d.log.Warn(w.Error())
	}
	d.keepFixed(cfg)
	r := &reload{daemon: d, before: before, next: &parts{cfg: cfg}}
	r.next.rules = rules.NewSet(cfg.Rules, len(cfg.Targets))
	if err := errors.Join(r.targets(), r.inputs()); err != nil {
		for _, undo := range r.undo {
			undo()
		}
		return err
	}
	r.commit()
	d.sayLacks(cfg)
	return nil
}

// keepFixed keeps what only a restart changes, and says so.
func (d *daemon) keepFixed(cfg *Config) {
	was := d.now().cfg
	var fixed []string
	for name, changed := range map[string]bool{
		"state_dir": cfg.StateDir != was.StateDir, "control": cfg.Control != was.Control, "http": !reflect.DeepEqual(cfg.HTTP, was.HTTP), "log": cfg.Log != was.Log,
		"user": cfg.User != was.User, "group": cfg.Group != was.Group,
	} {
		if changed {
			fixed = append(fixed, name)
		}
	}
	if len(fixed) > 0 {
		slices.Sort(fixed)
		d.log.Warn("a reload does not change these, a restart does", "keys", strings.Join(fixed, ", "))
	}
	cfg.StateDir, cfg.Control, cfg.HTTP, cfg.Log = was.StateDir, was.Control, was.HTTP, was.Log
	cfg.User, cfg.Group, cfg.runAs = was.User, was.Group, was.runAs
}

// A reload is on its way from one configuration to the next. Until commit everything can be undone.
type reload struct {
	*daemon
	before, next *parts

	undo   []func()
	change []func()         // of targets and inputs that stay
	fresh  []*writer.Target // to be put to work
	after  []succession     // inputs that can only be opened when others are closed
	kept   map[any]bool     // runners and targets
}

// A succession is an input that takes the place of another.
type succession struct {
	index       int // in next
	predecessor runner
}

// targets finds the targets of before again in next, and opens those that are new.
func (r *reload) targets() error {
	r.kept = map[any]bool{}
	e := r.env(r.next.cfg)
	zoneChanged := r.next.cfg.Timezone.String() != r.before.cfg.Timezone.String()
	var faults []error
	for _, t := range r.next.cfg.Targets {
		i := slices.IndexFunc(r.before.cfg.Targets, func(b *Target) bool { return b.Name == t.Name })
		w, err := (*writer.Target)(nil), error(nil)
		if i < 0 {
			w, err = r.openTarget(e, t)
		} else {
			w = r.before.targets[i]
			r.kept[w] = true
			err = r.changeTarget(e, t, w, r.before.cfg.Targets[i], zoneChanged)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("target %s: %w", t.Name, err))
		}
		r.next.targets = append(r.next.targets, w)
	}
	return errors.Join(faults...)
}

func (r *reload) openTarget(e env, t *Target) (*writer.Target, error) {
	if w := r.leaving[t.Name]; w != nil { // it may have the spool yet
		w.stop()
		select {
		case <-w.done:
		case <-time.After(grace):
			return nil, errors.New("the target that had this name before has not ended yet: try again")
		}
	}
	w, err := t.Open(e)
	if err == nil {
		r.fresh = append(r.fresh, w)
		r.undo = append(r.undo, func() { w.Close() })
	}
	return w, err
}

func (r *reload) changeTarget(e env, t *Target, w *writer.Target, before *Target, zoneChanged bool) error {
	c, err := t.change(e, w, before, zoneChanged)
	if c == nil || err != nil {
		return err
	}
	r.change = append(r.change, func() { w.Change(*c) })
	if c.Sink != nil {
		r.undo = append(r.undo, func() { c.Sink.Close() })
	}
	return nil
}

// inputs finds the inputs of before again in next, by their names or sockets, and opens those that are new.
func (r *reload) inputs() error {
	e, cfg, was := r.env(r.next.cfg), r.next.cfg, r.before.cfg
	r.next.inputs = make([]runner, len(cfg.Inputs))
	same := cfg.Hostname == was.Hostname && cfg.Timezone.String() == was.Timezone.String()
	warnUnread(r.log, cfg.Inputs)
	var faults []error
	for i, in := range cfg.Inputs {
		old, err := r.predecessor(in), error(nil)
		switch {
		case old >= 0 && otherShare(in, cfg.Inputs, was.Inputs[old], was.Inputs): // systemd's sockets can be read by both for a moment
			err = r.openInput(e, in, i)
		case old >= 0 && r.ended.has(was.Inputs[old].Name): // of itself
			r.after = append(r.after, succession{i, r.before.inputs[old]})
		case old >= 0 && same && in.Name == was.Inputs[old].Name && reflect.DeepEqual(in.spec, was.Inputs[old].spec):
			r.next.inputs[i] = r.before.inputs[old]
		case old >= 0 && in.sameSocket(was.Inputs[old]) && in.Change != nil:
			var apply func()
			r.next.inputs[i] = r.before.inputs[old]
			if apply, err = in.Change(e, r.before.inputs[old]); err == nil {
				r.change = append(r.change, apply)
			}
		case old >= 0 && (in.sameSocket(was.Inputs[old]) || in.Connects):
			r.after = append(r.after, succession{i, r.before.inputs[old]})
		default:
			err = r.openInput(e, in, i)
		}
		if r.next.inputs[i] != nil {
			r.kept[r.next.inputs[i]] = true
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("input %s: %w", in.Name, err))
		}
	}
	return errors.Join(faults...)
}

func (r *reload) openInput(e env, in *Input, i int) error {
	if in.Transport == syslog.Internal {
		return errors.New("the daemon's own log becomes an input only at a restart")
	}
	opened, err := in.Open(e)
	if err == nil {
		r.next.inputs[i] = opened
		r.undo = append(r.undo, opened.Close)
	}
	return err
}

// predecessor is the index of the input of before that in was: the one with its name, or else with its socket, unless that
// has its name in next, too. It is -1 if there is none.
func (r *reload) predecessor(in *Input) int {
	was := r.before.cfg.Inputs
	if i := slices.IndexFunc(was, func(o *Input) bool { return o.Name == in.Name }); i >= 0 {
		return i
	}
	return slices.IndexFunc(was, func(o *Input) bool {
		return in.sameSocket(o) && !slices.ContainsFunc(r.next.cfg.Inputs, func(n *Input) bool { return n.Name == o.Name })
	})
}

func (in *Input) sameSocket(o *Input) bool {
	return in.Transport == o.Transport && in.Address == o.Address
}

// commit makes next what the daemon is.
func (r *reload) commit() {
	d, e := r.daemon, r.env(r.next.cfg)
	for _, s := range r.after {
		r.next.inputs[s.index] = r.succeed(e, r.next.cfg.Inputs[s.index], s.predecessor)
	}
	for _, w := range r.fresh {
		d.write(w)
	}
	for _, change := range r.change {
		change()
	}
	inherit := r.next.rules.Inherit(r.before.rules)
	d.parts.Store(r.next)
	before := d.flow.reroute(newRouting(r.next.rules, r.next.targets))
	for i, in := range r.next.inputs {
		if d.works[in] == nil {
			d.read(r.next.cfg.Inputs[i].Name, in)
		}
	}
	for _, in := range r.before.inputs {
		if !r.kept[in] {
			d.works[in].stop()
			delete(d.works, in)
		}
	}
	gone := map[*writer.Target]*work{}
	for _, w := range r.before.targets {
		if !r.kept[w] {
			w.Release()
			gone[w], d.leaving[w.Name] = d.works[w], d.works[w]
			delete(d.works, w)
		}
	}
	go d.retire(before, inherit, gone, r.next.cfg.Shutdown)
}

// succeed ends an input and opens the one that takes its place.
func (r *reload) succeed(e env, in *Input, predecessor runner) runner {
	w := r.works[predecessor]
	w.stop()
	select {
	case <-w.done:
	case <-time.After(successionTime):
		return absent{in, errors.New("what was there before does not end: a target that is full keeps it waiting")}
	}
	opened, err := in.Open(e)
	if err != nil {
		return absent{in, err}
	}
	return opened
}

// successionTime is how long an input has to end when another is to take its place.
const successionTime = 15 * time.Second

// retire waits until no batch goes by what was before any more, and then lets the targets end that are gone: what waits for
// them is written, or saved in their spools.
func (d *daemon) retire(before *routing, inherit func(), gone map[*writer.Target]*work, shutdown time.Duration) {
	<-before.retired
	inherit()
	for target, work := range gone {
		target.Finish()
		time.AfterFunc(shutdown, work.stop)
	}
}

// An absent is an input that could not be opened when another had made room for it.
type absent struct {
	*Input
	error
}

func (a absent) Addr() net.Addr {
	return &net.UnixAddr{Name: a.Input.Address, Net: a.Input.Transport.String()}
}
func (a absent) Run(context.Context) error  { return a.error }
func (a absent) Counters() *syslog.Counters { return new(syslog.Counters) }
func (a absent) Close()                     {}

// serveReload reloads. A configuration that is wrong is a bad request.
func (d *daemon) serveReload(w http.ResponseWriter, _ *http.Request) {
	err := d.reloadFile()
	switch bad := (badConfiguration{}); {
	case errors.As(err, &bad):
		http.Error(w, bad.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		fmt.Fprintf(w, "ok: %s\n", d.now().cfg)
	}
}
