package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// soakLogs are the files of each place but the collector, with what logrotate makes of their names.
var soakLogs = map[string]string{"plain": "plain-?.log", "by": "by/*/*.log", "small": "small/small.log"}

// fillDisk takes all the room of a file system, and gives it back after a while.
func fillDisk(dir string, hold time.Duration) error {
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0 && err == nil; {
		if _, err = f.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
			size, err = size/4, nil
		}
	}
	<-time.After(hold)
	return errors.Join(err, os.Remove(filler))
}

// logrotate has Debian's logrotate move all files away, and then takes the account of those that the daemon has let go.
func (s *soak) logrotate(directives string) error {
	conf := filepath.Join(s.dir, "logrotate.conf")
	var text strings.Builder
	for _, files := range soakLogs {
		fmt.Fprintf(&text, "%s ", filepath.Join(s.dir, files))
	}
	fmt.Fprintf(&text, "{\nsu root root\nmissingok\nrotate 50\nsharedscripts\n%s\n}\n", strings.ReplaceAll(directives, "$PID", s.daemon.pidFile()))
	if err := os.WriteFile(conf, []byte(text.String()), 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("logrotate", "-f", "--state", conf+".state", conf).CombinedOutput(); err != nil {
		return fmt.Errorf("logrotate: %w: %s", err, out)
	}
	return s.harvest(false)
}

// harvest enters the lines of files into the ledger, and removes them: of those that were moved away and that the daemon
// does not have open, or, when it is over, of all.
func (s *soak) harvest(over bool) error {
	held := map[string]bool{}
	if pid, err := os.ReadFile(s.daemon.pidFile()); err == nil {
		links, _ := filepath.Glob("/proc/" + string(pid) + "/fd/*")
		for _, link := range links {
			file, _ := os.Readlink(link)
			held[file] = true
		}
	} else if !over {
		return nil // it is starting, or on its way out: next time
	}
	for place, files := range soakLogs {
		matches, err := filepath.Glob(filepath.Join(s.dir, files+"*"))
		if err != nil {
			return err
		}
		for _, file := range matches {
			if _, err := strconv.Atoi(filepath.Ext(file)[1:]); !held[file] && (err == nil || over) {
				if err := s.enter(place, file); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *soak) enter(place, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadString('\n')
		if line != "" {
			s.ledger.arrived(place, strings.TrimSuffix(line, "\n"))
		}
		if err == io.EOF {
			return os.Remove(file)
		}
		if err != nil {
			return err
		}
	}
}
