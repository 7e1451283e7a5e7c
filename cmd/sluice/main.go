// Command sluice receives syslog and sends each message where its rules say.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// The exit codes of all commands. A command line that says nothing a command understands is as wrong as a file that does:
// to try it again helps neither, and 1 has a meaning of its own to who asks check --strict, test or status.
const (
	exitRunTime       = 1
	exitConfiguration = 2
)

// An exitError is an error with the exit code that it means.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

func main() {
	root, understood := newRootCommand(), false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	cmd, err := root.ExecuteC()
	if err == nil {
		return
	}
	if !understood {
		fmt.Fprintf(os.Stderr, "%v\nusage: %s (%s --help says more)\n", err, cmd.UseLine(), cmd.CommandPath())
		os.Exit(exitConfiguration)
	}
	code := exitRunTime
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if exit.error != nil || code == exitRunTime && exit.code == 0 {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// configFlag is the value of -c.
var configFlag string

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Short:         "receive syslog and send each message where its rules say",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVarP(&configFlag, "config", "c", "", "configuration file (else $SLUICE_CONFIG, /etc/sluice/sluice.yaml, or the embedded default)")
	root.AddCommand(newRunCommand(), newCheckCommand(), newTestCommand(), newExplainCommand(), newConvertCommand(), newSendCommand(), newStatusCommand(), newTailCommand(), newReloadCommand(), newSpoolCommand(), newFieldsCommand(), newGenerateCommand(), newVersionCommand(), newManCommand())
	root.AddCommand(helpTopics()...)
	return root
}

// loadConfig reads the configuration that the flags and the environment name.
func loadConfig() (*Config, error) {
	cfg, err := LoadConfig(configPath(configFlag))
	if err != nil {
		return nil, exitError{exitConfiguration, err}
	}
	return cfg, nil
}

// loadToRun is loadConfig for who needs all the files that it names.
func loadToRun() (*Config, error) {
	cfg, err := loadConfig()
	if err == nil && len(cfg.Unreadable) > 0 {
		err = exitError{exitConfiguration, cfg.Unreadable}
	}
	return cfg, err
}
