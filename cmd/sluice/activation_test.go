package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/syslog"
	"sluice/syslog/freeport"
	"sluice/syslog/listen"
)

// through makes cmd the last words of a shell's line, in which "$@" stands for it. Its name stays sluice.
func through(t testing.TB, cmd *exec.Cmd, line string) {
	t.Helper()
	link := filepath.Join(t.TempDir(), "sluice")
	if err := os.Symlink(cmd.Path, link); err != nil {
		t.Fatal(err)
	}
	cmd.Args = append([]string{"sh", "-c", line, "sh", link}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// passing starts a sluice as systemd does with sockets, all of which it is told that name of.
func passing(t testing.TB, name string, files ...*os.File) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		names := strings.TrimSuffix(strings.Repeat(name+":", len(files)), ":")
		through(t, cmd, `LISTEN_PID=$$ exec "$@"`) // exec keeps the number of the shell
		cmd.ExtraFiles = files
		cmd.Env = append(os.Environ(), "TZ=UTC", fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+names)
	}
}

// boundSockets are four sockets that the test holds, as systemd does, with their URLs.
func boundSockets(t testing.TB, dir string) (files []*os.File, urls []string) {
	t.Helper()
	keep := func(s interface{ File() (*os.File, error) }, url string) {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files, urls = append(files, f), append(urls, url)
	}
	for _, network := range []string{"udp", "unixgram"} {
		address := "127.0.0.1:0"
		if network == "unixgram" {
			address = filepath.Join(dir, network)
		}
		c, err := net.ListenPacket(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		keep(c.(interface{ File() (*os.File, error) }), network+"://"+c.LocalAddr().String())
	}
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(dir, network)
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		keep(l.(interface{ File() (*os.File, error) }), network+"://"+l.Addr().String())
	}
	return files, urls
}

// give sends a message over each URL, and returns what the lines have to be.
func give(t testing.TB, urls []string, what string) (lines []string) {
	t.Helper()
	for _, url := range urls {
		network, address, _ := strings.Cut(url, "://")
		c, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "<14>app: %s\n", what); err != nil {
			t.Fatal(err)
		}
		c.Close()
		lines = append(lines, network+" "+what)
	}
	return lines
}

