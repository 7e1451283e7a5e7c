package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// A program is what supervisord is told of one configuration.
type program struct {
	Command   string
	User      string // empty: supervisord's
	Directory string // empty: supervisord's
	Notes     []string
	StopAfter int // seconds
}

func newGenerateSupervisorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "supervisor",
		Short:   "print the section of supervisord for this machine and this configuration",
		Example: "  sluice generate supervisor -c /etc/sluice/sluice.yaml > /etc/supervisor/conf.d/sluice.conf",
	}
	return printsService(cmd, "supervisor.conf", func(p *footprint, a account, binary string) (any, []string, error) {
		command, err := supervisorCommand(binary, "run", "-c", p.Config)
		g := program{Command: command, User: a.user, StopAfter: stopSeconds(p.Stop)}
		g.prepare(p, a)
		return g, g.Notes, err
	})
}

// prepare finds out what another user than root lacks: supervisord makes no folders, and gives nobody a port.
func (g *program) prepare(p *footprint, a account) {
	if a.root() {
		return
	}
	folders := append([]string{}, p.Folders...)
	if folders = append(folders, p.Sockets...); p.State == "" {
		g.Directory = rootState
		folders = append(folders, g.Directory)
	} else {
		folders = append(folders, p.State)
	}
	for _, folder := range outermost(folders) {
		if under(folder, "/dev", "/proc") {
			continue
		}
		if there := existing(folder); there != folder && !a.mayWrite(there) {
			g.Notes = append(g.Notes, "this has to be there before it starts: "+a.install(folder))
		} else if there == folder && !a.mayWrite(folder) {
			g.Notes = append(g.Notes, fmt.Sprintf("%s may not write in %s: give it that folder, or the configuration another", a.user, shellWord(folder)))
		}
	}
	if p.LowPort {
		g.Notes = append(g.Notes, fmt.Sprintf("%s may not listen on ports below 1024: sysctl net.ipv4.ip_unprivileged_port_start=514, or take others", a.user))
	}
}

// supervisorCommand joins the words of a command as supervisord takes them apart: like a shell, after a % has been the
// beginning of a variable, and a ; or # behind a blank that of a comment, in quotes too.
func supervisorCommand(words ...string) (string, error) {
	for i, w := range words {
		if startsComment.MatchString(w) {
			return "", fmt.Errorf("%s: supervisord takes what follows the blank for a comment", w)
		}
		words[i] = strings.ReplaceAll(shellWord(w), "%", "%%")
	}
	return strings.Join(words, " "), nil
}

var startsComment = regexp.MustCompile(`\s[;#]`)
