package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// opened is the daemon of a configuration, with all that this names open and nothing at work, in a folder of its own.
func opened(t *testing.T, conf string) *daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	fatal(t, os.WriteFile(file, []byte(conf), 0o600))
	cfg, err := LoadConfig(file)
	fatal(t, err)
	d, err := newDaemon(cfg, slog.New(slog.DiscardHandler))
	fatal(t, err)
	t.Cleanup(d.close)
	return d
}
