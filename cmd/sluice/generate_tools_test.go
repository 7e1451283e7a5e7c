package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// askSupervisor has supervisord read its configuration, and prints what it understood of our section.
const askSupervisor = `
import sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(["-c", sys.argv[1], "-n"])
for group in options.process_group_configs:
    for p in group.process_configs:
        import shlex
        print(p.name, p.uid, p.directory, p.exitcodes, p.stopwaitsecs, p.priority, p.redirect_stderr)
        print("\n".join(shlex.split(p.command)))
`

// supervisord understands the section, and the command is what we meant.
func TestGenerateSupervisor(t *testing.T) {
	needsTool(t, "supervisord", "supervisor")
	for _, c := range []struct {
		name   string
		config string
		file   string
		args   []string
		root   bool
		want   string
		said   string
	}{
		{
			name:   "as root",
			config: `{inputs: ["tcp://:5514"], rules: [{to: DIR/ours/x.log}]}`,
			want:   "sluice None None [0, 2] 17 1 True\nSELF\nrun\n-c\nDIR/sluice.yaml\n",
		},
		{
			name:   "a file with blanks, quotes and percents",
			file:   `50% 'a' "b" \c $d;#.yaml`,
			config: `{inputs: ["tcp://:5514"], shutdown: 1m, rules: [{to: DIR/ours/x.log}]}`,
			want:   "sluice None None [0, 2] 67 1 True\nSELF\nrun\n-c\nDIR/50% 'a' \"b\" \\c $d;#.yaml\n",
		},
		{
			name:   "another user",
			root:   true,
			args:   []string{"--user", "bin"},
			config: `{state_dir: DIR/theirs/state, inputs: ["tcp://:514"], rules: [{to: [DIR/theirs/a/x.log, DIR/ours/x.log]}]}`,
			want:   "sluice 2 None [0, 2] 17 1 True\nSELF\nrun\n-c\nDIR/sluice.yaml\n",
			said: "bin may not write in DIR/ours: give it that folder, or the configuration another\n" +
				"bin may not listen on ports below 1024: sysctl net.ipv4.ip_unprivileged_port_start=514, or take others\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Getuid() != 0 {
				t.Skip("only root can give folders away")
			}
			p := newPlace(t)
			if c.file != "" {
				p.file = c.file
			}
			out, said := p.generate(t, c.config, append([]string{"supervisor"}, c.args...)...)
			if diff := cmp.Diff(p.fill(c.said), said); diff != "" {
				t.Errorf("(-want +said):\n%s", diff)
			}
			file := filepath.Join(p.dir, "supervisord.conf")
			fatal(t, os.WriteFile(file, []byte("[supervisord]\nlogfile="+filepath.Join(p.dir, "log")+"\n"+out), 0o644))
			understood, err := exec.Command("/usr/bin/python3", "-c", askSupervisor, file).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, understood, out)
			}
			if diff := cmp.Diff(p.fill(c.want), string(understood)); diff != "" {
				t.Errorf("(-want +understood):\n%s", diff)
			}
		})
	}
	if _, err := supervisorCommand("/a ;b"); err == nil {
		t.Error("a path that supervisord cuts was taken")
	}
}

