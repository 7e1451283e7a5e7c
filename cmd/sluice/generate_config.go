package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	"sluice/cmd/sluice/strict"
	"sluice/ingest"
)

// A firstConfig is what `sluice generate config` was asked for.
type firstConfig struct {
	Name     string
	Logs     string // the folder of the files
	Redis    string // an address; empty: none
	ZMQ      string // likewise
	Channels []string
	Sockets  []string // of syslog
	State    string   // empty: the default is right

	syslog bool
	root   bool // who will run it
}

func newGenerateConfigCommand() *cobra.Command {
	c := firstConfig{root: os.Getuid() == 0}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "print a short configuration with tests: for this machine",
		Example: `  sluice generate config --name shop --redis 127.0.0.1:6379/0 --channel 'req.*' 'app.*' > shop.yaml
  sluice test -c shop.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !cmd.Flags().Changed("channel") {
				return fmt.Errorf("unknown argument %q", args[0])
			}
			c.Channels = append(c.Channels, args...) // --channel 'req.*' 'app.*'
			if err := c.complete(); err != nil {
				return exitError{exitConfiguration, err}
			}
			return printFile(cmd.OutOrStdout(), "config.yaml", c.words(), &c)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.Name, "name", "", "`name` of the folders (sluice; without root sluice-data)")
	f.StringVar(&c.Logs, "log-path", "", "`folder` of the log files (/var/log/NAME; without root ./NAME)")
	f.StringVar(&c.Redis, "redis", "", "subscribe to channels of the Redis at this `address`: host:port/db, with password@ before it, or a URL")
	f.StringVar(&c.ZMQ, "zmq", "", "listen for ZeroMQ's publishers at this `URL`: tcp://127.0.0.1:5555, ipc:///run/app/log.sock")
	f.StringArrayVar(&c.Channels, "channel", nil, "channels of Redis, topics of ZeroMQ: a `glob`, or several (*)")
	f.BoolVar(&c.syslog, "syslog", false, "listen for syslog: /dev/log and port 514; without root a socket below this folder and port 5514 of 127.0.0.1. The default, if nothing else is asked for")
	return cmd
}

// complete fills in what was not asked for, and checks what was.
func (c *firstConfig) complete() error {
	if c.Name == "" {
		if c.Name = "sluice"; !c.root {
			c.Name = "sluice-data" // as the embedded default: ./sluice may be the program
		}
	}
	if !plainName.MatchString(c.Name) {
		return fmt.Errorf("--name %q: want letters, digits, and . _ - between them: it is the name of a folder", c.Name)
	}
	if c.Redis == "" && c.ZMQ == "" {
		if len(c.Channels) > 0 {
			return errors.New("--channel: needs --redis or --zmq: syslog has no channels")
		}
		c.syslog = true
	}
	if c.Redis != "" {
		if _, err := ingest.ParseRedisAddress(c.Redis, false); err != nil {
			return fmt.Errorf("--redis: %w", err)
		}
	}
	if c.ZMQ != "" {
		if _, err := ingest.ParseZMQEndpoint(c.ZMQ); err != nil {
			return fmt.Errorf("--zmq: %w", err)
		}
	}
	if len(c.Channels) == 0 {
		c.Channels = []string{"*"}
	}
	if slices.Contains(c.Channels, "") {
		return errors.New("--channel: an empty name")
	}
	here := "./" + c.Name
	switch {
	case !c.root:
		c.State = here + "/state"
	case c.Name != "sluice":
		c.State = "/var/lib/" + c.Name
	}
	if c.syslog && c.root {
		c.Sockets = []string{"unixgram:///dev/log", "udp://:514", "tcp://:514"}
	} else if c.syslog {
		c.Sockets = []string{"unixgram://" + here + "/log.sock", "udp://127.0.0.1:5514", "tcp://127.0.0.1:5514"}
	}
	return c.folder(here)
}

// plainName is a name that nothing reads as anything else.
var plainName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)

// folder finds the folder of the files.
func (c *firstConfig) folder(here string) error {
	switch {
	case c.Logs == "" && c.root:
		c.Logs = "/var/log/" + c.Name
	case c.Logs == "":
		c.Logs = here
	case strings.HasPrefix(c.Logs, "~"):
		return fmt.Errorf("--log-path %s: ~ means a home folder only to a shell; write the whole path", c.Logs)
	}
	if c.Logs = filepath.Clean(c.Logs); !filepath.IsAbs(c.Logs) {
		c.Logs = "./" + c.Logs
	}
	if slices.Contains(shared, c.Logs) { // rotating {channel}.log there would take other programs' files for old ones
		c.Logs = filepath.Join(c.Logs, c.Name)
	}
	return nil
}

// Queues are the names of the inputs that have channels.
func (c *firstConfig) Queues() (names []string) {
	if c.Redis != "" {
		names = append(names, "redis")
	}
	if c.ZMQ != "" {
		names = append(names, "zmq")
	}
	return names
}

// Lines reports whether there can be messages without a channel. What Redis publishes has one.
func (c *firstConfig) Lines() bool { return c.Sockets != nil || c.ZMQ != "" }

// Topics are the channels as ZeroMQ has them: what a topic begins with.
func (c *firstConfig) Topics() []string {
	var topics []string
	for _, glob := range c.Channels {
		begin := glob
		if i := strings.IndexAny(glob, `*?[\`); i >= 0 {
			begin = glob[:i]
		}
		if begin == "" {
			return []string{""}
		}
		if !slices.Contains(topics, begin) {
			topics = append(topics, begin)
		}
	}
	return topics
}

// Example is a channel that the first glob takes.
func (c *firstConfig) Example() string {
	glob := globRange.ReplaceAllString(c.Channels[0], "$1")
	return strings.NewReplacer(`\`, "", "*", "shop", "?", "1").Replace(glob)
}

var globRange = regexp.MustCompile(`\[\^?(.)[^\]]*\]`)

// words are the functions of the template.
func (c *firstConfig) words() template.FuncMap {
	return template.FuncMap{
		"text": strict.Quote,
		"list": func(all []string) string {
			texts := make([]string, len(all))
			for i, s := range all {
				texts[i] = strict.Quote(s)
			}
			return strings.Join(texts, ", ")
		},
		// In a path braces are fields, but for those of the folder.
		"file": func(folder, name string) string {
			return strict.Quote(strings.NewReplacer("{", "{{", "}", "}}").Replace(folder) + name)
		},
	}
}
