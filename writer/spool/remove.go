package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove deletes the folder of a spool that is empty and that nobody uses. One that still holds anything, be it only what
// was damaged, stays.
func Remove(dir string) error {
	folder, err := readFolder(dir)
	if err != nil || len(folder.numbers) > 0 || folder.bad > 0 {
		return err
	}
	for _, file := range []string{cursorName, lockName} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Remove(dir)
}
