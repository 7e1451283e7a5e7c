package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"path/filepath"
	"syscall"
	"time"
)

// A fault is something that goes wrong, and is right again when do returns. Its error is one of what it was done to: the fault
// itself is meant.
type fault struct {
	name string
	do   func(s *soak, r *rand.Rand) error
}

// soakFaults are, by what they befall. Each group has its faults one at a time, in an order of its own, beside the others.
var soakFaults = map[string][]fault{
	"daemon": {
		{"kill -9", func(s *soak, _ *rand.Rand) error { return errors.Join(s.end(syscall.SIGKILL), s.daemon.up()) }},
		{"kill -9, and again", func(s *soak, r *rand.Rand) error {
			err := errors.Join(s.end(syscall.SIGKILL), s.daemon.up())
			<-time.After(short(r, 300*time.Millisecond))
			return errors.Join(err, s.end(syscall.SIGKILL), s.daemon.up())
		}},
		{"restart", func(s *soak, _ *rand.Rand) error { return errors.Join(s.end(syscall.SIGTERM), s.daemon.up()) }},
		{"reload", func(s *soak, _ *rand.Rand) error { return s.daemon.change(false) }},
		{"reload by HUP", func(s *soak, _ *rand.Rand) error { return s.daemon.change(true) }},
		{"reload of a bad file", func(s *soak, r *rand.Rand) error { return s.daemon.spoil(r) }},
		{"hangs", func(s *soak, r *rand.Rand) error {
			s.daemon.cmd.Process.Signal(syscall.SIGSTOP)
			<-time.After(short(r, 2*time.Second))
			return s.daemon.cmd.Process.Signal(syscall.SIGCONT)
		}},
	},
	"collector": {
		{"collector resets", func(s *soak, _ *rand.Rand) error { s.dieUnread(func() { s.collector.die(true) }); return nil }},
		{"collector closes", func(s *soak, _ *rand.Rand) error {
			s.dieUnread(func() { s.collector.die(false) })
			return nil
		}},
		{"collector says that it leaves", func(s *soak, _ *rand.Rand) error {
			s.collector.each(func(c *net.TCPConn) { c.CloseWrite() })
			return nil
		}},
		{"collector stalls", func(s *soak, r *rand.Rand) error {
			s.collector.stall(true)
			<-time.After(short(r, 5*time.Second))
			s.collector.stall(false)
			return nil
		}},
		{"collector stalls and resets", func(s *soak, r *rand.Rand) error {
			s.dieUnread(func() {
				s.collector.stall(true)
				<-time.After(short(r, 500*time.Millisecond)) // less than resend
				s.collector.die(true)
				s.collector.stall(false)
			})
			return nil
		}},
		{"collector away", func(s *soak, r *rand.Rand) error { return s.collector.away(short(r, 5*time.Second)) }},
	},
	"disk": {
		{"log disk full", func(s *soak, r *rand.Rand) error {
			return fillDisk(filepath.Join(s.dir, "small"), short(r, 4*time.Second))
		}},
		{"state disk full", func(s *soak, r *rand.Rand) error {
			return fillDisk(filepath.Join(s.dir, "state"), short(r, 4*time.Second))
		}},
	},
	"logrotate": {
		{"logrotate create, USR2", rotating("create 0640\npostrotate\nkill -USR2 $(cat $PID 2>/dev/null) 2>/dev/null || true\nendscript")},
		{"logrotate create, HUP", rotating("create 0640\npostrotate\nkill -HUP $(cat $PID 2>/dev/null) 2>/dev/null || true\nendscript")},
		{"logrotate nocreate, nothing said", rotating("nocreate")},
	},
	"redis": {
		{"redis kill -9", func(s *soak, _ *rand.Rand) error { s.redis.down(syscall.SIGKILL); return s.redis.up() }},
		{"redis restart", func(s *soak, _ *rand.Rand) error { s.redis.down(syscall.SIGTERM); return s.redis.up() }},
		{"redis hangs", func(s *soak, r *rand.Rand) error { return s.redis.hang(short(r, 3*time.Second)) }},
		{"redis disconnects", func(s *soak, _ *rand.Rand) error { return s.redis.disconnect() }},
	},
	"garbage": {
		{"garbage", (*soak).throw},
		{"silent crowd", (*soak).crowd},
	},
}

// What the daemon has sent and a collector has not read is safe from the death of either, but not of both, as README says.
// So no more than one of them dies at a time.

// end ends the daemon by a signal.
func (s *soak) end(by syscall.Signal) error {
	s.unread.Lock()
	defer s.unread.Unlock()
	err := s.daemon.down(by)
	s.collector.bereave()
	return err
}

// dieUnread has the collector's connections die, and returns when what died with them has come again.
func (s *soak) dieUnread(do func()) {
	s.unread.Lock()
	defer s.unread.Unlock()
	do()
	s.collector.again()
}

func rotating(directives string) func(*soak, *rand.Rand) error {
	return func(s *soak, _ *rand.Rand) error { return s.logrotate(directives) }
}

// short is a time of up to most.
func short(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// suffer has a group's faults happen until quit is closed: all of them in turn, each time in another order.
func (s *soak) suffer(group string) {
	r := s.rand(group)
	for {
		for _, i := range r.Perm(len(soakFaults[group])) {
			if s.pause(s.calm, short(r, 3*time.Second)) {
				return
			}
			f := soakFaults[group][i]
			s.daemon.note(f.name)
			if err := f.do(s, r); err != nil {
				s.t.Errorf("%s: %v", f.name, err)
			}
			s.daemon.note(f.name + ": over")
			s.count(f.name)
		}
	}
}
