package main

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/syslog"
	"sluice/syslog/listen"
)

// What systemd-journald listens to, where /dev/log leads to it, and where it passes messages on to a syslog daemon.
const (
	journaldSocket  = "/run/systemd/journal/dev-log"
	forwardedSocket = "/run/systemd/journal/syslog"
)

// behindJournald is cfg, or, if its path leads to journald's socket, cfg for the socket to which journald passes on what
// comes there.
func behindJournald(cfg listen.Config) listen.Config {
	if cfg.Transport == syslog.Unixgram && leadsToJournald(cfg.Address) {
		cfg.Address = forwardedSocket
	}
	return cfg
}

// leadsToJournald reports whether path is a link to journald's socket, be journald there or not.
func leadsToJournald(path string) bool {
	to, err := os.Readlink(path)
	if err != nil {
		return false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	return filepath.Clean(to) == journaldSocket
}

// withSockets is cfg with the sockets that are in's, and with journald in mind.
func withSockets(cfg listen.Config, in *Input, e env) (listen.Config, error) {
	there := behindJournald(cfg)
	var err error
	there.Passed, err = passedTo(in, e.inputs)
	there.Owner, there.Group = cmp.Or(there.Owner, e.runAs.owner()), cmp.Or(there.Group, e.runAs.group())
	if there.Address != cfg.Address || slices.ContainsFunc(there.Passed, func(p *listen.Passed) bool { return p.Address == forwardedSocket }) {
		sayJournald(e.log.With("input", in.Name), forwardsToSyslog("/"))
	}
	return there, err
}

func sayJournald(log *slog.Logger, forwards bool) {
	if forwards {
		log.Info("systemd-journald has the socket and passes messages on", "address", "unixgram://"+forwardedSocket)
		return
	}
	log.Warn("systemd-journald has the socket and passes nothing on: set ForwardToSyslog=yes in /etc/systemd/journald.conf.d/syslog.conf under [Journal], and restart systemd-journald")
}

// forwardsToSyslog reports whether journald's configuration (journald.conf(5)) below root says that messages are passed
// on. Without a word about it they are not.
func forwardsToSyslog(root string) bool {
	folders := []string{"etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"} // the first wins
	var files []string
	for _, folder := range folders {
		name := filepath.Join(root, folder, "journald.conf")
		if _, err := os.Stat(name); err == nil {
			files = append(files, name)
			break
		}
	}
	dropIns := map[string]string{}
	for _, folder := range slices.Backward(folders) {
		found, _ := filepath.Glob(filepath.Join(root, folder, "journald.conf.d", "*.conf"))
		for _, name := range found {
			dropIns[filepath.Base(name)] = name
		}
	}
	names := make([]string, 0, len(dropIns))
	for base := range dropIns {
		names = append(names, base)
	}
	slices.Sort(names)
	for _, base := range names {
		files = append(files, dropIns[base])
	}
	forwards := false
	for _, name := range files {
		text, _ := os.ReadFile(name)
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, "=")
			if strings.TrimSpace(key) == "ForwardToSyslog" {
				forwards = yes(strings.TrimSpace(value))
			}
		}
	}
	cmdline, _ := os.ReadFile(filepath.Join(root, "proc/cmdline"))
	for word := range strings.FieldsSeq(string(cmdline)) {
		switch key, value, given := strings.Cut(word, "="); {
		case strings.ReplaceAll(key, "-", "_") != "systemd.journald.forward_to_syslog":
		case given:
			forwards = yes(value)
		default:
			forwards = true
		}
	}
	return forwards
}

// yes reads a truth as systemd.syntax(7) has it.
func yes(word string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(word))
}
