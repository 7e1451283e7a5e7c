package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sluice/writer/spool"
)

func newSpoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "show, print and delete what waits on disk for targets that are away",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSpoolLsCommand(), newSpoolCatCommand(), newSpoolPurgeCommand())
	return cmd
}

func newSpoolLsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "show how much waits for each target; also while sluice runs, which is up to a second ahead",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			waiting, err := inspectSpools()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), waiting)
			}
			return printSpools(cmd.OutOrStdout(), waiting, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// A spoolStatus is what waits in one spool.
type spoolStatus struct {
	Target   string     `json:"target"`
	Messages uint64     `json:"messages"`
	Bytes    int64      `json:"bytes"`
	Disk     int64      `json:"disk_bytes"`
	Oldest   *time.Time `json:"oldest,omitempty"`
	Bad      int64      `json:"bad_bytes"`
	Gone     bool       `json:"gone"` // the target is not in the configuration
	Error    string     `json:"error,omitempty"`
}

// inspectSpools looks into all spools. One that cannot be read is in the list with its error.
func inspectSpools() ([]spoolStatus, error) {
	cfg, err := loadConfig()
	if err != nil {
		return nil, err
	}
	held, err := cfg.spools()
	if err != nil {
		return nil, err
	}
	waiting := []spoolStatus{}
	for _, h := range held {
		s := spoolStatus{Target: h.Target, Gone: h.Gone}
		sum, err := spool.Inspect(h.Dir)
		if err != nil {
			s.Error = err.Error()
		}
		s.Messages, s.Bytes, s.Disk, s.Bad = sum.Messages, sum.Bytes, sum.Disk, sum.Bad
		if !sum.Oldest.IsZero() {
			s.Oldest = &sum.Oldest
		}
		waiting = append(waiting, s)
	}
	return waiting, nil
}

func printSpools(out io.Writer, waiting []spoolStatus, now time.Time) error {
	if len(waiting) == 0 {
		_, err := fmt.Fprintln(out, "nothing waits")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "target\tmessages\tbytes\toldest\tremarks")
	for _, s := range waiting {
		oldest, remark := "-", "-"
		if s.Oldest != nil {
			oldest = span(now.Sub(*s.Oldest))
		}
		switch {
		case s.Error != "":
			remark = s.Error
		case s.Gone:
			remark = "not in the configuration"
		case s.Bad > 0:
			remark = size(s.Bad) + " bytes damaged, kept as .bad"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", visible(s.Target), s.Messages, size(s.Bytes), oldest, remark)
	}
	return table.Flush()
}

func newSpoolCatCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cat [TARGET]",
		Short: "print the messages that wait, as the target would get them; of all targets if none is named",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig()
			if err != nil {
				return err
			}
			held, err := cfg.spools()
			if len(args) > 0 {
				var one heldSpool
				one, err = cfg.spoolFor(args[0])
				held = []heldSpool{one}
			}
			if err != nil {
				return err
			}
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			for _, h := range held {
				var wrote error
				err := spool.Read(h.Dir, func(r *spool.Record) bool {
					_, wrote = out.Write(r.Text)
					return wrote == nil
				})
				if wrote != nil {
					return wrote
				}
				if errors.Is(err, fs.ErrNotExist) && len(args) > 0 {
					return say(cmd, "nothing waits for %s", args[0])
				}
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return errors.Join(out.Flush(), err)
				}
			}
			return out.Flush()
		},
	}
}

// say is for the person at the terminal, and not part of what was asked for.
func say(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	return err
}

func newSpoolPurgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "purge TARGET",
		Short: "delete what waits for a target, also while sluice runs; it counts as dropped",
		Args:  cobra.ExactArgs(1),
	}
	client := controlFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadConfig()
		if err != nil {
			return err
		}
		c, err := client()
		if err != nil {
			return err
		}
		n, err := askToPurge(cmd, c, args[0])
		if errors.Is(err, errNotRunning) && !cmd.Flags().Changed("control") {
			var h heldSpool
			if h, err = cfg.spoolFor(args[0]); err == nil {
				n, err = h.purge()
			}
			if errors.Is(err, spool.ErrLocked) {
				err = fmt.Errorf("%w: a sluice that does not answer at %s; --control says where it does", err, c.path)
			}
		}
		if err != nil {
			return err
		}
		if n == 0 {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "nothing waits for %s\n", args[0])
		} else {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d messages for %s deleted\n", n, args[0])
		}
		return err
	}
	return cmd
}

// A purged is the daemon's answer.
type purged struct {
	Messages uint64 `json:"messages"`
}

func askToPurge(cmd *cobra.Command, c controlClient, target string) (uint64, error) {
	resp, err := c.do(cmd.Context(), "POST", "/spool/purge?target="+url.QueryEscape(target))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var p purged
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		return 0, fmt.Errorf("control %s: %w", c.path, err)
	}
	return p.Messages, nil
}

// servePurge purges the spool of a target that is at work, or of one that is gone.
func (d *daemon) servePurge(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("target")
	for _, t := range d.now().targets {
		if t.Name == name {
			n := t.Purge()
			if n > 0 {
				d.log.Warn("messages dropped: an operator purged the spool", "target", name, "messages", n)
			}
			_ = printJSON(w, purged{n})
			return
		}
	}
	h, err := d.now().cfg.spoolFor(name)
	var n uint64
	if err == nil {
		n, err = h.purge()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if n > 0 {
		d.log.Warn("messages dropped: an operator purged the spool of a target that is gone", "messages", n, "spool", h.Dir)
	}
	_ = printJSON(w, purged{n})
}
