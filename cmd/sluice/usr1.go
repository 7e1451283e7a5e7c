package main

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// sayCounters writes the counters to the log at each SIGUSR1, until done is closed.
func (d *daemon) sayCounters(asked <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case <-asked:
			d.logStatus(d.status())
		case <-done:
			return
		}
	}
}

// hearUSR1 returns what sayCounters waits for. From then on the signal does not end the process.
func hearUSR1() <-chan os.Signal {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGUSR1)
	return asked
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
