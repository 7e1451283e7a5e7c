package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A kernelCursor is how far the kernel's log has come to rest: the boot it belongs to, for the sequence begins anew with
// each, and the number of the last record.
type kernelCursor struct {
	boot     string
	sequence uint64
}

// readBoot names the boot that this is.
func readBoot() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// cursorPath is the file in which an input keeps its cursor.
func cursorPath(folder, name string) string {
	return filepath.Join(folder, "kernel", url.PathEscape(name)+".cursor")
}

// readKernelCursor reads what save wrote. ok is false where there is none.
func readKernelCursor(path string) (c kernelCursor, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if n, _ := fmt.Sscanf(string(text), "%s %d\n", &c.boot, &c.sequence); n != 2 {
		return c, false, fmt.Errorf("%s: not a boot and a number, but %.60q", path, text)
	}
	return c, true, nil
}

// save replaces the file at path, which at each moment holds a whole cursor.
func (c kernelCursor) save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".cursor-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is in its place
	_, err = fmt.Fprintf(file, "%s %d\n", c.boot, c.sequence)
	if err == nil {
		err = file.Sync()
	}
	if inner := file.Close(); err == nil {
		err = inner
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}
