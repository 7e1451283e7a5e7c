package writer

import (
	"bufio"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// victim is the environment variable that makes the test binary the process that is killed. It names the folder.
const victim = "SLUICE_TEST_VICTIM"

// TestKilled is a process that writes numbered lines to a file, rotates and compresses, and is killed with -9 at some
// moment, and the next one that goes on there, again and again. What a write had reported is there, in order, once; at most
// the last line of each life is torn, and ended by the next open.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(victim); dir != "" {
		beKilled(t, dir)
		return
	}
	dir := t.TempDir()
	const lives = 25
	reported := make([]int, lives)
	for life := range lives {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), victim+"="+dir, "LIFE="+strconv.Itoa(life))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		fatal(t, err)
		fatal(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("life %d: %s", life, lines.Text())
			}
			reported[life] = n
			if n > 300*(life%9)+life { // some die while they tidy up after the one before, most in the middle of their work
				cmd.Process.Kill()
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("life %d: %v", life, err)
		}
	}
	now := &clock{}
	at := time.Now()
	now.at.Store(&at)
	s, said := rotating(t, filepath.Join(dir, "log"), killedRotation, now)
	sweep(t, s)
	if n := s.Torn(); n > 1 {
		t.Errorf("%d torn lines at once", n)
	}
	fatal(t, s.Close())
	got := tree(t, dir)
	for name := range got {
		if name != "log" && !strings.HasSuffix(name, ".zst") {
			t.Errorf("%s is left", name)
		}
	}
	numbers := slices.Sorted(maps.Keys(got))
	slices.SortFunc(numbers, func(a, b string) int { return numberOf(b) - numberOf(a) })
	life, next := -1, 0
	for _, name := range numbers {
		for text := range strings.Lines(got[name]) {
			var ofLife, n int
			var rest string
			if c, _ := fmt.Sscanf(text, "%d %d %s", &ofLife, &n, &rest); c != 3 || rest != strings.Repeat("x", 60) || text[len(text)-1] != '\n' {
				if life >= 0 && next < reported[life] {
					t.Fatalf("%s: %.80q of life %d before line %d of %d", name, text, life, next, reported[life])
				}
				continue // torn: the next line is of another life
			}
			if ofLife != life {
				if life >= 0 && next < reported[life] {
					t.Fatalf("%s: life %d has %d lines, %d were reported", name, life, next, reported[life])
				}
				life, next = ofLife, 0
			}
			if n != next {
				t.Fatalf("%s: line %d of life %d, where %d should be", name, n, life, next)
			}
			next++
		}
	}
	if life < 0 || next < reported[life] {
		t.Errorf("life %d has %d lines, %d were reported", life, next, reported[life])
	}
	if said.Len() > 0 {
		t.Error("said", said)
	}
}

var killedRotation = Rotation{Size: 8 << 10, Compress: Zstd}

func numberOf(name string) int {
	_, t, _ := cutTail(name)
	return t.number
}

// beKilled writes until it is, and says how many lines are written.
func beKilled(t *testing.T, dir string) {
	o := DefaultFileOptions()
	o.Rotate = killedRotation
	s, err := NewFileSink(filepath.Join(dir, "log"), o)
	fatal(t, err)
	fatal(t, s.UseRotation(filepath.Join(dir, "log"), time.UTC, slog.Default()))
	life := os.Getenv("LIFE")
	for n := 0; ; {
		var lines []line
		for range 10 {
			lines = append(lines, line{"", fmt.Sprintf("%s %d %s", life, n, strings.Repeat("x", 60))})
			n++
		}
		fatal(t, s.Write(blockOf(lines...)))
		s.Tick()
		fmt.Println(n)
	}
}

// Ten thousand hosts, mixed at random: each file has its own lines, in order, and no more files are open than may be.
func TestTenThousandHosts(t *testing.T) {
	const hosts, rounds = 10000, 4
	dir := t.TempDir()
	s := openFile(t, "", DefaultFileOptions())
	q := newQueue(t, QueueOptions{Memory: 8 << 20}, dir+"/{hostname}.log")
	for n := range rounds * hosts {
		b := batchOf(0, strconv.Itoa(n/hosts))
		b.Messages[0].Hostname = []byte("host" + strconv.Itoa(n*7919%hosts))
		q.Append(b, []int32{0})
		if n%5000 == 0 || n == rounds*hosts-1 {
			for block, _ := q.tryTake(); block != nil; block, _ = q.tryTake() {
				fatal(t, s.Write(block))
				q.settle()
			}
			if n := s.many.opened.Len(); n > s.options.MaxOpen || len(s.many.known) > s.options.MaxOpen {
				t.Fatalf("%d files are open, %d known", n, len(s.many.known))
			}
		}
	}
	fatal(t, s.Close())
	for n := range hosts {
		holds(t, filepath.Join(dir, "host"+strconv.Itoa(n)+".log"), "0\n1\n2\n3\n")
	}
	if q.Dropped() > 0 {
		t.Errorf("%d dropped", q.Dropped())
	}
}
