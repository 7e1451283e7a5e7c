package spool

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// crashing says to the test's own binary that it is the process to be killed, and in which folder.
const crashing = "SPOOL_TEST_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashing); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

// crashOptions make segments small and, in each other spool, every append wait for the disk.
func crashOptions(dir string) Options {
	return Options{Size: 1 << 20, Fsync: time.Duration(len(dir)%2) * time.Second}
}

// appendForEver appends numbered records, and says each when it is appended, and before it is released.
func appendForEver(dir string) {
	s, err := Open(dir, crashOptions(dir), quiet)
	if err != nil {
		fmt.Println("open", err)
		os.Exit(1)
	}
	var r Record
	for i := 0; ; i++ {
		if err := s.Append(numbered(i, 1+i%20, 100)); err != nil && err != ErrFull {
			fmt.Println("append", err)
			os.Exit(1)
		} else if err == nil {
			fmt.Println("a", i)
		}
		if i%4 == 3 {
			for range 3 {
				if ok, _ := s.Next(&r); ok {
					var number int
					fmt.Sscanf(first(&r), "%d.", &number)
					fmt.Println("r", number)
				}
			}
			s.Release(3)
		}
		if i%50 == 49 {
			s.Sync()
			fmt.Println("s", 0)
		}
	}
}

// A process is killed while it appends and releases. All that it said it had appended is there, but for what it had
// released; what it had released before it last synced is not.
func TestKilled(t *testing.T) {
	self, err := os.Executable()
	fatal(t, err)
	for round := range 20 {
		dir := fmt.Sprintf("%s/%0*d", memory(t), 1+round%2, 0)
		r := rand.New(rand.NewPCG(uint64(round), 7))
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), crashing+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		fatal(t, err)
		fatal(t, cmd.Start())

		var appended, released, synced []int
		read := func(line string) {
			var what string
			var i int
			if n, _ := fmt.Sscanln(line, &what, &i); n != 2 {
				t.Fatalf("it said %q", line)
			}
			switch what {
			case "a":
				appended = append(appended, i)
			case "r":
				released = append(released, i)
			case "s":
				synced = append([]int(nil), released...)
			}
		}
		lines := bufio.NewReader(out)
		for range 1 + r.IntN(2000) {
			line, err := lines.ReadString('\n')
			fatal(t, err)
			read(line)
		}
		fatal(t, cmd.Process.Kill())
		for { // what it said before it died
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			fatal(t, err)
			read(line)
		}
		cmd.Wait()

		s := open(t, dir, crashOptions(dir), quiet)
		there := map[int]bool{}
		last := -1
		for _, r := range rest(t, s) {
			var i int
			fmt.Sscanf(first(r), "%d.", &i)
			if i <= last || !same(r, numbered(i, 1+i%20, 100)) {
				t.Fatalf("record %d behind %d", i, last)
			}
			there[i], last = true, i
		}
		may := map[int]bool{}
		for _, i := range released {
			may[i] = true
		}
		for _, i := range appended {
			if !there[i] && !may[i] {
				t.Errorf("record %d of %d is lost", i, len(appended))
			}
		}
		for _, i := range synced {
			if there[i] {
				t.Errorf("record %d comes again, and was released before the last sync", i)
			}
		}
		if s.Damaged() != 0 || s.Lost() != 0 {
			t.Errorf("damaged %d, lost %d", s.Damaged(), s.Lost())
		}
		fatal(t, s.Close())
	}
}
