package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is generated has no mistake, no warning, and tests that pass.
func TestGenerateConfig(t *testing.T) {
	for _, c := range []struct {
		name  string
		asked firstConfig
		want  []string // lines
		empty []string // what is in no line
	}{
		{name: "nothing asked for, as root", asked: firstConfig{root: true},
			want:  []string{"  - unixgram:///dev/log", "  - udp://:514", "  - tcp://:514", "    file: /var/log/sluice/messages.log", "    file: /var/log/sluice/errors.log"},
			empty: []string{"state_dir", "channel"}},
		{name: "without root", asked: firstConfig{syslog: true},
			want: []string{"  - unixgram://./sluice-data/log.sock", "  - udp://127.0.0.1:5514", "  - tcp://127.0.0.1:5514", "    file: ./sluice-data/messages.log"}},
		{name: "pyzog's", asked: firstConfig{Name: "pyzog", Redis: "secret@127.0.0.1:6379/0", Channels: []string{"req.*", "app"}, root: true},
			want:  []string{"state_dir: /var/lib/pyzog    # what waits for a disk or a collector, over a restart", "  - redis: secret@127.0.0.1:6379/0", `    file: "/var/log/pyzog/{channel}.log"`, "    channel: req.shop"},
			empty: []string{"messages", "unixgram", "zmq"}},
		{name: "ZeroMQ", asked: firstConfig{ZMQ: "tcp://*:5555", Channels: []string{"app.*", "app.?x", "root"}},
			want: []string{`  - zmq: "tcp://*:5555"`, "    topics: [app., root]      # what they begin with", "  - name: everything else"}},
		{name: "every topic", asked: firstConfig{ZMQ: "ipc:///run/app/log.sock", Channels: []string{"app", "*"}},
			want: []string{`    topics: [""]      # what they begin with`}},
		{name: "all at once", asked: firstConfig{Redis: "rediss://u:p@cache.example.net/1", ZMQ: "tcp://127.0.0.1:5555", syslog: true, root: true},
			want: []string{"    match: {input: [redis, zmq], channel: {exists: true}}", `    file: "/var/log/sluice/channels/{channel}.log"`}},
		{name: "a folder that YAML and templates would read otherwise", asked: firstConfig{Logs: "/srv/a: {b} ${HOME} # ", root: true},
			want: []string{`    file: "/srv/a: {{b}} $${{HOME}} # /messages.log"`}},
		{name: "a password like that", asked: firstConfig{Redis: `redis://:${x}"'%25:#@h:1/0`, root: true},
			want: []string{`  - redis: "redis://:$${x}\"'%25:#@h:1/0"`}},
		{name: "a folder of other programs", asked: firstConfig{Redis: "h", Logs: "/var/log/", root: true},
			want: []string{`    file: "/var/log/sluice/{channel}.log"`}},
		{name: "a folder beside the file", asked: firstConfig{Logs: "logs"}, want: []string{"    file: ./logs/messages.log"}},
		{name: "a channel with brackets", asked: firstConfig{Redis: "h", Channels: []string{`a[^xy]\*?b`, "c,d"}},
			want: []string{`    subscribe: ['a[^xy]\*?b', "c,d"]    # * ? [ make a pattern. What is published while sluice is away is lost: see lists: and streams:`, "    channel: axshop1b"}},
		{name: "a channel like a number", asked: firstConfig{Redis: "h", Channels: []string{"017", "true"}},
			want: []string{`    subscribe: ["017", "true"]    # * ? [ make a pattern. What is published while sluice is away is lost: see lists: and streams:`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fatal(t, c.asked.complete())
			var out bytes.Buffer
			fatal(t, printFile(&out, "config.yaml", c.asked.words(), &c.asked))
			wantLines(t, out.String(), c.want, c.empty)
			file := filepath.Join(t.TempDir(), "sluice.yaml")
			fatal(t, os.WriteFile(file, out.Bytes(), 0o600))
			cfg, err := LoadConfig(file)
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if len(cfg.Warnings) > 0 {
				t.Errorf("%v\n%s", cfg.Warnings, &out)
			}
			if results := cfg.runTests(); results.Failed > 0 || len(results.Tests) == 0 {
				t.Errorf("%+v\n%s", results, &out)
			}
		})
	}
}

func TestGenerateConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		asked firstConfig
		want  string
	}{
		{firstConfig{Name: "../x"}, `--name "../x": want letters, digits, and . _ - between them: it is the name of a folder`},
		{firstConfig{Channels: []string{"x"}}, "--channel: needs --redis or --zmq: syslog has no channels"},
		{firstConfig{Redis: "http://x"}, "--redis: unknown scheme: want redis://, rediss:// or unix://"},
		{firstConfig{ZMQ: "127.0.0.1:5555"}, "--zmq: want an endpoint such as tcp://127.0.0.1:5555 or ipc:///run/app.sock"},
		{firstConfig{Logs: "~/logs"}, "--log-path ~/logs: ~ means a home folder only to a shell; write the whole path"},
		{firstConfig{Redis: "h", Channels: []string{""}}, "--channel: an empty name"},
	} {
		if err := c.asked.complete(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A place is a folder that a test of what is generated has made.
type place struct {
	dir   string // DIR in the texts of the test
	owner int    // of dir/theirs
	file  string // the configuration
}

// oddFolder is called by what means something else to everybody.
const oddFolder = `a %h "b" 'c' $d [e] \f {g}`

// newPlace makes a folder below which everything may happen, and in it one of another user's. Only root can give one away.
func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "generate") // t.TempDir has the test's name, which is too long for sockets
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	fatal(t, os.Chmod(dir, 0o755))
	p := place{dir, 2, "sluice.yaml"} // bin
	for _, name := range []string{"theirs", "ours", oddFolder} {
		fatal(t, os.Mkdir(filepath.Join(p.dir, name), 0o755))
	}
	if os.Getuid() == 0 {
		fatal(t, os.Chown(filepath.Join(p.dir, "theirs"), p.owner, p.owner))
	}
	return p
}

// fill puts the folder into the texts of a test.
func (p place) fill(text string) string {
	self, _ := ourselves()
	return strings.NewReplacer("DIR", p.dir, "SELF", self).Replace(text)
}

