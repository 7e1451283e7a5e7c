package main

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	_ "time/tzdata" // zones work in an empty container, too

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// defaultConfig is what runs where there is no file.
//
//go:embed default.yaml
var defaultConfig []byte

func newRunCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "receive and forward until told to stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tune := collectSeldom()
			cfg, err := loadToRun()
			if err != nil {
				return err
			}
			log := cfg.Log.logger()
			for _, w := range cfg.Warnings {
				log.Warn(w.Error())
			}
			for _, w := range cfg.forgottenSpools() {
				log.Warn(w)
			}
			// A pipe without reader is an error of the target or log that writes to it, and no reason to die.
			signal.Ignore(unix.SIGPIPE)
			// Before anything is open: a signal in between would otherwise leave socket files behind.
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			signals := hearSignals() // likewise
			if err := cfg.lookUpUser(log); err != nil {
				return err
			}
			d, err := newDaemon(cfg, log)
			if err != nil {
				return withRemedy(err)
			}
			if err := d.becomeUser(); err != nil {
				d.close()
				return err
			}
			tune()
			d.signals = signals
			d.banner(cmd.OutOrStdout())
			return d.run(ctx)
		},
	}
}

// collectSeldom is for the start, where little of what is read and compiled is garbage: with a thousand rules seven
// collections would take a third of the time to READY. The function that it returns is for what comes then: what lives is
// blocks that wait, and they hardly change. To collect more often costs next to nothing, and keeps the peak at a quarter
// over what is needed instead of twice that. Whoever sets GOGC knows better.
func collectSeldom() (tune func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(25) }
}

// banner says what a person wants to know first: what is listened to, where it is written, and what to try.
func (d *daemon) banner(out io.Writer) {
	name := d.now().cfg.File
	if name == "" {
		name = "its embedded default (no configuration file was given)"
	}
	fmt.Fprintf(out, "sluice %s runs %s\n", versionText(), name)
	p := d.now()
	for i, in := range p.inputs {
		c, label, does := p.cfg.Inputs[i], "", "listens"
		if c.Name != c.URL || c.claim.inherit {
			label = " (" + c.Name + ")"
		}
		if c.Connects {
			does = "reads  "
		}
		for _, url := range addresses(c, in) {
			fmt.Fprintf(out, "  %s  %s%s\n", does, url, label)
		}
	}
	for _, t := range p.cfg.Targets {
		label := ""
		if t.Name != t.Shown {
			label = " (" + t.Name + ")"
		}
		fmt.Fprintf(out, "  writes   %s%s\n", t.Shown, label)
	}
	for i, in := range p.inputs {
		if c := p.cfg.Inputs[i]; !c.Connects && c.Transport < syslog.TLS {
			fmt.Fprintf(out, "  try      sluice send --to %s hello\n", address(c, in))
			return
		}
	}
	fmt.Fprintln(out, "  try      sluice explain hello")
}

// address is an input's URL with the port that the kernel chose, if it was to choose one.
func address(c *Input, in runner) string { return socketURL(c, in.Addr()) }

func socketURL(c *Input, a net.Addr) string {
	network := a.Network()
	if c.Transport == syslog.TLS {
		network = "tls"
	}
	return network + "://" + a.String()
}
