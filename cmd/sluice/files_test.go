package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sendForReceipt sends lines over a connection of its own, and waits for the receipt: the FIN that comes when all is at rest.
func sendForReceipt(address, lines string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(lines)); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err.Error() != "EOF" {
		return fmt.Errorf("no receipt: %d bytes, %w", n, err)
	}
	return nil
}

// 200 senders at once into one file: every line is whole, and each sender's lines are in their order.
func TestManySendersOneFile(t *testing.T) {
	const senders, each = 200, 500
	dir := t.TempDir()
	const config = `{state_dir: state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: {file: ./out.log, format: "{message}"}}]}`
	p := run(t, dir, "sluice.yaml", config)
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			var lines strings.Builder
			for i := range each {
				fmt.Fprintf(&lines, "<13>Nov 20 15:17:52 host app: %d %d %s\n", s, i, strings.Repeat("x", (s+i)%200))
			}
			if err := sendForReceipt(p.address["tcp"], lines.String()); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	text, err := os.ReadFile(filepath.Join(dir, "out.log"))
	fatal(t, err)
	next := make([]int, senders)
	for line := range strings.Lines(string(text)) {
		var s, i int
		if _, err := fmt.Sscanf(line, "%d %d", &s, &i); err != nil || line != fmt.Sprintf("%d %d %s\n", s, i, strings.Repeat("x", (s+i)%200)) {
			t.Fatalf("torn: %q", line)
		}
		if i != next[s] {
			t.Fatalf("sender %d: line %d where %d was to come", s, i, next[s])
		}
		next[s]++
	}
	for s, n := range next {
		if n != each {
			t.Errorf("%d lines of sender %d, want %d", n, s, each)
		}
	}
}

// The daemon is killed while it writes. What it gave a receipt for is in the file; at most the last line is torn, and the
// next daemon ends it before it writes its own.
func TestKilledWhileWriting(t *testing.T) {
	const kills = 10
	dir := t.TempDir()
	out := filepath.Join(dir, "out.log")
	const config = `{state_dir: state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: {file: ./out.log, format: "{message}"}}]}`
	const format = "%d:%d %s."
	receipts, sent := map[[2]int]bool{}, 0
	for k := range kills {
		p := run(t, dir, "sluice.yaml", config)
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { p.kill(); close(killed) })
		for n := 0; ; n++ {
			var lines bytes.Buffer
			for i := range 100 {
				fmt.Fprintf(&lines, "<13>Nov 20 15:17:52 host app: "+format+"\n", k, n*100+i, strings.Repeat("x", 300))
			}
			if sendForReceipt(p.address["tcp"], lines.String()) != nil {
				break
			}
			sent += 100
			for i := range 100 {
				receipts[[2]int{k, n*100 + i}] = true
			}
		}
		<-killed
	}
	run(t, dir, "sluice.yaml", config)
	text, err := os.ReadFile(out)
	fatal(t, err)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		t.Error("the last line is not ended")
	}
	torn := 0
	for line := range strings.Lines(string(text)) {
		var k, n int
		if _, err := fmt.Sscanf(line, "%d:%d", &k, &n); err != nil || line != fmt.Sprintf(format+"\n", k, n, strings.Repeat("x", 300)) {
			torn++
			continue
		}
		delete(receipts, [2]int{k, n})
	}
	t.Logf("%d messages with a receipt, %d torn lines in %d kills", sent, torn, kills)
	if len(receipts) > 0 || torn > kills {
		t.Errorf("%d messages with a receipt are missing, %d lines are torn", len(receipts), torn)
	}
}

// A sender who invents 10,000 hosts gets as many files, through 256 descriptors.
func TestTenThousandHosts(t *testing.T) {
	const hosts = 10_000
	dir := t.TempDir()
	const config = `{state_dir: state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: {file: "./hosts/{hostname}.log", format: "{message}"}}]}`
	p := run(t, dir, "sluice.yaml", config)
	var lines bytes.Buffer
	for round := range 2 {
		for h := range hosts + 5 { // and five for which there is no file left
			fmt.Fprintf(&lines, "<13>Nov 20 15:17:52 h%d app: %d\n", h, round)
		}
	}
	fatal(t, sendForReceipt(p.address["tcp"], lines.String()))
	files, err := os.ReadDir(filepath.Join(dir, "hosts"))
	fatal(t, err)
	if len(files) != hosts+1 {
		t.Errorf("%d files, want %d and _other.log", len(files), hosts)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, "hosts", f.Name()))
		fatal(t, err)
		want := "0\n1\n"
		if f.Name() == "_other.log" {
			want = "0\n0\n0\n0\n0\n1\n1\n1\n1\n1\n"
		}
		if string(text) != want {
			t.Fatalf("%s holds %q", f.Name(), text)
		}
	}
}
