package main

import (
	"time"

	"github.com/spf13/cobra"
)

// printsService completes a command that prints what somebody needs who starts and ends daemons. build makes of this
// program's path and of what the configuration touches what the template wants, and notes for the reader.
func printsService(cmd *cobra.Command, file string, build func(p *footprint, a account, binary string) (data any, notes []string, err error)) *cobra.Command {
	var user string
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := footprintOfConfig(cmd)
		if err != nil {
			return err
		}
		a, err := accountOf(user)
		if err != nil {
			return err
		}
		binary, err := ourselves()
		if err != nil {
			return err
		}
		data, notes, err := build(p, a, binary)
		if err != nil {
			return err
		}
		for _, note := range notes {
			if err := say(cmd, "%s", note); err != nil {
				return err
			}
		}
		return printFile(cmd.OutOrStdout(), file, unitWords, data)
	}
	cmd.Flags().StringVar(&user, "user", "", "run as this `user` instead of root")
	return cmd
}

// footprintOfConfig is that of the configuration; where there is none yet, of any that a machine's syslog daemon may have.
func footprintOfConfig(cmd *cobra.Command) (*footprint, error) {
	if configPath(configFlag) == "" {
		if err := say(cmd, "no configuration is there: this is for one at %s, with files below /var/log", usualConfig); err != nil {
			return nil, err
		}
		return &footprint{
			Config: usualConfig, Stop: 10*time.Second + grace, Folders: []string{"/var/log"},
			LowPort: true, Buffer: true, Datagram: true, Syslog: true, Kernel: true, Owners: true, Gives: true,
		}, nil
	}
	cfg, err := loadConfig()
	if err != nil {
		return nil, err
	}
	return cfg.footprint()
}
