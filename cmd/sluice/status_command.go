package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStatusCommand() *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show what the running sluice receives, where it goes, and what is wrong",
		Args:  cobra.NoArgs,
	}
	client := controlFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as one JSON object")
	cmd.Flags().BoolVar(&watch, "watch", false, "print it anew each second, until interrupted")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := client()
		if err != nil {
			return err
		}
		out, p := cmd.OutOrStdout(), colours(cmd.OutOrStdout())
		for {
			if err := printStatus(cmd, c, out, p, asJSON, watch); err != nil || !watch {
				return err
			}
			select {
			case <-time.After(time.Second):
			case <-cmd.Context().Done():
				return nil
			}
		}
	}
	return cmd
}

// printStatus asks once. A watcher with a terminal sees the new table in the place of the old one.
func printStatus(cmd *cobra.Command, c controlClient, out io.Writer, p palette, asJSON, watch bool) error {
	resp, err := c.do(cmd.Context(), "GET", "/status")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if asJSON {
		_, err := io.Copy(out, resp.Body)
		return err
	}
	var s status
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		return fmt.Errorf("control %s: %w", c.path, err)
	}
	var text bytes.Buffer
	if watch && bool(p) {
		text.WriteString("\x1b[H\x1b[2J")
	}
	s.print(&text, p, time.Now())
	if watch && !bool(p) {
		text.WriteByte('\n')
	}
	_, err = out.Write(text.Bytes())
	return err
}

// print writes the status for a person. Colours come after the columns, which they would widen.
func (s status) print(out io.Writer, p palette, now time.Time) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "sluice %s, up %s, %s\n", s.Version, span(now.Sub(s.Started)), orText(s.Config, "the embedded default"))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\ninput\tmessages\trate\tdropped\tconnections\t\n")
	for _, in := range s.Inputs {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%d\t%s\n", visible(in.Name), in.Messages, rate(in.Rate), because(in.Dropped, in.Reasons), in.Connections, onlyIf(!in.Up, "ENDED"))
	}
	table.Flush()
	fmt.Fprint(table, "\nrule\tmatches\n")
	for _, r := range s.Rules {
		fmt.Fprintf(table, "%s\t%d\n", visible(r.Name), r.Matches)
	}
	fmt.Fprintf(table, "(none)\t%d\n", s.Unrouted)
	table.Flush()
	fmt.Fprint(table, "\ntarget\tmessages\trate\tqueue\tspool\tdropped\tstate\n")
	for _, t := range s.Targets {
		state := "up"
		if !t.Up {
			state = "DOWN"
			if t.DownSince != nil {
				state += " for " + span(now.Sub(*t.DownSince))
			}
		}
		if t.LastError != "" {
			state += ": " + visible(t.LastError)
			if t.Up && t.ErrorAt != nil {
				state = "up; " + span(now.Sub(*t.ErrorAt)) + " ago: " + visible(t.LastError)
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", visible(t.Name), t.Messages, rate(t.Rate), size(t.QueueBytes), size(t.SpoolBytes), because(t.Dropped, t.Reasons), state)
	}
	table.Flush()
	for line := range strings.Lines(text.String()) {
		line = strings.TrimRight(line, " \n")
		switch {
		case strings.Contains(line, "DOWN") || strings.HasSuffix(line, "ENDED"):
			line = p.bad(line)
		case strings.HasPrefix(line, "input ") || strings.HasPrefix(line, "rule ") || strings.HasPrefix(line, "target "):
			line = p.bold(line)
		}
		fmt.Fprintln(out, line)
	}
}

// because is a number of drops and their reasons.
func because(n uint64, reasons map[string]uint64) string {
	var why []string
	for _, name := range []string{"kernel", "rate_limit", "not_allowed", "strict", "queue_full", "too_large", "purged", "unwritable"} {
		if reasons[name] > 0 {
			why = append(why, name)
		}
	}
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", n, strings.Join(why, ", "))
}

func onlyIf(on bool, word string) string {
	if on {
		return word
	}
	return ""
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// rate is messages a second.
func rate(r float64) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64) + "/s"
	}
	return strconv.FormatFloat(r, 'f', 0, 64) + "/s"
}

// size is bytes, in binary units as the configuration has them.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return strconv.FormatInt(n, 10)
}

// span is a duration in its two largest units.
func span(d time.Duration) string {
	d = max(d, 0)
	switch day := 24 * time.Hour; {
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
