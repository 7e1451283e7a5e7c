package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// logrotate runs Debian's logrotate once, whether the files are due or not.
func logrotate(t *testing.T, conf string, args ...string) {
	t.Helper()
	cmd := exec.Command("logrotate", append(args, "--state", conf+".state", conf)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("logrotate: %v\n%s", err, out)
	}
}

// accounts reads all lines below dir, each "NUMBER xxx..x", and returns how often each number came whole. A line that is
// not whole counts as torn.
func accounts(t *testing.T, dir string) (seen map[int]int, torn int) {
	t.Helper()
	seen = map[int]int{}
	for _, text := range tree(t, dir) {
		for l := range strings.Lines(text) {
			var number int
			if _, err := fmt.Sscanf(l, "%d ", &number); err != nil || l != numberedLine(number)+"\n" {
				torn++
				continue
			}
			seen[number]++
		}
	}
	return seen, torn
}

func numberedLine(n int) string { return fmt.Sprintf("%d %s", n, strings.Repeat("x", 100+n%50)) }

// While somebody else moves, removes, copies and truncates the file, every line is written once and whole; what
// copytruncate loses it has lost itself, between its copy and its truncate.
func TestRotatedByOthers(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		lacks(t, err)
	}
	rotateWith := func(directives string) func(t *testing.T, dir string, round int) {
		return func(t *testing.T, dir string, round int) {
			conf := filepath.Join(t.TempDir(), "conf")
			fatal(t, os.WriteFile(conf, []byte(dir+"/x.log {\nrotate 100\nsu root root\n"+directives+"\n}\n"), 0o644))
			logrotate(t, conf, "-f")
		}
	}
	move := func(t *testing.T, dir string, round int) {
		waitUntil(t, "the file is there", func() bool { _, err := os.Stat(dir + "/x.log"); return err == nil })
		fatal(t, os.Rename(dir, fmt.Sprint(filepath.Dir(dir), "/moved", round)))
	}
	for _, c := range []struct {
		name   string
		rotate func(t *testing.T, dir string, round int)
		loses  bool
	}{
		{"create", rotateWith("create 0640"), false},
		{"nocreate", rotateWith("nocreate"), false},
		{"compress", rotateWith("nocreate\ncompress\ndelaycompress"), false},
		{"copytruncate", rotateWith("copytruncate"), true},
		{"the folder moved away", move, false},
		{"the folder moved away and remade", func(t *testing.T, dir string, round int) {
			move(t, dir, round)
			if err := os.Mkdir(dir, 0o755); !errors.Is(err, fs.ErrExist) { // the sink may have been quicker
				fatal(t, err)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			dir := filepath.Join(root, "log")
			fatal(t, os.Mkdir(dir, 0o755))
			sink := openFile(t, filepath.Join(dir, "x.log"), DefaultFileOptions())
			rotated, stop := make(chan struct{}), make(chan struct{})
			written := make(chan int)
			go func() {
				n := 0
				for {
					select {
					case <-stop:
						written <- n
						return
					default:
					}
					var lines []line
					for range 200 {
						lines = append(lines, line{"", numberedLine(n)})
						n++
					}
					if err := sink.Write(blockOf(lines...)); err != nil {
						t.Error(err)
					}
					select { // so that each rotation finds something
					case rotated <- struct{}{}:
					default:
					}
				}
			}()
			for round := range 15 {
				<-rotated
				c.rotate(t, dir, round)
			}
			<-rotated
			close(stop)
			n := <-written
			fatal(t, sink.Close())
			seen, torn := accounts(t, root)
			missing, doubled := 0, 0
			for i := range n {
				switch times := seen[i]; {
				case times == 0:
					missing++
				case times > 1:
					doubled++
				}
			}
			t.Logf("%d lines, %d missing, %d doubled, %d torn", n, missing, doubled, torn)
			if doubled > 0 || !c.loses && (missing > 0 || torn > 0) {
				t.Errorf("of %d lines %d are missing, %d doubled and %d torn", n, missing, doubled, torn)
			}
			if torn > 15 { // a copy can end within a line: one of those that it loses
				t.Errorf("%d lines are torn", torn)
			}
		})
	}
}

// What we ship is what logrotate understands.
func TestShippedLogrotate(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		lacks(t, err)
	}
	text, err := os.ReadFile("../etc/logrotate.sluice")
	fatal(t, err)
	dir := t.TempDir()
	fatal(t, os.MkdirAll(dir+"/sluice", 0o755))
	fatal(t, os.WriteFile(dir+"/sluice/x.log", []byte("a\n"), 0o640))
	conf := filepath.Join(dir, "conf")
	fatal(t, os.WriteFile(conf, []byte(strings.ReplaceAll(string(text), "/var/log", dir)), 0o644))
	logrotate(t, conf, "-d")
	logrotate(t, conf, "-f")
	holds(t, dir+"/sluice/x.log.1", "a\n")
}
