package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand is for who packs sluice: make install runs it. $SOURCE_DATE_EPOCH is the date of the pages.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "write the man pages into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.Use, root.DisableFlagsInUseLine, root.Long, root.DisableAutoGenTag = "sluice [-c FILE] COMMAND", true, manText, true
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("man pages: %w", err)
			}
			header := &doc.GenManHeader{Section: "1", Source: "sluice " + versionText(), Manual: "sluice"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("man pages in %s: %w", args[0], err)
			}
			return nil
		},
	}
}

// manText is sluice(1) between its synopsis and its options, in Markdown: what sluice --help leaves to README.md.
const manText = `sluice receives syslog over local sockets, UDP, TCP and TLS, and log messages from Redis, ZeroMQ, Python's logging and the
kernel, and sends each where the rules of one YAML file say: into files, or on to collectors.

# FILES

**/etc/sluice/sluice.yaml**
:   the configuration, unless **-c** or **$SLUICE_CONFIG** names another. /usr/share/doc/sluice/examples/sluice.yaml shows every option
    with its default.

**/var/lib/sluice**
:   what must outlive a restart: spools of collectors that are away, and how far each input was read.

**/run/sluice/control.sock**
:   where the running sluice answers status, tail, reload and spool.

# SIGNALS

**SIGTERM**, **SIGINT**
:   take nothing more, write what is queued, save the rest in the state folder, and exit with 0.

**SIGHUP**
:   reopen the log files, then load the configuration anew; a bad one changes nothing.

**SIGUSR1**
:   write the counters to the log.

**SIGUSR2**
:   reopen the log files.

# EXIT STATUS

0 for success, 1 for an error at run time, 2 for a configuration that cannot be used.

# EXAMPLES

    sluice check && sluice test
    sluice explain '<134>Nov 20 15:17:52 web1 ServerLog[12]: started'
    sluice tail 'authpriv.*'
`