// hasLines waits until file has these lines, in any order, and no others.
func hasLines(t testing.TB, file string, want []string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	waitForFile(t, file, func(text string) bool {
		got = strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
		slices.Sort(got)
		return len(got) >= len(want)
	}, fmt.Sprint(len(want), " lines"))
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

const linesToFile = `rules: [{to: {file: ./out, format: "{transport} {message}"}}]`

// What is sent between two runs waits in the sockets that somebody else holds: after a stop, and after a crash.
func TestPassedSocketsOutliveUs(t *testing.T) {
	for _, input := range []string{"fd://", "fd://sluice"} {
		dir := t.TempDir()
		files, urls := boundSockets(t, dir)
		p := runWith(t, dir, "sluice.yaml", `{state_dir: ./state, inputs: ["`+input+`"], `+linesToFile+`}`, passing(t, "sluice", files...))
		want := give(t, urls, "while it runs")
		hasLines(t, filepath.Join(dir, "out"), want)
		p.stop()
		want = append(want, give(t, urls, "while it is down")...)
		p.start()
		hasLines(t, filepath.Join(dir, "out"), want)
		p.kill()
		want = append(want, give(t, urls, "after a crash")...)
		p.start()
		hasLines(t, filepath.Join(dir, "out"), want)
		p.stop()
		for _, url := range urls {
			if path, ok := strings.CutPrefix(url, "unix"); ok {
				_, path, _ = strings.Cut(path, "://")
				if _, err := os.Stat(path); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// An input of an address that is passed takes the socket over, and fd:// has the others.
func TestPassedByAddress(t *testing.T) {
	dir := t.TempDir()
	files, urls := boundSockets(t, dir)
	conf := fmt.Sprintf(`{state_dir: ./state, inputs: [fd://, %q, {syslog: %q, name: stream}], rules: [{to: {file: ./out, format: "{input} {transport}"}}]}`, urls[0], urls[3])
	p := runWith(t, dir, "sluice.yaml", conf, passing(t, "x", files...))
	give(t, urls, "x")
	hasLines(t, filepath.Join(dir, "out"), []string{urls[0] + " udp", "stream unix", "fd:// unixgram", "fd:// tcp"})
	p.stop()
	if log := p.log(); log != "" {
		t.Error(log)
	}
}

// A socket that nobody reads is said, and does not keep others from being read.
func TestPassedUnread(t *testing.T) {
	dir := t.TempDir()
	files, urls := boundSockets(t, dir)
	p := runWith(t, dir, "sluice.yaml", fmt.Sprintf(`{state_dir: ./state, inputs: [%q], %s}`, urls[2], linesToFile), passing(t, "spare", files...))
	for _, url := range []string{urls[0], urls[1], urls[3]} {
		p.says(`systemd passes a socket that no input reads: add the input fd://" socket=spare address=` + url)
	}
	hasLines(t, filepath.Join(dir, "out"), give(t, urls[2:3], "heard"))
	p.stop()
}

// The same with the program that systemd has for trying it.
func TestSystemdSocketActivate(t *testing.T) {
	const program = "systemd-socket-activate"
	if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "true" {
		t.Skip(program + " is missing: install Debian's package systemd")
	}
	for _, c := range []struct {
		flag     string
		networks []string
	}{
		{"", []string{"tcp", "unix"}},
		{"--datagram", []string{"udp", "unixgram"}},
	} {
		t.Run(c.networks[0], func(t *testing.T) {
			dir := t.TempDir()
			urls := []string{c.networks[0] + "://" + freeport.Address(t), c.networks[1] + "://" + filepath.Join(dir, "sock")}
			p := &process{t: t, dir: dir, name: "sluice.yaml"}
			conf := `{state_dir: ./state, inputs: ["fd://first", "fd://"], rules: [{to: {file: ./out, format: "{input} {transport} {message}"}}]}`
			if err := os.WriteFile(filepath.Join(dir, p.name), []byte(conf), 0o600); err != nil {
				t.Fatal(err)
			}
			log, err := os.Create(p.logFile())
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			p.cmd = asSluice(t, "run", "-c", p.name)
			_, first, _ := strings.Cut(urls[0], "://")
			_, second, _ := strings.Cut(urls[1], "://")
			through(t, p.cmd, "exec "+program+" "+c.flag+" --fdname=first:second -l "+first+" -l "+second+` "$@"`)
			p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
			if err := p.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.kill)
			p.says("Listening on .*sock as 4")
			give(t, urls, "hello") // the first of which starts it
			hasLines(t, filepath.Join(dir, "out"), []string{"fd://first " + c.networks[0] + " hello", "fd:// " + c.networks[1] + " hello"})
			p.stop()
			if _, err := os.Stat(second); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who gets which of the sockets.
func TestShare(t *testing.T) {
	socket := func(name string, transport syslog.Transport, address string) passedSocket {
		return passedSocket{Passed: &listen.Passed{Name: name, Transport: transport, Address: address}}
	}
	broken := passedSocket{&listen.Passed{Name: "fifo"}, errors.New("no socket")}
	sockets := []passedSocket{socket("lan", syslog.UDP, "0.0.0.0:514"), socket("lan", syslog.TCP, "0.0.0.0:514"), socket("log", syslog.Unixgram, "/run/log"), broken}
	for _, c := range []struct {
		name   string
		inputs string
		want   string // each input's number of sockets, and how many are nobody's
	}{
		{"all", `fd://`, "[4] 0"},
		{"by name", `fd://lan, fd://log`, "[2 1] 1"},
		{"the rest", `fd://, fd://lan`, "[2 2] 0"},
		{"by address", `udp://:514, fd://lan`, "[1 1] 2"},
		{"the first of those that name it", `fd://lan, udp://:514`, "[2 0] 2"},
		{"a name that is not there", `fd://wan`, "[0] 4"},
		{"nothing but others", `tcp://:515, kernel`, "[0 0] 4"},
		{"a local path", `unixgram:///run/log`, "[1] 3"},
	} {
		var inputs []*Input
		for url := range strings.SplitSeq(c.inputs, ", ") {
			in := &Input{}
			scheme, rest, _ := strings.Cut(url, "://")
			switch scheme {
			case "fd":
				in.claim = claimOf(listen.Config{Inherit: true, Address: rest})
			case "kernel":
			default:
				in.claim = claimOf(listen.Config{Transport: syslog.Transport(slices.Index(syslog.Transports, scheme)), Address: rest})
			}
			inputs = append(inputs, in)
		}
		shares := share(sockets, inputs)
		var got []int
		for _, in := range inputs {
			got = append(got, len(shares[in]))
		}
		if got := fmt.Sprint(got, len(shares[nil])); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

// A reload keeps the sockets, and the connections where the input has the same ones as before. An input that is new takes
// its own from fd://, and gives it back when it goes.
func TestPassedReload(t *testing.T) {
	dir := t.TempDir()
	files, urls := boundSockets(t, dir)
	conf := func(inputs string) string {
		return fmt.Sprintf(`{state_dir: ./state, inputs: [%s], rules: [{to: {file: ./out, format: "{transport} {message}"}}]}`, inputs)
	}
	p := runWith(t, dir, "sluice.yaml", conf("{syslog: fd://, name: all}"), passing(t, "x", files...))
	_, address, _ := strings.Cut(urls[2], "://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var want []string
	expect := func(what string, inputs ...string) { // with their sockets
		t.Helper()
		want = append(want, give(t, urls, what)...)
		hasLines(t, filepath.Join(dir, "out"), want)
		status, err := asSluice(t, "status", "--json", "--control", filepath.Join(dir, "state", "control.sock")).Output()
		if err != nil {
			t.Fatal(err)
		}
		var has []string
		for _, m := range regexp.MustCompile(`"name":\s*"(all|lan)",\s*"address":\s*"([^"]*)"`).FindAllStringSubmatch(string(status), -1) {
			has = append(has, fmt.Sprintf("%s %d", m[1], strings.Count(m[2], "://")))
		}
		if !slices.Equal(has, inputs) {
			t.Errorf("%s: %q, not %q\n%s", what, has, inputs, status)
		}
	}
	reload := func(inputs string) {
		t.Helper()
		if out, code := p.reload(conf(inputs)); code != 0 {
			t.Fatal(out)
		}
	}
	expect("first", "all 4")
	reload("{syslog: fd://, name: all, max_message_size: 1KiB}")
	fmt.Fprintln(conn, "<14>app: still there")
	want = append(want, "tcp still there")
	expect("other options", "all 4")
	reload(`{syslog: fd://, name: all, max_message_size: 1KiB}, {syslog: "` + urls[0] + `", name: lan}`)
	expect("one more", "all 3", "lan 1")
	reload("{syslog: fd://, name: all}")
	expect("one less", "all 4")
	p.stop()
}
