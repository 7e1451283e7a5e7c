package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// A runAs is whom sluice becomes once everything is open that needs root.
type runAs struct {
	name     string // as it was configured
	uid, gid int    // -1: it stays what it is
	groups   []int  // all of them
}

// owner and group are what files get that say nothing else: those of whom sluice becomes.
func (r *runAs) owner() string { return number(r, func() int { return r.uid }) }
func (r *runAs) group() string { return number(r, func() int { return r.gid }) }

// number is a number as owner: and group: take it; nothing where there is none.
func number(r *runAs, n func() int) string {
	if r == nil || n() < 0 {
		return ""
	}
	return strconv.Itoa(n())
}

// lookUpUser finds out whom `user:` and `group:` mean. Without root sluice stays who it is, and says so if that is somebody
// else.
func (c *Config) lookUpUser(log *slog.Logger) error {
	if c.User == "" && c.Group == "" {
		return nil
	}
	as, err := findUser(c.User, c.Group)
	if err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		c.runAs = as
		return nil
	}
	if as.uid >= 0 && as.uid != os.Geteuid() || as.gid >= 0 && as.gid != os.Getegid() {
		log.Warn("only root can become somebody else: user and group are left as they are", "configured", as.name, "uid", os.Geteuid(), "gid", os.Getegid())
	}
	return nil
}

// findUser looks up a user and a group, either of which may be a number or empty. A user brings all his groups; group, if
// there is one, takes the place of the first of them.
func findUser(userName, groupName string) (*runAs, error) {
	as := &runAs{name: userName, uid: -1, gid: -1}
	if userName != "" {
		u, err := user.Lookup(userName)
		if n, wrong := strconv.ParseUint(userName, 10, 31); err != nil && wrong == nil {
			as.uid = int(n)
			if u, err = user.LookupId(userName); err != nil && groupName == "" {
				return nil, fmt.Errorf("user: nobody has the number %s, so that group: has to say which group it is in", userName)
			}
		} else if err != nil {
			return nil, fmt.Errorf("user: there is no user %q", userName)
		}
		if err == nil {
			as.uid, _ = strconv.Atoi(u.Uid)
			as.gid, _ = strconv.Atoi(u.Gid)
			ids, err := u.GroupIds()
			if err != nil {
				return nil, fmt.Errorf("user: the groups of %s: %w", userName, err)
			}
			for _, id := range ids {
				if n, err := strconv.Atoi(id); err == nil {
					as.groups = append(as.groups, n)
				}
			}
		}
	}
	if groupName != "" {
		as.name += ":" + groupName
		g, err := user.LookupGroup(groupName)
		if n, wrong := strconv.ParseUint(groupName, 10, 31); err != nil && wrong == nil {
			as.gid = int(n)
		} else if err != nil {
			return nil, fmt.Errorf("group: there is no group %q", groupName)
		} else {
			as.gid, _ = strconv.Atoi(g.Gid)
		}
	}
	if !slices.Contains(as.groups, as.gid) {
		as.groups = append(as.groups, as.gid)
	}
	return as, nil
}

// becomeUser gives up root, if that is configured, and warns of what will be missed. What is open stays open. The kernel
// takes all capabilities away with the user number 0.
func (d *daemon) becomeUser() error {
	as := d.now().cfg.runAs
	if as == nil {
		return nil
	}
	if err := d.giveAway(as); err != nil {
		return fmt.Errorf("user %s: %w", as.name, err)
	}
	if err := as.become(); err != nil {
		return fmt.Errorf("becoming %s: %w", as.name, err)
	}
	d.sayLacks(d.now().cfg)
	return nil
}

// become makes all threads of this process those of r.
func (r *runAs) become() error {
	const needs = "%w (it needs CAP_SETUID and CAP_SETGID)"
	if err := syscall.Setgroups(r.groups); err != nil {
		return fmt.Errorf(needs, err)
	}
	if err := syscall.Setgid(r.gid); err != nil {
		return fmt.Errorf(needs, err)
	}
	if r.uid < 0 {
		return nil
	}
	if err := syscall.Setuid(r.uid); err != nil {
		return fmt.Errorf(needs, err)
	}
	if r.uid > 0 && syscall.Setuid(0) == nil {
		return errors.New("root could be had again")
	}
	return nil
}
