package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/syslog"
	"sluice/syslog/freeport"
)

// A serviceManager is the other end of sd_notify.
type serviceManager struct {
	t    testing.TB
	conn *net.UnixConn
}

func newServiceManager(t testing.TB, name string) *serviceManager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &serviceManager{t, conn}
}

// next is what it is told next, if that is not too late.
func (m *serviceManager) next(until time.Time) string {
	m.t.Helper()
	buf := make([]byte, 4096)
	m.conn.SetReadDeadline(until)
	n, err := m.conn.Read(buf)
	if err != nil || time.Now().After(until) {
		m.t.Fatalf("nothing of what should have been told: %v", err)
	}
	return string(buf[:n])
}

// hears waits until it has been told something that matches each of these, in any order.
func (m *serviceManager) hears(all ...string) {
	m.t.Helper()
	for until := time.Now().Add(patience); len(all) > 0; {
		told := m.next(until)
		if i := slices.IndexFunc(all, func(what string) bool { return regexp.MustCompile(what).MatchString(told) }); i >= 0 {
			all = slices.Delete(all, i, i+1)
		}
	}
}

// of makes a process one of its services, with a watchdog of that time.
func (m *serviceManager) of(usec string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Env = append(os.Environ(), "TZ=UTC", "NOTIFY_SOCKET="+m.conn.LocalAddr().String(), "WATCHDOG_USEC="+usec)
	}
}

// What a service manager is told, in its order.
func TestNotify(t *testing.T) {
	const name = "/notify"
	for _, socket := range []string{filepath.Join(t.TempDir(), name), "@" + t.TempDir()} {
		m, dir := newServiceManager(t, socket), t.TempDir()
		p := runWith(t, dir, "sluice.yaml", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: ./out}]}`, m.of("100000"))
		if got, want := m.next(time.Now().Add(patience)), "READY=1\nSTATUS=1 inputs, 1 targets, 1 rules; 0 messages"; got != want {
			t.Errorf("first %q, not %q", got, want)
		}
		tell(t, p.address["tcp"], "<14>app: hello")
		m.hears("^WATCHDOG=1$", "^WATCHDOG=1$", "^STATUS=.*; 1 messages$")
		p.cmd.Process.Signal(os.Interrupt)
		m.hears("^STOPPING=1\nSTATUS=")
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
		m.conn.SetReadDeadline(time.Now())
		if n, _ := m.conn.Read(make([]byte, 100)); n > 0 {
			t.Error("it went on after STOPPING")
		}
		if log := p.log(); log != "" {
			t.Error(log)
		}
	}
}

// A reader that waits for a full queue is no reason to start anew.
func TestWatchdogOfFullQueue(t *testing.T) {
	m, dir := newServiceManager(t, filepath.Join(t.TempDir(), "notify")), t.TempDir()
	p := runWith(t, dir, "sluice.yaml", `{state_dir: ./state, unhealthy_after: 1ms, inputs: ["tcp://127.0.0.1:0"], shutdown: 1s,
		rules: [{to: {forward: "tcp://`+freeport.Address(t)+`", queue: {memory: 1KiB, spool: 0, when_full: block}}}]}`, m.of("40000"))
	conn, err := net.Dial("tcp", p.address["tcp"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(strings.Repeat("<14>app: "+strings.Repeat("x", 500)+"\n", 100))); err != nil {
		t.Fatal(err)
	}
	m.hears("^STATUS=.*target .* has failed for .*: connection refused$")
	for range 10 {
		m.hears("^WATCHDOG=1$")
	}
	p.stop()
}

// A reload is said, and its end, whether it changes something or not.
func TestNotifyReload(t *testing.T) {
	m, dir := newServiceManager(t, filepath.Join(t.TempDir(), "notify")), t.TempDir()
	const conf = `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: ./out}%s]}`
	p := runWith(t, dir, "sluice.yaml", fmt.Sprintf(conf, ""), m.of(""))
	m.hears("^READY=1\n")
	for _, c := range []struct {
		rules, ready string
		code         int
	}{
		{", {to: ./more}", "1 inputs, 2 targets, 2 rules", 0},
		{", {too: ./more}", "1 inputs, 2 targets, 2 rules", 2},
	} {
		if out, code := p.reload(fmt.Sprintf(conf, c.rules)); code != c.code {
			t.Fatal(out)
		}
		m.hears("^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]{5,}\nSTATUS=")
		m.hears("^READY=1\nSTATUS=" + c.ready)
	}
	p.stop()
}

// The beat comes as long as the probe returns, and not while it does not.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wedged atomic.Pointer[chan struct{}]
		beats, free := 0, make(chan struct{})
		close(free)
		wedged.Store(&free)
		go beat(ctx, time.Second, func() { <-*wedged.Load() }, func() { beats++ })
		time.Sleep(3500 * time.Millisecond) // of the bubble's time
		synctest.Wait()
		if beats != 4 {
			t.Errorf("%d beats in 3.5 s", beats)
		}
		stuck := make(chan struct{})
		wedged.Store(&stuck)
		time.Sleep(time.Minute)
		synctest.Wait()
		if beats != 4 {
			t.Errorf("%d beats of a wedged daemon", beats-4)
		}
		close(stuck)
		time.Sleep(time.Second)
		synctest.Wait()
		if beats == 4 {
			t.Error("no beat after it was free again")
		}
		cancel()
		synctest.Wait()
	})
}

// What a batch has to pass is passed by the probe.
func TestProbe(t *testing.T) {
	d := opened(t, `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: ./out}]}`)
	d.probe()
	template, err := syslog.CompileTemplate("{message}", syslog.EscapeOctal, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	one := newTap(nil, "", template)
	d.flow.taps.add(one)
	one.mu.Lock()
	answered := make(chan struct{})
	go func() {
		d.probe()
		close(answered)
	}()
	select {
	case <-answered:
		t.Error("a batch would be stuck, and the probe is not")
	case <-time.After(50 * time.Millisecond):
	}
	one.mu.Unlock()
	<-answered
	if n := d.flow.handled.Load(); n != 0 {
		t.Errorf("%d messages were counted", n)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 123456: "123,456"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
