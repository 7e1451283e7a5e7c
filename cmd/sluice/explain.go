package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/rules"
	"sluice/syslog"
)

func newExplainCommand() *cobra.Command {
	var t trial
	var source, now string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain MESSAGE",
		Short: "show how a message is read, what each rule makes of it, and what each target would get",
		Long: "Show how a message is read, what each rule makes of it and why, and the very line each target would get.\n" +
			"Nothing is opened or sent. MESSAGE - reads messages from standard input, one a line.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig()
			if err != nil {
				return err
			}
			if source != "" {
				if t.Source, err = netip.ParseAddr(source); err != nil {
					return exitError{exitConfiguration, fmt.Errorf("--source: %w", err)}
				}
			}
			if now != "" {
				if t.Now, err = time.Parse(time.RFC3339, now); err != nil {
					return exitError{exitConfiguration, fmt.Errorf("--now: want a time such as 2026-11-20T15:18:00Z")}
				}
			}
			t.Headless = t.Channel != ""
			return explainAll(cmd, cfg, t, args[0], asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&t.Input, "input", "", "read it as this input would (its name)")
	flags.StringVar(&source, "source", "", "the sender's IP address (127.0.0.1)")
	flags.StringVar(&t.Channel, "channel", "", "the channel it came over; it is text without a header then")
	flags.StringVar(&now, "now", "", "the time of reception (the present)")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object for each message")
	return cmd
}

func explainAll(cmd *cobra.Command, cfg *Config, t trial, message string, asJSON bool) error {
	out := cmd.OutOrStdout()
	explain := func(message string) error {
		t.Message = []byte(message)
		o, err := cfg.try(t)
		var word syslog.WordError
		if errors.As(err, &word) {
			err = fmt.Errorf("%w (have %s)", err, strings.Join(word.Words, ", "))
		}
		if err != nil {
			return exitError{exitConfiguration, err}
		}
		if asJSON {
			return printJSON(out, o.report())
		}
		o.print(out, colours(out))
		return nil
	}
	if message != "-" {
		return explain(message)
	}
	lines := bufio.NewScanner(cmd.InOrStdin())
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		if err := explain(lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// printJSON prints v on one line, with < and > as they are: PRIs are full of them.
func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// An explanation is an outcome as JSON.
type explanation struct {
	Fields  map[string]string `json:"fields"`
	Guessed []string          `json:"guessed"`
	Rules   []explainedRule   `json:"rules"`
	Targets []explainedTarget `json:"targets"`
	Dropped bool              `json:"dropped"`
}

type explainedRule struct {
	Name    string            `json:"name"`
	Reached bool              `json:"reached"`
	Matched bool              `json:"matched"`
	Stop    bool              `json:"stop"`
	Held    []explainedReason `json:"held"`
	Failed  *explainedReason  `json:"failed,omitempty"`
}

type explainedReason struct {
	Condition string `json:"condition"`
	Field     string `json:"field,omitempty"`
	Value     string `json:"value"`
}

type explainedTarget struct {
	Name  string `json:"name"`
	Where string `json:"where"`
	Line  string `json:"line"`
}

func (o *outcome) report() explanation {
	e := explanation{Fields: map[string]string{}, Guessed: o.Message.Guess.Words(), Rules: []explainedRule{}, Targets: []explainedTarget{}, Dropped: o.dropped()}
	if e.Guessed == nil {
		e.Guessed = []string{}
	}
	for _, f := range o.fields() {
		e.Fields[f[0]] = f[1]
	}
	for _, v := range o.Verdicts {
		r := explainedRule{v.Rule.Name, v.Reached, v.Matched, v.Rule.Stop, []explainedReason{}, nil}
		for _, h := range v.Held {
			r.Held = append(r.Held, explainedReason(h))
		}
		if v.Failed != nil {
			r.Failed = (*explainedReason)(v.Failed)
		}
		e.Rules = append(e.Rules, r)
	}
	for _, l := range o.Lines {
		e.Targets = append(e.Targets, explainedTarget{l.Target, l.Where, l.Text})
	}
	return e
}

// fields are the message's fields that are not empty, but for the parts of dates.
func (o *outcome) fields() (fields [][2]string) {
	for _, d := range syslog.DescribeFields() {
		f, err := syslog.FieldNamed(d.Name)
		if err != nil || f.IsDate() || d.Name == "msg" || d.Name == "raw" {
			continue
		}
		if v := f.Value(&o.Message, nil); len(v) > 0 {
			fields = append(fields, [2]string{d.Name, string(v)})
		}
	}
	return fields
}

// print writes the outcome for a person to read.
func (o *outcome) print(out io.Writer, p palette) {
	fmt.Fprintln(out, p.bold("fields"))
	for _, f := range o.fields() {
		fmt.Fprintf(out, "  %-16s %s\n", f[0], visible(f[1]))
	}
	if words := o.Message.Guess.Words(); len(words) > 0 {
		fmt.Fprintf(out, "  %-16s %s\n", "guessed", p.faint(strings.Join(words, ", ")))
	}
	fmt.Fprintln(out, p.bold("rules"))
	for _, v := range o.Verdicts {
		printVerdict(out, p, v)
	}
	fmt.Fprintln(out, p.bold("targets"))
	for _, l := range o.Lines {
		where := ""
		if l.Where != l.Target {
			where = "  " + p.faint(l.Where)
		}
		fmt.Fprintf(out, "  %s%s\n    %s\n", l.Target, where, strings.ReplaceAll(l.Text, "\n", "\n    "))
	}
	if len(o.Lines) == 0 {
		fmt.Fprintf(out, "  %s\n", p.bad(o.why()))
	}
}

func printVerdict(out io.Writer, p palette, v rules.Verdict) {
	switch {
	case !v.Reached:
		fmt.Fprintf(out, "  %s  %s\n", p.faint("-"), p.faint(v.Rule.Name+": not reached"))
	case v.Matched:
		why := make([]string, len(v.Held))
		for i, h := range v.Held {
			why[i] = h.Condition
		}
		if v.Rule.Match == nil {
			why = []string{"takes every message"}
		}
		if v.Rule.Stop {
			why = append(why, "stops")
		}
		fmt.Fprintf(out, "  %s  %s: %s\n", p.good("✓"), p.bold(v.Rule.Name), strings.Join(why, "; "))
	default:
		text := v.Rule.Name + ": " + v.Failed.Condition + ": no"
		if v.Failed.Field != "" {
			text += ", it is " + strconv.Quote(v.Failed.Value)
		}
		fmt.Fprintf(out, "  %s  %s\n", p.bad("✗"), text)
	}
}

// why says why a message goes nowhere.
func (o *outcome) why() string {
	for _, v := range o.Verdicts {
		if v.Matched && v.Rule.Stop {
			return fmt.Sprintf("none: dropped by rule %q", v.Rule.Name)
		}
	}
	return "none: no rule sends it anywhere"
}

// visible keeps a value from moving the cursor.
func visible(s string) string {
	if q := strconv.Quote(s); q[1:len(q)-1] != strings.ReplaceAll(s, `"`, `\"`) {
		return q
	}
	return s
}
