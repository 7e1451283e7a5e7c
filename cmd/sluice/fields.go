package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sluice/syslog"
)

func newFieldsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fields",
		Short: "the fields of a message, for rules, formats and paths",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printTable(cmd.OutOrStdout(), []string{"FIELD", "RSYSLOG", "WHAT"}, func(row func(...string)) {
				for _, f := range syslog.DescribeFields() {
					row(f.Name, strings.Join(f.Rsyslog, ", "), f.Doc)
				}
			})
		},
	}
}

// printTable prints rows in aligned columns.
func printTable(out io.Writer, head []string, rows func(row func(...string))) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	row(head...)
	rows(row)
	return w.Flush()
}
