package main

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// signals are those that the daemon is told something by. They do not end it, once they are heard.
type signals chan os.Signal

func hearSignals() signals {
	s := make(signals, 8)
	signal.Notify(s, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	return s
}

// obey does what signals ask for, until done is closed: HUP reopens the files and reads the configuration again, as others
// do either, USR2 only reopens, USR1 writes the counters to the log.
func (d *daemon) obey(done <-chan struct{}) {
	for {
		var s os.Signal
		select {
		case s = <-d.signals:
		case <-done:
			return
		}
		switch s {
		case unix.SIGUSR1:
			d.logStatus(d.status())
		case unix.SIGUSR2:
			d.reopen()
		case unix.SIGHUP:
			d.reopen()
			_ = d.reloadFile() // which has said what is wrong
		}
	}
}

// reopen makes all targets close their files. The path is compared before each block anyway; this is for who wants a file
// that was moved away to be let go at once.
func (d *daemon) reopen() {
	for _, t := range d.now().targets {
		t.Reopen()
	}
	d.log.Info("files are opened anew")
}

// logStatus writes one line for each input, rule and target.
func (d *daemon) logStatus(s status) {
	for _, in := range s.Inputs {
		d.log.Info("counters", "input", in.Name, "messages", in.Messages, "bytes", in.Bytes, "dropped", in.Dropped, "malformed", in.Malformed, "truncated", in.Truncated, "connections", in.Connections)
	}
	for _, r := range s.Rules {
		d.log.Info("counters", "rule", r.Name, "matches", r.Matches)
	}
	d.log.Info("counters", "unrouted", s.Unrouted)
	for _, t := range s.Targets {
		d.log.Info("counters", "target", t.Name, "up", t.Up, "messages", t.Messages, "bytes", t.Bytes, "dropped", t.Dropped, "errors", t.Errors, "resent", t.Resent, "queue_bytes", t.QueueBytes, "spool_bytes", t.SpoolBytes)
	}
}
