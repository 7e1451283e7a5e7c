package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A fault that a unit may be the reason of names the command that makes a better one.
func TestRemedy(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	for _, c := range []struct {
		err   error
		named bool
	}{
		{syscall.EROFS, true},
		{syscall.EACCES, true},
		{syscall.EPERM, true},
		{syscall.ENOSPC, false},
		{syscall.ECONNREFUSED, false},
	} {
		err := fmt.Errorf("/var/log/x.log: %w", c.err)
		got := fmt.Sprint(remedies(nil, slog.Any("error", err)).Value)
		want := err.Error()
		if c.named {
			want += " (if the unit forbids it: sluice generate systemd prints one that does not)"
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The daemon's log says it, where a service manager has started us.
func TestRemedyInTheLog(t *testing.T) {
	for _, c := range []struct {
		variable string
		named    bool
	}{{"INVOCATION_ID", true}, {"UNRELATED", false}} {
		t.Run(c.variable, func(t *testing.T) {
			t.Setenv("INVOCATION_ID", "")
			t.Setenv("NOTIFY_SOCKET", "")
			t.Setenv(c.variable, "0123456789abcdef")
			file, err := os.Create(filepath.Join(t.TempDir(), "log"))
			fatal(t, err)
			defer file.Close()
			stderr := os.Stderr
			os.Stderr = file
			logOptions{Level: "info", Format: "text"}.logger().Error("cannot write, trying again", "error", &fs.PathError{Op: "open", Path: "/var/log/x.log", Err: syscall.EROFS})
			os.Stderr = stderr
			text, err := os.ReadFile(file.Name())
			fatal(t, err)
			if got := strings.Contains(string(text), "sluice generate systemd"); got != c.named {
				t.Errorf("named: %v\n%s", got, text)
			}
		})
	}
}
