package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	manager "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// statusEvery is how often the service manager is told what there is to tell.
const statusEvery = 2 * time.Second

// tellManager says READY to the service manager, if one wants to know (sd_notify(3)). From then on it gets the status, a
// beat for its watchdog, and STOPPING when ctx ends. The function that it returns waits until that is said.
func (d *daemon) tellManager(ctx context.Context) (wait func()) {
	d.ready()
	var telling sync.WaitGroup
	telling.Go(func() {
		d.tellStatus(ctx)
		d.stopping()
	})
	if within, err := manager.SdWatchdogEnabled(false); err != nil {
		d.log.Warn("there is no beat for the watchdog", "error", err)
	} else if within > 0 {
		telling.Go(func() { beat(ctx, within/2, d.probe, func() { d.tell(manager.SdNotifyWatchdog) }) })
	}
	return telling.Wait
}

// tell sends lines to the service manager, if there is one.
func (d *daemon) tell(lines ...string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: name}) // @ is an abstract name to both
	if err == nil {
		defer conn.Close()
		_ = conn.SetWriteDeadline(time.Now().Add(patienceWithManager))
		_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	}
	if err != nil {
		d.log.Warn("the service manager cannot be told", "what", lines[0], "error", err)
	}
}

// patienceWithManager is how long a manager that does not read is waited for: we have to end without it, too.
const patienceWithManager = time.Second

// ready says that everything is open; after reloading, that it is so again.
func (d *daemon) ready() { d.tell(manager.SdNotifyReady, "STATUS="+d.statusLine()) }

// reloading says that ready will be said again. What has happened before that is told by the time in it.
func (d *daemon) reloading() {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // which every kernel has
	d.tell(manager.SdNotifyReloading, "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/1000, 10), "STATUS=reads its configuration")
}

// stopping says that what is queued is being written.
func (d *daemon) stopping() { d.tell(manager.SdNotifyStopping, "STATUS=writes what is queued") }

// tellStatus tells the status, whenever it is another one, until ctx ends.
func (d *daemon) tellStatus(ctx context.Context) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if line := d.statusLine(); line != told {
			told = line
			d.tell("STATUS=" + line)
		}
	}
}

// statusLine is what systemctl status shows: how much there is, and what is wrong.
func (d *daemon) statusLine() string {
	line := fmt.Sprintf("%s; %s messages", d.now().cfg, thousands(d.flow.handled.Load()))
	for _, ill := range d.ills(time.Now()) {
		line += "; " + ill
	}
	return strings.ReplaceAll(line, "\n", " ") // each line is a word to the manager
}

// thousands is n as people read it: 1,234.
func thousands(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// beat calls tell, and again after each of these times, as long as probe returns and ctx lasts. A probe that is late delays
// the beat, and one that never returns ends it.
func beat(ctx context.Context, every time.Duration, probe, tell func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		answered := make(chan struct{})
		go func() { // which is left behind where it is stuck: so is everything else
			probe()
			close(answered)
		}()
		select {
		case <-answered:
			tell()
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// probe goes the way of a batch, with an empty one, and through what readers and targets share. It waits for no disk and no
// peer, and not for room in a queue: a full disk is no reason to start anew.
func (d *daemon) probe() {
	b := syslog.NewBatch()
	b.Feed = new(syslog.Feed)
	d.flow.Handle(b)
	for _, t := range d.now().targets {
		t.Probe()
	}
}
