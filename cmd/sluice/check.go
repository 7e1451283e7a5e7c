package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sluice/cmd/sluice/strict"
)

func newCheckCommand() *cobra.Command {
	var beStrict, show bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "load the configuration and say what is wrong with it; opens no socket and writes nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadToRun()
			if err != nil {
				return err
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s (warning)\n", w)
			}
			beside, err := cfg.unitLacks()
			if err != nil {
				return err
			}
			beside = append(beside, cfg.forgottenSpools()...)
			for _, w := range beside {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s (warning)\n", w)
			}
			if n := len(cfg.Warnings) + len(beside); beStrict && n > 0 {
				return exitError{exitRunTime, errors.New(howMany(n, "warning"))}
			}
			if show {
				_, err = io.WriteString(cmd.OutOrStdout(), strict.Show(cfg.merged))
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "ok: %s\n", cfg)
			return err
		},
	}
	cmd.Flags().BoolVar(&beStrict, "strict", false, "a warning is exit 1")
	cmd.Flags().BoolVar(&show, "show", false, "print the file with what it includes, secrets masked")
	return cmd
}
