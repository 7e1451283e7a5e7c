//go:build !race

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A backlog of any size takes the queue's memory and 40 MB: here 200 MB for a collector that is away.
func TestBacklogMemory(t *testing.T) {
	dir := t.TempDir()
	p := run(t, dir, "sluice.yaml", `{state_dir: state, shutdown: 1s, inputs: ["tcp://127.0.0.1:0"], rules: [{to: "tcp://127.0.0.1:1"}]}`)
	line := "<13>Nov 20 15:17:52 host app: " + strings.Repeat("x", 169) + "\n"
	for range 20 {
		fatal(t, sendForReceipt(p.address["tcp"], strings.Repeat(line, 50_000)))
	}
	const limit = (16 + 40) << 10 // KB
	if peak := statusOf(t, p.cmd.Process.Pid, "VmHWM"); peak > limit {
		t.Errorf("the peak was %d KB, want at most %d", peak, limit)
	}
	p.stop()
	var spooled int64
	fatal(t, filepath.Walk(filepath.Join(dir, "state", "spool"), func(_ string, st os.FileInfo, err error) error {
		if err == nil {
			spooled += st.Size()
		}
		return err
	}))
	if spooled < 199e6 {
		t.Errorf("%d bytes in the spool", spooled)
	}
}
