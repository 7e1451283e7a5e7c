package main

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	soakTime = flag.Duration("soak", time.Minute, "how long faults last in TestSoak: make soak")
	soakSeed = flag.Uint64("soak-seed", 0, "of their order; 0: a new one")
)

// A soak is one run: a daemon, all that is around it, and the books.
type soak struct {
	t         *testing.T
	dir, host string
	seed      uint64
	ledger    ledger
	daemon    *soakDaemon
	collector *breaker
	redis     *soakRedis
	calm      chan struct{} // closed: no more faults
	quit      chan struct{} // closed: no more messages
	refusals  atomic.Int64
	unread    sync.Mutex // held while the collector or the daemon dies: see soak.end

	mu   sync.Mutex
	done map[string]int // faults, by name
}

// TestSoak has everything go wrong at once, for -soak, while numbered messages come over every path: the daemon is killed,
// restarted and reloaded, its collector breaks, its disks fill, Redis dies, files are rotated, and garbage comes over every
// socket. In the end each number that was acknowledged, by our FIN or by Redis, is in every place it was routed to,
// nothing is there that nobody sent, and no line is cut but where the daemon died.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	s := newSoak(t)
	var suffering, sending sync.WaitGroup
	began := time.Now()
	for group := range soakFaults {
		suffering.Go(func() { s.suffer(group) })
	}
	suffering.Go(s.trim)
	for _, sender := range soakSenders {
		sending.Go(func() { sender.work(s) })
	}
	s.last(*soakTime)
	close(s.calm)
	suffering.Wait()
	fatal(t, s.daemon.configure(soakConfig(s.host, s.daemon.odd)))
	close(s.quit)
	sending.Wait()
	faults := time.Since(began)
	s.drain()
	fatal(t, s.daemon.down(syscall.SIGTERM))
	s.collector.close()
	fatal(t, s.harvest(true))
	s.report(faults)
	s.judge()
}

func newSoak(t *testing.T) *soak {
	for _, program := range []string{"redis-server", "logrotate"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks(t, err)
		}
	}
	s := &soak{
		t: t, dir: t.TempDir(), seed: *soakSeed, calm: make(chan struct{}), quit: make(chan struct{}), done: map[string]int{},
		ledger: ledger{paths: map[string]*pathBook{}, places: map[string]*arrivals{}},
	}
	if s.seed == 0 {
		s.seed = rand.Uint64()
	}
	t.Logf("-soak %v -soak-seed %d", *soakTime, s.seed)
	pid := os.Getpid()
	s.host = fmt.Sprintf("127.%d.%d.%d", 64+pid>>14&63, pid>>7&127, 1+pid&127) // nobody else's, also while the daemon is down
	for dir, size := range map[string]string{"small": "16m", "state": "40m"} {
		dir = filepath.Join(s.dir, dir)
		fatal(t, os.Mkdir(dir, 0o755))
		onTmpfs(t, dir, "mode=0755,size="+size)
	}
	fatal(t, os.Mkdir(filepath.Join(s.dir, "redis"), 0o755))
	var err error
	s.redis, err = newSoakRedis(filepath.Join(s.dir, "redis"), s.host)
	fatal(t, err)
	t.Cleanup(func() { s.redis.client.Close(); s.redis.down(syscall.SIGKILL) })
	s.collector, err = newBreaker(s.host+":6514", func(line string) { s.ledger.arrived("collector", line) })
	fatal(t, err)
	s.daemon, err = newSoakDaemon(t, s.dir, s.host)
	fatal(t, err)
	t.Cleanup(func() {
		if s.daemon.cmd.ProcessState == nil {
			s.daemon.cmd.Process.Signal(syscall.SIGQUIT) // says where each goroutine is
			s.daemon.cmd.Wait()
		}
		if t.Failed() {
			log := s.daemon.log()
			t.Logf("it says\n%s", log[max(0, len(log)-50_000):])
		}
	})
	return s
}

// rand is the chance of one goroutine. It follows from the seed, as far as the order of things does.
func (s *soak) rand(name string) *rand.Rand {
	h := fnv.New64()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// pause waits, and reports whether over was closed meanwhile.
func (s *soak) pause(over chan struct{}, d time.Duration) bool {
	select {
	case <-over:
		return true
	case <-time.After(d):
		return false
	}
}

// last waits until the time of faults is over, and says now and then how it goes.
func (s *soak) last(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && !s.t.Failed(); {
		<-time.After(min(time.Minute, time.Until(end)))
		s.report(d - time.Until(end))
	}
}

// drain waits until nothing waits any more. That may be thirty times `resend` after the last message, if the collector's
// kernel has made its window smaller.
func (s *soak) drain() {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); ; <-again.C {
		err := errors.Join(s.daemon.drained(), s.redis.read())
		if err == nil {
			s.t.Logf("drained after %v", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > 2*time.Minute {
			s.t.Fatal(err)
		}
	}
}

// trim keeps the stream short.
func (s *soak) trim() {
	for n := 1; !s.pause(s.calm, 2*time.Second); n++ {
		_ = s.redis.read() // there is always something to read
		if n%10 == 0 {
			s.redis.compact()
		}
	}
}

func (s *soak) count(fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[fault]++
}

func (s *soak) report(after time.Duration) {
	s.mu.Lock()
	s.ledger.mu.Lock()
	defer s.mu.Unlock()
	defer s.ledger.mu.Unlock()
	s.t.Logf("after %v: %d batches refused; faults %v", after.Round(time.Second), s.refusals.Load(), s.done)
	for _, path := range slices.Sorted(maps.Keys(s.ledger.paths)) {
		a := s.ledger.paths[path]
		s.t.Logf("%s: %d sent, %d acknowledged", path, a.sent, a.accepted.count)
	}
	for _, place := range slices.Sorted(maps.Keys(s.ledger.places)) {
		at, all := s.ledger.places[place], 0
		for _, found := range at.found {
			all += found.count
		}
		s.t.Logf("%s: has %d, %d more twice, %d lines torn", place, all, at.doubled, at.torn)
	}
}

// disasters are what no log may hold.
var disasters = regexp.MustCompile(`(?m)^(panic|fatal error|WARNING: DATA RACE).*|.*target=.*lost.*`)

func (s *soak) judge() {
	d := s.daemon
	s.t.Logf("the daemon was started %d times; its peak was %d MB", d.starts, d.peak>>10)
	for place, files := range soakPlaces {
		at := s.ledger.places[place]
		if at == nil {
			s.t.Errorf("%s has nothing", place)
			continue
		}
		for _, sender := range soakSenders {
			if some, n := s.ledger.missing(sender.path, place); n > 0 {
				s.t.Errorf("%s: %d acknowledged messages of %s are missing, among them %v\n%s", place, n, sender.path, some, d.around(s.ledger.paths[sender.path].when(some[0])))
			}
			if at.found[sender.path] == nil {
				s.t.Errorf("%s has nothing of %s", place, sender.path)
			}
		}
		if len(at.forged) > 0 {
			s.t.Errorf("%s has lines that nobody sent, such as %.300q", place, at.forged)
		}
		if most := files * d.ends; at.torn > most {
			s.t.Errorf("%s has %d torn lines, at most %d can be", place, at.torn, most)
		}
	}
	if found := disasters.FindAllString(d.log(), 5); found != nil {
		s.t.Errorf("the log has %q", found)
	}
}
