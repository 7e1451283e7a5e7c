package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Two hundred senders at once, over TCP, into one file that is rotated meanwhile: each line is whole, and there once, and
// those of each sender are in their order.
func TestTwoHundredSenders(t *testing.T) {
	const senders, lines, size = 200, 500, 1 << 20
	dir := t.TempDir()
	p := run(t, dir, "sluice.yaml", fmt.Sprintf(
		`{state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: {file: ./out/log, format: "{message}", rotate: {size: %d}}}]}`, size))
	line := func(sender, n int) string {
		return fmt.Sprintf("sender %d line %d %s", sender, n, strings.Repeat("x", (sender*31+n*17)%300))
	}
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			c, err := net.Dial("tcp", p.address["tcp"])
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for n := range lines {
				if _, err := fmt.Fprintf(c, "<13>%s\n", line(sender, n)); err != nil {
					t.Error(err)
					return
				}
			}
			c.(*net.TCPConn).CloseWrite()
			if _, err := io.Copy(io.Discard, c); err != nil { // its FIN is the receipt
				t.Error(err)
			}
		})
	}
	all.Wait()
	old, err := filepath.Glob(filepath.Join(dir, "out", "log.*"))
	if err != nil || len(old) < 10 {
		t.Errorf("%d old files, %v", len(old), err)
	}
	next := make([]int, senders)
	for n := len(old); n >= 0; n-- {
		path := filepath.Join(dir, "out", "log")
		if n > 0 {
			path += "." + strconv.Itoa(n)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > size {
			t.Errorf("%s has %d bytes", path, len(text))
		}
		for got := range strings.Lines(string(text)) {
			var sender int
			if _, err := fmt.Sscanf(got, "sender %d line", &sender); err != nil || sender < 0 || sender >= senders {
				t.Fatalf("%q", got)
			}
			if want := line(sender, next[sender]) + "\n"; got != want {
				t.Fatalf("%.40q, want %.40q", got, want)
			}
			next[sender]++
		}
	}
	for sender, n := range next {
		if n != lines {
			t.Errorf("sender %d has %d lines, want %d", sender, n, lines)
		}
	}
	p.stop()
}
