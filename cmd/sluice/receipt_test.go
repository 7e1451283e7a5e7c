package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// At the end of a drain a full target takes no more, and what waits for it is shed. Nobody gets a receipt for that: no FIN
// over TCP, and no XACK, so that it is sent, and read, again.
func TestNoReceiptForShed(t *testing.T) {
	const line = "<13>Nov 20 15:17:52 web1 shop: sold\n"
	start := func(t *testing.T, dir, input string) *process {
		return run(t, dir, "sluice.yaml", `{state_dir: state, shutdown: 500ms, inputs: [`+input+`], rules: [{to:
  {forward: "tcp://127.0.0.1:1", queue: {memory: 64KiB, spool: 0, when_full: block, block_for: 0s}}}]}`)
	}
	end := func(t *testing.T, p *process) {
		poll(t, func() error {
			s, err := statusAt(filepath.Join(p.dir, "state", "control.sock"))
			if err == nil && s.Targets[0].QueueBytes < 64<<10 {
				err = fmt.Errorf("it holds %d bytes and is not full", s.Targets[0].QueueBytes)
			}
			return err
		})
		fatal(t, p.cmd.Process.Signal(syscall.SIGTERM))
	}
	ended := func(t *testing.T, p *process) {
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
		if log := p.log(); !strings.Contains(log, "messages lost") {
			t.Errorf("it does not say what was shed:\n%s", log)
		}
	}
	t.Run("tcp", func(t *testing.T) {
		p := start(t, t.TempDir(), `"tcp://127.0.0.1:0"`)
		conn, err := net.Dial("tcp", p.address["tcp"])
		fatal(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, strings.Repeat(line, 5000))
		fatal(t, err)
		fatal(t, conn.(*net.TCPConn).CloseWrite())
		end(t, p)
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a receipt for what was shed: %v", err)
		}
		ended(t, p)
	})
	stream := func(t *testing.T, dir string, acknowledged bool) {
		address, client := startRedis(t)
		pipe := client.Pipeline()
		for range 5000 {
			pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", Values: []string{"msg", line}})
		}
		_, err := pipe.Exec(t.Context())
		fatal(t, err)
		p := start(t, dir, `{redis: "redis://`+address+`", streams: s}`)
		if !acknowledged {
			fatal(t, os.WriteFile(filepath.Join(dir, "state", "filler"), make([]byte, 64<<10), 0o600))
		}
		end(t, p)
		ended(t, p)
		groups, err := client.XInfoGroups(t.Context(), "s").Result()
		fatal(t, err)
		if len(groups) != 1 || groups[0].Pending == 0 {
			t.Fatalf("%+v: all that was read is acknowledged", groups)
		}
		if some := groups[0].Pending < groups[0].EntriesRead; some != acknowledged {
			t.Errorf("%+v: is some of it acknowledged: %v, want %v", groups[0], some, acknowledged)
		}
	}
	t.Run("stream", func(t *testing.T) { stream(t, t.TempDir(), true) })
	t.Run("stream, and the state disk is full", func(t *testing.T) {
		dir := t.TempDir()
		fatal(t, os.Mkdir(filepath.Join(dir, "state"), 0o755))
		onTmpfs(t, filepath.Join(dir, "state"), "size=72k")
		stream(t, dir, false)
	})
}
