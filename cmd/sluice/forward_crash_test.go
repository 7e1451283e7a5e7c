package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/syslog/freeport"
)

// numbers are what a collector got: how often each number came that a line ends in.
type numbers struct {
	mu   sync.Mutex
	seen map[int]int
}

// collect takes lines on an address until the test ends.
func collect(t testing.TB, address string) *numbers {
	t.Helper()
	n := &numbers{seen: map[int]int{}}
	serve(t, address, func(conn net.Conn) {
		for s := bufio.NewScanner(conn); s.Scan(); {
			line := s.Text()
			if i, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1:]); err == nil {
				n.mu.Lock()
				n.seen[i]++
				n.mu.Unlock()
			}
		}
	})
	return n
}

// missing is how many of the numbers have not come, and how many more than once.
func (n *numbers) missing(want []int) (missing, twice int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.seen) < len(want) {
		return len(want) - len(n.seen), 0 // at least: to count them all would keep the collector from its work
	}
	for _, i := range want {
		if n.seen[i] == 0 {
			missing++
		} else if n.seen[i] > 1 {
			twice++
		}
	}
	return missing, twice
}

// receipt sends numbered messages over one connection and reports whether a FIN has said that they are at rest.
func receipt(address string, first, count int) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	w := bufio.NewWriter(conn)
	for i := range count {
		fmt.Fprintf(w, "<13>Nov 20 15:17:52 web1 shop: %s %d\n", strings.Repeat("x", 150), first+i)
	}
	if w.Flush() != nil || conn.(*net.TCPConn).CloseWrite() != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return err == io.EOF
}

// The daemon is killed ten times while its collector is away. What had its receipt by then, in the spool as it must be, is
// all there when the collector comes.
func TestForwardKilled(t *testing.T) {
	const kills, senders, count = 10, 4, 500
	collector := freeport.Address(t)
	p := run(t, t.TempDir(), "killed", `{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tcp://`+collector+`", retry: {min: 50ms, max: 200ms}, queue: {memory: 1MiB}}}]}`)
	var mu sync.Mutex
	var received []int // numbers whose connection had its receipt
	next := 0
	for range kills {
		var sending sync.WaitGroup
		some := make(chan struct{}, senders) // receipts
		stop := make(chan struct{})
		for range senders {
			sending.Go(func() {
				for {
					mu.Lock()
					first := next
					next += count
					mu.Unlock()
					if receipt(p.address["tcp"], first, count) {
						mu.Lock()
						for i := range count {
							received = append(received, first+i)
						}
						mu.Unlock()
						select {
						case some <- struct{}{}:
						default:
						}
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for range 1 + rand.N(senders) { // at least one had to wait for the spool
			select {
			case <-some:
			case <-time.After(patience):
				t.Fatal("no receipt")
			}
		}
		<-time.After(rand.N(100 * time.Millisecond)) // anywhere in what goes on
		close(stop)
		p.kill()
		sending.Wait()
		p.start()
	}
	n := collect(t, collector)
	poll(t, func() error {
		if missing, _ := n.missing(received); missing > 0 {
			return fmt.Errorf("%d of %d messages are missing that had their receipt", missing, len(received))
		}
		return nil
	})
	_, twice := n.missing(received)
	t.Logf("%d of %d sent messages had their receipt, %d came twice", len(received), next, twice)
	if log := p.log(); strings.Contains(log, "lost") || strings.Contains(log, "dropped: ") {
		t.Error("it says that something was lost")
	}
	p.stop()
}
