package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// stateNames are what sluice makes in its state folder.
var stateNames = []string{"lock", "spool", "kernel", "control.sock"}

// giveAway gives as what root has made for sluice alone: what is in the state folder, the folder too if there is nothing
// else in it, and the socket of the commands.
func (d *daemon) giveAway(as *runAs) error {
	cfg := d.now().cfg
	var faults []error
	state, err := os.Open(cfg.StateDir)
	if err != nil {
		return err
	}
	defer state.Close()
	names, err := state.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.Contains(stateNames, name) {
			faults = append(faults, as.give(int(state.Fd()), name))
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(stateNames, name) }) {
		faults = append(faults, as.giveOne(int(state.Fd()), unix.O_DIRECTORY, "."))
	}
	if d.control != nil {
		faults = append(faults, as.giveOne(unix.AT_FDCWD, 0, cfg.Control.Path))
		if dir := filepath.Dir(cfg.Control.Path); dir == filepath.Dir(defaultControl(rootState)) { // made for it: so that the socket can be removed
			faults = append(faults, as.giveOne(unix.AT_FDCWD, unix.O_DIRECTORY, dir))
		}
	}
	return errors.Join(faults...)
}

func openFolder(at int, name string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// give gives what is called name in a folder, and all that is in it.
func (r *runAs) give(folder int, name string) error {
	if err := r.giveOne(folder, 0, name); err != nil {
		return err
	}
	inside, err := openFolder(folder, name)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil
	} else if err != nil {
		return err
	}
	defer inside.Close()
	names, err := inside.Readdirnames(-1)
	for _, n := range names {
		err = errors.Join(err, r.give(int(inside.Fd()), n))
	}
	return err
}

// giveOne gives one file, socket or folder of root's. A link is not followed, and what has a second name may be another's: in
// the folder of a user who was here before us anything can lie.
func (r *runAs) giveOne(folder, flags int, name string) error {
	fd, err := unix.Openat(folder, name, flags|unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	if st.Uid != 0 || kind != unix.S_IFDIR && (kind != unix.S_IFREG && kind != unix.S_IFSOCK || st.Nlink != 1) {
		return nil
	}
	if err := unix.Fchownat(fd, "", r.uid, r.gid, unix.AT_EMPTY_PATH); err != nil {
		return &os.PathError{Op: "chown", Path: name, Err: err}
	}
	return nil
}

// sayLacks says what of cfg will not work without root: it is better known now than when a file is rotated.
func (d *daemon) sayLacks(cfg *Config) {
	if cfg.runAs == nil {
		return
	}
	for _, lack := range cfg.runAs.lacks(cfg) {
		d.log.Warn(lack, "user", cfg.runAs.name)
	}
}

func (r *runAs) lacks(cfg *Config) (lacks []string) {
	if !may(cfg.StateDir, unix.W_OK|unix.X_OK) {
		lacks = append(lacks, fmt.Sprintf("state_dir %s cannot be written to: nothing is spooled or saved there", cfg.StateDir))
	}
	for _, t := range cfg.Targets {
		spec, ok := t.spec.(fileSpec)
		if !ok {
			continue
		}
		if lack := r.lackOf(spec); lack != "" {
			lacks = append(lacks, fmt.Sprintf("target %s: %s", t.Name, lack))
		}
		if owner := r.cannotGive(spec); owner != "" {
			lacks = append(lacks, fmt.Sprintf("target %s: new files cannot be given to %s", t.Name, owner))
		}
	}
	for _, file := range append(slices.Clone(cfg.certificates), cfg.File) {
		if file != "" && !may(file, unix.R_OK) {
			lacks = append(lacks, fmt.Sprintf("%s cannot be read again when it changes", file))
		}
	}
	return lacks
}

// lackOf says what cannot be done with the files of a target; nothing if all can.
func (r *runAs) lackOf(spec fileSpec) string {
	folder, fixed := folderOf(spec.File)
	there := nearest(folder)
	canMake := may(there, unix.W_OK|unix.X_OK)
	if !fixed {
		if canMake {
			return ""
		}
		return fmt.Sprintf("files cannot be made in %s", there)
	}
	info, err := os.Stat(spec.File)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !canMake:
		return fmt.Sprintf("%s cannot be made", spec.File)
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case !may(spec.File, unix.W_OK):
		return fmt.Sprintf("%s is open, and cannot be opened again", spec.File)
	case info.Mode().IsRegular() && !canMake:
		return fmt.Sprintf("no files can be made in %s: once %s is rotated there is no new one", there, filepath.Base(spec.File))
	}
	return ""
}

// folderOf is the folder of a path, or as much of it as is known before a message comes.
func folderOf(path string) (folder string, fixed bool) {
	start, _, fields := strings.Cut(path, "{")
	return filepath.Dir(start), !fields
}

// nearest is the folder, or the nearest one above it that there is.
func nearest(folder string) string {
	for {
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

func may(path string, mode uint32) bool { return unix.Access(path, mode) == nil }

// cannotGive is the owner or group of a target's files, if r may not give anything to it.
func (r *runAs) cannotGive(spec fileSpec) string {
	if spec.Owner != "" && r.uid > 0 {
		if o, err := findUser(spec.Owner, ""); err == nil && o.uid != r.uid {
			return spec.Owner
		}
	}
	if spec.Group != "" && r.uid > 0 {
		if g, err := findUser("", spec.Group); err == nil && !slices.Contains(r.groups, g.gid) {
			return spec.Group
		}
	}
	return ""
}
