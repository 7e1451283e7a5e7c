package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/sluice/convert"
	"sluice/cmd/sluice/strict"
)

func newConvertCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "convert FILE",
		Short: "print an rsyslog.conf, with what it includes, as a configuration of sluice",
		Long: `print an rsyslog.conf, with what it includes, as a configuration of sluice

What sluice has nothing for is a comment in its place and a line on stderr; exit 1 then. What is
printed always passes sluice check. Nothing is written, and rsyslog is left as it is.`,
		Example: `  sluice convert /etc/rsyslog.conf > sluice.yaml
  sluice check -c sluice.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			converted, err := convert.File(os.DirFS("/"), strings.TrimPrefix(path, "/"), mistakesIn)
			if err != nil {
				return err
			}
			if _, err := cmd.OutOrStdout().Write(converted.YAML); err != nil {
				return fmt.Errorf("stdout: %w", err)
			}
			for _, l := range converted.Left {
				fmt.Fprintln(cmd.ErrOrStderr(), l)
			}
			if len(converted.Left) > 0 {
				return exitError{code: exitRunTime}
			}
			return nil
		},
	}
}

// mistakesIn is what sluice check has against a configuration.
func mistakesIn(yaml []byte) []convert.Mistake {
	cfg, err := loadSource("converted", ".", yaml)
	if err == nil {
		err = cfg.Unreadable.Err()
	}
	var all strict.Errors
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &all):
		return []convert.Mistake{{Text: err.Error()}}
	}
	mistakes := make([]convert.Mistake, len(all))
	for i, e := range all {
		mistakes[i] = convert.Mistake{Line: e.Line, Text: e.Msg}
	}
	return mistakes
}
