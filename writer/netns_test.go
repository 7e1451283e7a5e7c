package writer

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A link to a collector goes down for 5 s, without a word to either side, and the write timeout is shorter, so that the connection is
// given up meanwhile, or longer, so that it lives on: nothing is missing.
func TestRemoteLinkDown(t *testing.T) {
	for i, c := range []struct {
		name  string
		write time.Duration
		gives bool // up the connection
	}{
		{"and the connection is given up", 2 * time.Second, true},
		{"and the connection lives on", time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			space := newNetns(t, i)
			col := &collector{t: t, ln: space.listen(t), seen: map[int]int{}, grown: make(chan struct{}, 1)}
			col.serve = func(_ int, _ net.Conn, lines *bufio.Reader) { col.read(lines, -1) }
			t.Cleanup(col.close)
			col.start()
			o := testRemoteOptions()
			o.Timeout.Write, o.Timeout.Connect = c.write, time.Second
			f := newFlow(t, o, "", col.address()).start()
			f.send(2000)
			col.waitFor(2000)
			before := f.Errors() // a busy machine may need a second try for the first connection
			space.ip("link", "set", space.inner, "down")
			f.send(20_000)
			<-time.After(5 * time.Second) // as long as the link is down
			if gave := f.Errors() > before; gave != c.gives {
				t.Errorf("the connection was given up: %v", gave)
			}
			space.ip("link", "set", space.inner, "up")
			col.waitFor(22_000)
			f.finish()
			t.Logf("%d came twice", col.account(22_000))
		})
	}
}

// A netns is a network namespace that a pair of virtual Ethernet devices joins to ours.
type netns struct {
	t            testing.TB
	name, inner  string
	ours, theirs string
}

func newNetns(t testing.TB, n int) *netns {
	t.Helper()
	if os.Getuid() != 0 {
		lacks(t, "network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		lacks(t, "ip is missing: install Debian's package iproute2")
	}
	id := fmt.Sprintf("%d%d", os.Getpid()%100_000, n)
	net := fmt.Sprintf("10.213.%d", (os.Getpid()+n*128)%256)
	s := &netns{t: t, name: "sluice" + id, inner: "sli" + id, ours: net + ".1", theirs: net + ".2"}
	if out, err := exec.Command("ip", "netns", "add", s.name).CombinedOutput(); err != nil {
		lacks(t, fmt.Sprintf("ip netns add: %v: %s", err, out))
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", s.name).Run() }) // its devices go with it
	outer := "slo" + id
	if out, err := exec.Command("ip", "link", "add", outer, "type", "veth", "peer", "name", s.inner, "netns", s.name).CombinedOutput(); err != nil {
		lacks(t, fmt.Sprintf("ip link add: %v: %s", err, out))
	}
	t.Cleanup(func() { exec.Command("ip", "link", "del", outer).Run() })
	s.ip("addr", "add", s.theirs+"/24", "dev", s.inner)
	s.ip("link", "set", s.inner, "up")
	for _, args := range [][]string{{"addr", "add", s.ours + "/24", "dev", outer}, {"link", "set", outer, "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	return s
}

// ip runs ip(8) in the namespace.
func (s *netns) ip(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", s.name}, args...)...).CombinedOutput(); err != nil {
		s.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// listen listens in the namespace, where a socket stays that was made there.
func (s *netns) listen(t testing.TB) net.Listener {
	t.Helper()
	var ln net.Listener
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		space, err := os.Open("/run/netns/" + s.name)
		if err == nil {
			defer space.Close()
			if err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err == nil {
				ln, err = net.Listen("tcp", s.theirs+":0")
			}
		}
		done <- err
	}()
	fatal(t, <-done)
	return ln
}
