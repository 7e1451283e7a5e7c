package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/spf13/cobra"
)

// A unit is what a service of systemd says about one configuration.
type unit struct {
	Binary, Config string
	User, Group    string // empty: root
	StopAfter      int    // seconds
	Syslog         bool   // it takes systemd's syslog socket

	WorkingDirectory   string
	StateDirectories   []string // below /var/lib
	RuntimeDirectories []string // below /run
	WritePaths         []string
	Notes              []string // what the reader has to do himself
	Capabilities       []string
	Devices            []string
	Home, Tmp          bool // files lie there
	Tunables, Drops    bool
}

func newGenerateSystemdCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "systemd",
		Short:   "print the unit for this machine and this configuration: the paths and capabilities that its targets need",
		Example: "  sluice generate systemd -c /etc/sluice/sluice.yaml > /etc/systemd/system/sluice.service",
	}
	return printsService(cmd, "sluice.service", func(p *footprint, a account, binary string) (any, []string, error) {
		u := newUnit(p, a)
		u.Binary, u.Tmp = binary, u.Tmp || under(binary, temporary...)
		return u, u.Notes, nil
	})
}

// newUnit finds out what the footprint needs on this machine.
func newUnit(p *footprint, a account) *unit {
	u := &unit{
		Config: p.Config, User: a.user, Group: a.group, Syslog: p.Syslog, Drops: p.Drops,
		StopAfter: stopSeconds(p.Stop), Tunables: p.Datagram && a.root(),
	}
	made := u.state(p, a)
	for _, folder := range outermost(slices.Concat(made, p.Sockets, p.Folders)) {
		u.write(folder, a)
	}
	u.WritePaths = outermost(u.WritePaths)
	for _, path := range slices.Concat(p.Folders, p.Sockets, p.Visits, made) {
		real := resolved(path)
		u.Home = u.Home || under(real, "/home", "/root", "/run/user") && path != p.Config
		u.Tmp = u.Tmp || under(real, temporary...)
	}
	if p.Kernel {
		u.Devices = append(u.Devices, "/dev/kmsg r")
	}
	for _, file := range distinct(p.Files) {
		if info, err := os.Stat(file); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			u.Devices = append(u.Devices, unitWord(file)+" w")
		}
	}
	u.Capabilities = capabilities(p, a)
	return u
}

// temporary are the folders that PrivateTmp= puts others in the place of.
var temporary = []string{"/tmp", "/var/tmp"}

// state gives the state folder and the control socket their places, and returns the folders of those that have to be
// allowed like any other.
func (u *unit) state(p *footprint, a account) (elsewhere []string) {
	state, control := p.State, p.Control
	if state == "" {
		if state = rootState; !a.root() {
			u.WorkingDirectory = rootState
		}
	}
	if u.WorkingDirectory == "" && control == "" {
		control = defaultControl(state)
	}
	if name, ok := strings.CutPrefix(state, "/var/lib/"); ok {
		u.StateDirectories = append(u.StateDirectories, name)
	} else {
		elsewhere = append(elsewhere, state)
	}
	if control != "" && !under(control, state) {
		elsewhere = append(elsewhere, filepath.Dir(control))
	}
	return elsewhere
}

// write allows a folder to be written to. What is not there yet cannot be allowed: then the folder above it is, unless that
// is half of the machine.
func (u *unit) write(folder string, a account) {
	switch {
	case under(folder, "/dev", "/proc", "/sys"): // ProtectSystem=strict leaves these alone
		return
	case under(folder, "/run", "/var/run") && u.runtime(folder, a):
		return
	}
	there := existing(folder)
	real := resolved(there)
	switch deep := strings.Count(real, "/") > 1; {
	case there == folder && a.mayWrite(real):
		u.WritePaths = append(u.WritePaths, real)
	case there == folder:
		u.Notes = append(u.Notes, fmt.Sprintf("%s may not write in %s: give it that folder, or the configuration another", a.user, shellWord(folder)))
		u.WritePaths = append(u.WritePaths, real)
	case deep && a.mayWrite(real):
		u.WritePaths = append(u.WritePaths, real)
	default:
		u.Notes = append(u.Notes, "this has to be there before it starts: "+a.install(folder))
		u.WritePaths = append(u.WritePaths, folder)
	}
}

// runtime lets systemd make a folder below /run, which is empty after each boot, unless somebody else makes it: systemd
// would give that to us.
func (u *unit) runtime(folder string, a account) bool {
	_, name, _ := strings.Cut(folder, "/run/")
	if name == "" {
		return false
	}
	if info, err := os.Lstat(folder); err == nil && name != "sluice" {
		if !info.IsDir() || info.Mode().Perm() != 0o755 || info.Sys().(*syscall.Stat_t).Uid != a.uid {
			return false
		}
	}
	if !slices.Contains(u.RuntimeDirectories, name) {
		u.RuntimeDirectories = append(u.RuntimeDirectories, name)
	}
	return true
}

// stopSeconds is how long a service manager waits for our end before it kills us.
func stopSeconds(shutdown time.Duration) int { return int((shutdown + 5*time.Second).Seconds()) }

// capabilities are those of root's powers that the configuration needs.
func capabilities(p *footprint, a account) (names []string) {
	foreign := a.root() && (p.Gives || slices.ContainsFunc(slices.Concat(p.Folders, p.Sockets, p.Visits, []string{p.State, filepath.Dir(p.Control)}), ofOthers) ||
		slices.ContainsFunc(p.Files, func(glob string) bool {
			files, _ := filepath.Glob(glob)
			return slices.ContainsFunc(files, ofOthers)
		}))
	for _, c := range []struct {
		needed bool
		names  []string
	}{
		{p.LowPort, []string{"CAP_NET_BIND_SERVICE"}},
		{p.Buffer, []string{"CAP_NET_ADMIN"}},
		{p.Owners, []string{"CAP_CHOWN", "CAP_FOWNER"}},
		{foreign, []string{"CAP_DAC_OVERRIDE"}},
		{p.Kernel, []string{"CAP_SYSLOG"}},
		{p.Drops, []string{"CAP_SETUID", "CAP_SETGID"}},
	} {
		if c.needed {
			names = append(names, c.names...)
		}
	}
	return names
}

// unitWords are the functions of the unit's template.
var unitWords = template.FuncMap{
	"word": unitWord,
	// In a command $ begins a variable.
	"argument": func(s string) string { return unitWord(strings.ReplaceAll(s, "$", "$$")) },
	"words": func(list []string) string {
		words := make([]string, len(list))
		for i, s := range list {
			words[i] = unitWord(s)
		}
		return strings.Join(words, " ")
	},
}

// unitWord quotes a word of a unit file; % begins a specifier there (systemd.syntax(7)).
func unitWord(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if plainWord.MatchString(s) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%,+=$~-]+$`)
