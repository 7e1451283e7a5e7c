package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// underSystemd reports whether a service manager has started us, or who did.
func underSystemd() bool { return os.Getenv("INVOCATION_ID") != "" || os.Getenv("NOTIFY_SOCKET") != "" }

// withRemedy adds to a fault that our unit can be the reason of what prints a unit that is not. It leaves any other as it is.
func withRemedy(err error) error {
	if !underSystemd() || !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) { // EPERM and EACCES
		return err
	}
	return fmt.Errorf("%w (if the unit forbids it: sluice generate systemd prints one that does not)", err)
}

// remedies does so for the errors that are logged.
func remedies(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.AnyValue(withRemedy(err))
	}
	return a
}

// unitLacks says what of the configuration the unit that we run in does not allow. Its ExecStartPre=sluice check asks.
func (c *Config) unitLacks() (lacks []string, err error) {
	if !underSystemd() {
		return nil, nil
	}
	p, err := c.footprint()
	if err != nil {
		return nil, err
	}
	for _, folder := range outermost(slices.Concat(p.Folders, p.Sockets)) {
		if err := unix.Access(existing(folder), unix.W_OK); err == unix.EROFS || err == unix.EACCES {
			lacks = append(lacks, fmt.Sprintf("%s: %v", folder, withRemedy(err)))
		}
	}
	return lacks, nil
}