// logrotate takes exactly the files that nobody else rotates, each once.
func TestGenerateLogrotate(t *testing.T) {
	needsTool(t, "logrotate", "logrotate")
	for _, c := range []struct {
		name    string
		config  string
		args    []string
		root    bool
		files   []string // that are there
		rotated []string // of these
		want    []string // lines
		empty   []string
	}{
		{
			name:    "a plain file, and one that we rotate",
			config:  `{inputs: ["tcp://:5514"], rules: [{to: [DIR/ours/x.log, {file: DIR/ours/y.log, rotate: {size: 1MiB}}]}]}`,
			files:   []string{"ours/x.log", "ours/y.log"},
			rotated: []string{"ours/x.log"},
			want:    []string{"DIR/ours/x.log", "\tnocreate"},
			empty:   []string{"su "},
		},
		{
			name:   "nothing to do",
			config: `{inputs: ["tcp://:5514"], rules: [{to: [{file: DIR/ours/y.log, rotate: {every: day}}, {console: stdout}, /dev/null, "tcp://127.0.0.1:514"]}]}`,
			want:   []string{"# Nothing to rotate here: no file target of this configuration leaves it to others."},
			empty:  []string{"{"},
		},
		{
			name:    "fields, and paths that others take too",
			config:  `{inputs: ["tcp://:5514"], rules: [{to: ["DIR/ours/h/{hostname}/{app_name}{procid}.log", DIR/ours/h/web/x.log, "DIR/ours/h/web/{tag}.log", "DIR/ours/h/{hostname}/y.log"]}]}`,
			files:   []string{"ours/h/web/x.log", "ours/h/web/z.log", "ours/h/db/y.log"},
			rotated: []string{"ours/h/db/y.log", "ours/h/web/x.log", "ours/h/web/z.log"},
			want:    []string{"DIR/ours/h/*/*.log"},
			empty:   []string{"x.log", "y.log"},
		},
		{
			name:   "the date in the path",
			config: `{inputs: ["tcp://:5514"], targets: {days: "DIR/ours/{date}.log", open: "DIR/ours/{tag}"}, rules: [{to: [days, open]}]}`,
			want: []string{"# DIR/ours/{date}.log: the path changes by itself; rotate: {keep: 30d} on target days removes old ones",
				"# DIR/ours/{tag}: what is rotated would be taken for a new file; let the path of target open end in .log"},
			files: []string{"ours/x", "ours/2026-11-20.log"},
		},
		{
			name:    "what we rotate is such a file, too",
			config:  `{inputs: ["tcp://:5514"], rules: [{to: ["DIR/ours/{tag}.log", {file: DIR/ours/y.log, rotate: {size: 1MiB}}]}]}`,
			files:   []string{"ours/x.log"},
			rotated: []string{"ours/x.log"},
			want:    []string{"# DIR/ours/y.log is rotated by sluice and by this, since DIR/ours/*.log is such a file, too: let one of them be called otherwise"},
		},
		{
			name:    "characters that mean something to logrotate and to globs",
			config:  `{inputs: ["tcp://:5514"], rules: [{to: 'DIR/a %h "b" ''c'' $d [e] \f {{g}}/{tag}.log'}]}`,
			files:   []string{oddFolder + "/x.log"},
			rotated: []string{oddFolder + "/x.log"},
		},
		{
			name:    "folders of others",
			root:    true,
			config:  `{inputs: ["tcp://:5514"], rules: [{to: [DIR/theirs/x.log, {file: DIR/theirs/y.log, owner: bin}, {file: DIR/theirs/z.log, owner: daemon}, DIR/ours/x.log]}]}`,
			files:   []string{"theirs/x.log", "theirs/y.log", "theirs/z.log", "ours/x.log"},
			rotated: []string{"ours/x.log", "theirs/x.log", "theirs/y.log", "theirs/z.log"},
			want:    []string{"\tsu root bin", "\tsu bin bin"},
		},
		{
			name:    "without root",
			root:    true,
			args:    []string{"--user", "bin"},
			config:  `{inputs: ["tcp://:5514"], rules: [{to: [DIR/theirs/x.log, DIR/theirs/new/x.log]}]}`,
			files:   []string{"theirs/x.log"},
			rotated: []string{"theirs/new/x.log", "theirs/x.log"}, // the one may be missing
			want:    []string{"\tsu bin bin", "DIR/theirs/new/x.log"},
			empty:   []string{"su root"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Getuid() != 0 {
				t.Skip("only root can give folders away")
			}
			p := newPlace(t)
			for _, name := range c.files {
				file := filepath.Join(p.dir, name)
				fatal(t, os.MkdirAll(filepath.Dir(file), 0o755))
				fatal(t, os.WriteFile(file, []byte("a line\n"), 0o644))
			}
			if os.Getuid() != 0 { // then logrotate can become nobody but us, and all folders are ours
				me, err := user.Current()
				fatal(t, err)
				c.args = []string{"--user", me.Username}
				c.empty = slices.DeleteFunc(c.empty, func(word string) bool { return word == "su " })
			}
			out, _ := p.generate(t, c.config, append([]string{"logrotate"}, c.args...)...)
			for i := range c.want {
				c.want[i] = p.fill(c.want[i])
			}
			wantLines(t, out, c.want, c.empty)
			if diff := cmp.Diff(c.rotated, p.rotates(t, out)); diff != "" {
				t.Errorf("(-want +rotated):\n%s\n%s", diff, out)
			}
		})
	}
}

// rotates has logrotate say what it would do, and returns the files that it would do it to.
func (p place) rotates(t *testing.T, config string) (files []string) {
	t.Helper()
	file := filepath.Join(p.dir, "logrotate.conf")
	fatal(t, os.WriteFile(file, []byte(config), 0o644))
	said, err := exec.Command("logrotate", "-d", "-s", filepath.Join(p.dir, "state"), file).CombinedOutput()
	if err != nil || strings.Contains(string(said), "error:") {
		t.Fatalf("logrotate: %v\n%s\n%s", err, said, config)
	}
	for line := range strings.Lines(string(said)) {
		if log, ok := strings.CutPrefix(line, "considering log "+p.dir+"/"); ok {
			files = append(files, strings.TrimSuffix(log, "\n"))
		}
	}
	slices.Sort(files)
	return files
}
