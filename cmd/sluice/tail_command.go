package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"sluice/syslog"
)

func newTailCommand() *cobra.Command {
	var req tailRequest
	cmd := &cobra.Command{
		Use:   "tail [SELECTOR]",
		Short: "show messages as the running sluice receives them",
		Long: "Show messages as the running sluice receives them: those that a selector of syslog.conf selects (*.err;mail.none), and\n" +
			"for which every --match holds, which is YAML as in a rule. A terminal that is too slow misses some, and is told so.",
		Example: "  sluice tail 'authpriv.*'\n  sluice tail --match '{severity: {at_least: err}}' --match 'app_name: [nginx, php*]'\n  sluice tail --target collector --json",
		Args:    cobra.MaximumNArgs(1),
	}
	client := controlFlag(cmd)
	cmd.Flags().StringArrayVar(&req.Matches, "match", nil, "conditions as in a rule, in YAML; all must hold")
	cmd.Flags().StringVar(&req.Target, "target", "", "only what goes to this target")
	cmd.Flags().BoolVar(&req.JSON, "json", false, "print one JSON object for each message")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.Selectors = args
		if _, err := req.condition(); err != nil {
			return exitError{exitConfiguration, err}
		}
		c, err := client()
		if err != nil {
			return err
		}
		return tail(cmd, c, req)
	}
	return cmd
}

func tail(cmd *cobra.Command, c controlClient, req tailRequest) error {
	req.Heads = true
	query, err := json.Marshal(req)
	if err != nil {
		return err
	}
	resp, err := c.do(cmd.Context(), "GET", "/tail?q="+url.QueryEscape(string(query)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = printTail(cmd.OutOrStdout(), cmd.ErrOrStderr(), resp.Body, colours(cmd.OutOrStdout()))
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("sluice has ended")
	}
	return err
}

// printTail prints lines until there are no more, each as soon as it is there.
func printTail(out, remarks io.Writer, from io.Reader, p palette) error {
	in, buffered := bufio.NewReaderSize(from, 256<<10), bufio.NewWriterSize(out, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return errors.Join(err, buffered.Flush())
		}
		if len(line) > 1 && line[0] == '#' {
			if err := buffered.Flush(); err != nil {
				return err
			}
			fmt.Fprint(remarks, line)
			continue
		}
		if len(line) < 2 {
			continue
		}
		text := line[1 : len(line)-1]
		buffered.WriteString(p.severity(syslog.Severity(line[0]-'0'), text)) // Flush says what went wrong
		buffered.WriteByte('\n')
		if in.Buffered() == 0 {
			if err := buffered.Flush(); err != nil {
				return err
			}
		}
	}
}
