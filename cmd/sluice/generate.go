package main

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
)

// generateFiles are the templates of what `sluice generate` prints.
//
//go:embed generate
var generateFiles embed.FS

// newGenerateCommand prints files for this machine. It writes none: where they go, and when, is the reader's to say.
func newGenerateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "print a configuration, or what systemd, supervisord or logrotate need for one",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGenerateConfigCommand(), newGenerateSystemdCommand(), newGenerateSupervisorCommand(), newGenerateLogrotateCommand())
	return cmd
}

// printFile fills the template of that name.
func printFile(out io.Writer, name string, words template.FuncMap, data any) error {
	t, err := template.New(name).Funcs(words).ParseFS(generateFiles, "generate/"+name)
	if err == nil {
		err = t.Execute(out, data)
	}
	return err
}

// usualConfig is where a configuration will be that is not there yet.
const usualConfig = "/etc/sluice/sluice.yaml"

// absolute is a path as a daemon names it that starts in another folder.
func absolute(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if strings.ContainsAny(whole, "\n\r") {
		return "", fmt.Errorf("%q: a file for a daemon cannot have a line break in its path", whole)
	}
	return whole, nil
}

// ourselves is the path of this program.
func ourselves() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("the path of this program: %w", err)
	}
	return path, nil
}
