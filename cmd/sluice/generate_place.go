package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An account is who will run sluice.
type account struct {
	user, group string // empty: root's
	uid         uint32
	gids        []uint32
}

func (a account) root() bool { return a.uid == 0 }

// gid is the account's own group.
func (a account) gid() uint32 {
	if len(a.gids) == 0 {
		return 0
	}
	return a.gids[0]
}

// accountOf looks a user up; an empty name is root.
func accountOf(name string) (a account, err error) {
	if name == "" {
		return a, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return a, fmt.Errorf("--user: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil || uid == 0 {
		return a, err
	}
	a = account{user: u.Username, group: u.Gid, uid: uint32(uid)}
	if g, err := user.LookupGroupId(u.Gid); err == nil {
		a.group = g.Name
	}
	groups, err := u.GroupIds()
	for _, g := range append([]string{u.Gid}, groups...) {
		if gid, wrong := strconv.ParseUint(g, 10, 32); wrong == nil {
			a.gids = append(a.gids, uint32(gid))
		}
	}
	if err != nil {
		return a, fmt.Errorf("--user %s: %w", name, err)
	}
	return a, nil
}

// mayWrite reports whether the account can make files in a folder. Root can, or gets the power to.
func (a account) mayWrite(folder string) bool {
	info, err := os.Stat(folder)
	if a.root() || err != nil {
		return a.root()
	}
	st, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
	switch {
	case st.Uid == a.uid:
		return mode&0o300 == 0o300
	case slices.Contains(a.gids, st.Gid):
		return mode&0o030 == 0o030
	}
	return mode&0o003 == 0o003
}

// install is the command that makes a folder this account's.
func (a account) install(folder string) string {
	if a.root() {
		return "install -d -m 0750 " + shellWord(folder)
	}
	return fmt.Sprintf("install -d -m 0750 -o %s -g %s %s", a.user, a.group, shellWord(folder))
}

// existing is the path, or the nearest folder above it that is there.
func existing(path string) string {
	for path != "/" {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			break
		}
		path = filepath.Dir(path)
	}
	return path
}

// resolved is the path with the links in what is there of it followed.
func resolved(path string) string {
	there := existing(path)
	real, err := filepath.EvalSymlinks(there)
	if err != nil {
		return path
	}
	return filepath.Join(real, strings.TrimPrefix(path, there))
}

// ofOthers reports whether the path, or a folder on the way to it, belongs to somebody else than root, who may close it to
// a root without CAP_DAC_OVERRIDE.
func ofOthers(path string) bool {
	if !filepath.IsAbs(path) {
		return false
	}
	for path = resolved(existing(path)); path != "/"; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil && info.Sys().(*syscall.Stat_t).Uid != 0 {
			return true
		}
	}
	return false
}

// under reports whether a path is one of the folders, or in one.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") })
}

// outermost leaves out what is in another of the folders.
func outermost(folders []string) (outer []string) {
	for _, folder := range distinct(folders) { // a folder comes before what is in it
		if !under(folder, outer...) {
			outer = append(outer, folder)
		}
	}
	return outer
}

// shellWord quotes a word for a shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) && !strings.Contains(s, "$") {
		return s
	}
	s = strings.ReplaceAll(s, "\n", "?") // it stands in comments
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