// generate returns what `sluice generate` prints for a configuration, and what it says beside.
func (p place) generate(t *testing.T, config string, args ...string) (out, said string) {
	t.Helper()
	file := filepath.Join(p.dir, p.file)
	fatal(t, os.WriteFile(file, []byte(p.fill(config)), 0o644))
	cmd := asSluice(t, append([]string{"generate", "-c", p.file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("generate %v: %v\n%s", args, err, &stderr)
	}
	return stdout.String(), stderr.String()
}

// wantLines compares the lines of a text with those that have to be there, and with words that must be in none.
func wantLines(t *testing.T, text string, want, empty []string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for _, w := range want {
		if !slices.Contains(lines, w) {
			t.Errorf("no line %q in\n%s", w, text)
		}
	}
	for _, w := range empty {
		if strings.Contains(text, w) {
			t.Errorf("%q in\n%s", w, text)
		}
	}
}

// needsTool skips a test on a workstation that lacks a program; in CI there is none missing.
func needsTool(t *testing.T, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "true" {
		t.Skipf("%s is missing: install Debian's package %s", program, debian)
	}
}

// The unit has what each configuration needs and nothing more, and systemd has nothing against it.
func TestGenerateSystemd(t *testing.T) {
	needsTool(t, "systemd-analyze", "systemd")
	for _, c := range []struct {
		name   string
		config string
		file   string // its name
		args   []string
		root   bool // only root can prepare it
		want   []string
		empty  []string
		said   string
	}{
		{
			name:   "a file and nothing else",
			config: `{inputs: ["tcp://:5514"], rules: [{to: DIR/ours/x.log}]}`,
			want: []string{"ReadWritePaths=DIR/ours", "CapabilityBoundingSet=", "StateDirectory=sluice", "RuntimeDirectory=sluice", "ProtectHome=read-only", "PrivateTmp=no",
				"ProtectKernelTunables=yes", "SystemCallFilter=~@keyring @setuid @memlock", "TimeoutStopSec=17", "Type=notify", "ExecReload=/bin/kill -HUP $MAINPID"},
			empty: []string{"User=", "Alias=", "DeviceAllow=", "AmbientCapabilities="},
		},
		{
			name:   "the machine's own syslog",
			config: `{inputs: ["unixgram:///dev/log", "udp://:514", {kernel: /dev/kmsg}], shutdown: 30s, rules: [{to: {file: /var/log/x.log, group: bin}}]}`,
			want: []string{"ReadWritePaths=/var/log", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_ADMIN CAP_CHOWN CAP_FOWNER CAP_SYSLOG", "Alias=syslog.service",
				"Wants=syslog.socket", "DeviceAllow=/dev/kmsg r", "TimeoutStopSec=37"},
			empty: []string{"ProtectKernelTunables=yes"},
		},
		{
			name:   "folders in folders, with fields, not there yet",
			config: `{inputs: ["udp://:5514"], rules: [{to: ["DIR/ours/{hostname}/{app_name}.log", DIR/ours/a/b/c.log, "DIR/{hostname}.log", DIR/new/x.log]}]}`,
			want:   []string{"ReadWritePaths=DIR", "CapabilityBoundingSet=CAP_NET_ADMIN"},
			empty:  []string{"ReadWritePaths=DIR/"},
		},
		{
			name:   "half of the machine is never allowed",
			config: `{inputs: ["tcp://:5514"], rules: [{to: /nowhere/a/x.log}]}`,
			want:   []string{"ReadWritePaths=/nowhere/a", "# this has to be there before it starts: install -d -m 0750 /nowhere/a"},
			said:   "this has to be there before it starts: install -d -m 0750 /nowhere/a\n",
		},
		{
			name:   "a folder of another user",
			root:   true,
			config: `{inputs: ["tcp://:5514"], rules: [{to: DIR/theirs/x.log}]}`,
			want:   []string{"ReadWritePaths=DIR/theirs", "CapabilityBoundingSet=CAP_DAC_OVERRIDE"},
		},
		{
			name:   "files that become another's",
			config: `{inputs: ["tcp://:5514"], rules: [{to: {file: DIR/ours/x.log, owner: bin}}]}`,
			want:   []string{"CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE"},
		},
		{
			name:   "sockets, in folders that are made and in those of others",
			config: `{inputs: [{python: "unix:///run/shop-of-a-test/p.sock", group: bin}, {zmq: "ipc://DIR/ours/z.sock"}, "unix:///run/shop-of-a-test/s.sock"], control: /run/control-of-a-test/c, rules: [{to: {console: stdout}}]}`,
			want:   []string{"RuntimeDirectory=control-of-a-test shop-of-a-test", "ReadWritePaths=DIR/ours", "CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER"},
		},
		{
			name:   "a low port of each kind",
			config: `{inputs: [{zmq: "tcp://127.0.0.1:99", bind: false}, {redis: "127.0.0.1:98", lists: [x]}], http: "127.0.0.1:80", rules: [{to: {console: stdout}}]}`,
			want:   []string{"CapabilityBoundingSet=CAP_NET_BIND_SERVICE"},
		},
		{
			name:   "connections need no port",
			config: `{inputs: [{zmq: ["tcp://127.0.0.1:99"], bind: false}, {redis: "127.0.0.1:98", lists: [x]}], rules: [{to: "tcp://127.0.0.1:514"}]}`,
			want:   []string{"CapabilityBoundingSet="},
			empty:  []string{"ReadWritePaths"},
		},
		{
			name:   "a home folder",
			config: `{inputs: ["tcp://:5514"], rules: [{to: /home/nobody-of-a-test/Server.log}]}`,
			want:   []string{"ProtectHome=no", "ReadWritePaths=/home/nobody-of-a-test"},
			said:   "this has to be there before it starts: install -d -m 0750 /home/nobody-of-a-test\n",
		},
		{
			name:   "devices",
			config: `{inputs: ["tcp://:5514"], rules: [{to: /dev/tty}]}`,
			want:   []string{"DeviceAllow=/dev/tty w"},
			empty:  []string{"ReadWritePaths"},
		},
		{
			name:   "a state folder elsewhere holds the control socket",
			config: `{state_dir: DIR/ours/state, inputs: ["tcp://:5514"], rules: [{to: "tcp://127.0.0.1:514"}]}`,
			want:   []string{"ReadWritePaths=DIR/ours"},
			empty:  []string{"StateDirectory=", "RuntimeDirectory="},
		},
		{
			name:   "a state folder of the system's",
			config: `{state_dir: /var/lib/shop-of-a-test, inputs: ["tcp://:5514"], rules: [{to: "tcp://127.0.0.1:514"}]}`,
			want:   []string{"StateDirectory=shop-of-a-test"},
			empty:  []string{"ReadWritePaths", "RuntimeDirectory="},
		},
		{
			name:   "without root",
			root:   true,
			args:   []string{"--user", "bin"},
			config: `{inputs: ["udp://:514"], state_dir: /var/lib/shop-of-a-test, rules: [{to: [DIR/theirs/x.log, DIR/ours/x.log, /var/log/a-test/x.log]}]}`,
			want: []string{"User=bin", "Group=bin", "AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_ADMIN", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_ADMIN",
				"ReadWritePaths=/var/log/a-test", "ReadWritePaths=DIR/theirs", "ReadWritePaths=DIR/ours"},
			empty: []string{"WorkingDirectory"},
			said: "bin may not write in DIR/ours: give it that folder, or the configuration another\n" +
				"this has to be there before it starts: install -d -m 0750 -o bin -g bin /var/log/a-test\n",
		},
		{
			name:   "without root and a state_dir",
			args:   []string{"--user", "bin"},
			config: `{inputs: ["tcp://:5514"], rules: [{to: {console: stdout}}]}`,
			want:   []string{"WorkingDirectory=/var/lib/sluice", "StateDirectory=sluice", "AmbientCapabilities="},
			empty:  []string{"RuntimeDirectory=", "DAC"},
		},
		{
			name:   "characters that mean something to systemd",
			file:   "50% $x \"y\".yaml",
			config: `{inputs: ["tcp://:5514"], rules: [{to: 'DIR/a %h "b" ''c'' $d [e] \f {{g}}/{tag}.log'}]}`,
			want:   []string{`ReadWritePaths="DIR/a %%h \"b\" 'c' $d [e] \\f {g}"`, `ExecStart=SELF run -c "DIR/50%% $$x \"y\".yaml"`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Getuid() != 0 {
				t.Skip("only root can give folders away")
			}
			if os.Getuid() != 0 { // all folders of the test are those of another user than root then
				c.want = slices.DeleteFunc(c.want, func(line string) bool { return strings.HasPrefix(line, "CapabilityBoundingSet=") })
			}
			p := newPlace(t)
			if c.file != "" {
				p.file = c.file
			}
			out, said := p.generate(t, c.config, append([]string{"systemd"}, c.args...)...)
			for i := range c.want {
				c.want[i] = p.fill(c.want[i])
			}
			for i := range c.empty {
				c.empty[i] = p.fill(c.empty[i])
			}
			wantLines(t, out, c.want, c.empty)
			if diff := cmp.Diff(p.fill(c.said), said); diff != "" && os.Getuid() == 0 {
				t.Errorf("(-want +said):\n%s", diff)
			}
			p.verify(t, out)
		})
	}
}

// verify asks systemd what it thinks of a unit.
func (p place) verify(t *testing.T, unit string) {
	t.Helper()
	file := filepath.Join(p.dir, "sluice.service")
	fatal(t, os.WriteFile(file, []byte(unit), 0o644))
	if said, err := exec.Command("systemd-analyze", "verify", "--man=no", file).CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("systemd-analyze: %v\n%s\n%s", err, said, unit)
	}
}

// What a machine's own syslog daemon has is not in anybody's way, and a configuration that is not there yet has a unit.
func TestGenerateSystemdUsual(t *testing.T) {
	p := footprint{Config: usualConfig, Folders: []string{"/var/log"}, Visits: []string{usualConfig}}
	for _, c := range []struct {
		name  string
		more  string // a folder
		drops bool
		want  []string
	}{
		{name: "nothing else", want: []string{"PrivateTmp=yes", "ProtectHome=read-only", "ReadWritePaths=/var/log"}},
		{name: "a home", more: "/root/logs", want: []string{"PrivateTmp=yes", "ProtectHome=no", "ReadWritePaths=/root/logs"}},
		{name: "files that go with a boot", more: "/tmp/logs", want: []string{"PrivateTmp=no", "ProtectHome=read-only", "ReadWritePaths=/tmp/logs"}},
		{name: "user: in the configuration", drops: true, want: []string{"CapabilityBoundingSet=CAP_SETUID CAP_SETGID", "SystemCallFilter=~@keyring @memlock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p
			if p.Drops = c.drops; c.more != "" {
				p.Folders = append(slices.Clone(p.Folders), c.more)
			}
			u := newUnit(&p, account{})
			u.Binary = "/usr/bin/sluice"
			var out bytes.Buffer
			fatal(t, printFile(&out, "sluice.service", unitWords, u))
			wantLines(t, out.String(), c.want, nil)
		})
	}
}

// A key in a folder of another user needs the power to read it.
func TestGenerateSystemdKeys(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give folders away")
	}
	for folder, want := range map[string]string{"theirs": "CapabilityBoundingSet=CAP_DAC_OVERRIDE", "ours": "CapabilityBoundingSet="} {
		p := newPlace(t)
		newTLSFolder(t, filepath.Join(p.dir, folder))
		out, _ := p.generate(t, `{inputs: [{syslog: "tls://:6514", tls: {cert: `+folder+`/server.pem, key: `+folder+`/server.key}}], rules: [{to: {console: stdout}}]}`, "systemd")
		wantLines(t, out, []string{want}, nil)
	}
}

// systemd makes the folders of sockets, unless they are there and somebody else's: it would give them to us.
func TestGenerateSystemdRuntime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	us := account{uid: uint32(os.Getuid())}
	for name, mode := range map[string]os.FileMode{"ours": 0o755, "open": 0o777, "sluice": 0o700} {
		fatal(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		fatal(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	for _, c := range []struct {
		folder string
		who    account
		want   []string
	}{
		{"new", us, []string{"new"}},
		{"ours", us, []string{"ours"}},
		{"ours", account{uid: us.uid + 1}, nil},
		{"open", us, nil},
		{"sluice", account{uid: us.uid + 1}, []string{"sluice"}},
		{".", us, nil},
	} {
		var u unit
		u.runtime(filepath.Join(dir, c.folder), c.who)
		if !slices.Equal(u.RuntimeDirectories, c.want) {
			t.Errorf("%s: %q, want %q", c.folder, u.RuntimeDirectories, c.want)
		}
	}
}
