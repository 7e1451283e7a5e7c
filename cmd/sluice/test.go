package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: "run the tests of the configuration: messages in, decisions out",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig()
			if err != nil {
				return err
			}
			results := cfg.runTests()
			out := cmd.OutOrStdout()
			if asJSON {
				err = printJSON(out, results)
			} else {
				results.print(out, colours(out))
			}
			if err == nil && results.Failed > 0 {
				err = exitError{code: exitRunTime}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the results as one JSON object")
	return cmd
}

// testResults are what the tests of a configuration came to.
type testResults struct {
	Tests  []testResult `json:"tests"`
	Failed int          `json:"failed"`
}

type testResult struct {
	Name     string    `json:"name"`
	Place    string    `json:"place"`
	OK       bool      `json:"ok"`
	Failures []failure `json:"failures,omitempty"`
}

func (c *Config) runTests() testResults {
	results := testResults{Tests: []testResult{}}
	for _, t := range c.Tests {
		failures := t.run(c)
		results.Tests = append(results.Tests, testResult{t.Name, t.Place, len(failures) == 0, failures})
		if len(failures) > 0 {
			results.Failed++
		}
	}
	return results
}

func (r testResults) print(out io.Writer, p palette) {
	for _, t := range r.Tests {
		if t.OK {
			fmt.Fprintf(out, "%s  %s\n", p.good("ok  "), t.Name)
			continue
		}
		fmt.Fprintf(out, "%s  %s (%s)\n", p.bad("FAIL"), t.Name, t.Place)
		for _, f := range t.Failures {
			fmt.Fprintf(out, "      %s\n", f.What)
			fmt.Fprintf(out, "        want  %s\n", p.good(indented(f.Want)))
			fmt.Fprintf(out, "        got   %s\n", p.bad(indented(f.Got)))
		}
	}
	switch n := len(r.Tests); {
	case n == 0:
		fmt.Fprintln(out, "no tests: the configuration has no tests: section")
	case r.Failed > 0:
		fmt.Fprintf(out, "%d of %s failed\n", r.Failed, howMany(n, "test"))
	default:
		fmt.Fprintf(out, "%s passed\n", howMany(n, "test"))
	}
}

// howMany is so many of a thing, in English.
func howMany(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// indented keeps the further lines of a text under its first.
func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n              ") }
