package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gopkg.in/yaml.v3"
)

// A dockerfile is the instructions of etc/Dockerfile, each as its word and the rest of its line, from each FROM on.
type dockerfile [][][2]string

func readDockerfile(t *testing.T) dockerfile {
	t.Helper()
	text, err := os.ReadFile("../../etc/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var stages dockerfile
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || word == "#":
			continue
		case word == "FROM":
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], [2]string{word, rest})
	}
	return stages
}

// exec is the JSON of an instruction that no shell reads.
func (d dockerfile) exec(t *testing.T, instruction string) []string {
	t.Helper()
	for _, in := range d[len(d)-1] {
		if in[0] != instruction {
			continue
		}
		var args []string
		if err := json.Unmarshal([]byte(in[1][strings.Index(in[1], "["):]), &args); err != nil {
			t.Fatalf("%s %s: %v", in[0], in[1], err)
		}
		return args
	}
	t.Fatalf("the image has no %s", instruction)
	return nil
}

// TestDockerfile makes a folder of what the last stage of etc/Dockerfile copies, changes its root to it as a container does, and
// runs what the image would run, on the ports it would have, in a network of its own. There is nothing else in that folder: no
// shell, no libc, no /etc/passwd, no /tmp.
func TestDockerfile(t *testing.T) {
	d := readDockerfile(t)
	if d[len(d)-1][0] != [2]string{"FROM", "scratch"} {
		t.Error("the image is not made from scratch")
	}
	ignore, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	image := t.TempDir()
	bin := filepath.Join(t.TempDir(), "bin")
	for n, stage := range d {
		for _, in := range stage {
			args := strings.Fields(in[1])
			if in[0] == "RUN" && strings.HasPrefix(in[1], "mkdir -p ") {
				printed(t, "sh", "-c", strings.ReplaceAll(in[1], " /image", " "+image))
			}
			if in[0] != "COPY" {
				continue
			}
			to := args[len(args)-1]
			for _, from := range args[:len(args)-1] {
				switch {
				case args[0] == "--from=build":
					continue
				case !strings.Contains("\n"+string(ignore), "\n!"+from+"\n"):
					t.Errorf(".dockerignore leaves out %s", from)
				}
				if _, err := os.Stat(filepath.Join("../..", from)); err != nil {
					t.Errorf("COPY %s: %v", in[1], err)
				}
			}
			if n < len(d)-1 {
				continue
			}
			from := args[len(args)-2]
			switch {
			case args[0] != "--from=build":
				from = filepath.Join("../..", from)
			case from == "/src/bin/sluice":
				runMake(t, "../..", "build", "BIN="+bin)
				from = filepath.Join(bin, "sluice")
				static(t, from)
			case from == "/image/":
				continue
			}
			printed(t, "install", "-D", from, filepath.Join(image, to))
		}
	}
	if t.Failed() {
		return
	}
	runImage(t, image, append(d.exec(t, "ENTRYPOINT"), d.exec(t, "CMD")...), d.exec(t, "HEALTHCHECK"))
}

func runImage(t *testing.T, image string, command, healthy []string) {
	if os.Getuid() != 0 {
		t.Skip("only root can change its root")
	}
	needs(t, "nsenter", "util-linux")
	needs(t, "ip", "iproute2")
	if err := os.Mkdir(filepath.Join(image, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := append([]string{"-m", "-n", "sh", "-euc", `mount --bind /proc "$0/proc"; ip link set lo up; exec chroot "$0" "$@"`, image}, command...)
	daemon := exec.Command("unshare", inside...)
	said := filepath.Join(t.TempDir(), "said")
	out, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	daemon.Stdout, daemon.Stderr = out, out
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if daemon.ProcessState == nil {
			daemon.Process.Kill()
			daemon.Wait()
		}
	})
	waitForFile(t, said, func(text string) bool { return strings.Contains(text, "  try") }, "what to try")
	health := func() error {
		out, err := exec.Command("chroot", append([]string{image}, healthy...)...).CombinedOutput()
		t.Logf("%s", out)
		return err
	}
	if err := health(); err != nil {
		t.Errorf("HEALTHCHECK: %v", err)
	}
	for _, to := range []string{"udp://127.0.0.1:514", "tcp://127.0.0.1:514"} {
		printed(t, "nsenter", "-n", "-t", strconv.Itoa(daemon.Process.Pid), filepath.Join(image, command[0]), "send", "-q", "--to", to, "-t", "shop-web-1", "-p", "daemon.err", "over "+to)
	}
	waitForFile(t, said, func(text string) bool {
		return strings.Contains(text, "over udp://") && strings.Contains(text, "over tcp://")
	}, "both errors on the console")
	daemon.Process.Signal(syscall.SIGTERM)
	if err := daemon.Wait(); err != nil {
		t.Error(err)
	}
	if logs, _ := filepath.Glob(filepath.Join(image, "var/log/sluice/shop-web-1-*.log")); len(logs) != 1 {
		t.Errorf("the logs of shop-web-1 are %q", logs)
	}
	if health() == nil {
		t.Error("HEALTHCHECK finds a container healthy whose sluice has ended")
	}
}

// TestCompose has Compose read etc/compose.yaml, where there is one, and looks at what Compose does not: the files that it
// mounts, and the port that Docker sends to.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("../../etc/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if exec.Command("docker", "compose", "version").Run() == nil {
		printed(t, "docker", "compose", "-f", "../../etc/compose.yaml", "config", "-q")
	} else {
		needs(t, "docker-compose", "docker-compose")
		printed(t, "docker-compose", "-f", "../../etc/compose.yaml", "config", "-q")
	}
	var file struct {
		Services map[string]struct {
			Build   struct{ Context, Dockerfile string }
			Ports   []string
			Volumes []string
			Logging struct {
				Driver  string
				Options map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	sluice, web := file.Services["sluice"], file.Services["web"]
	for _, volume := range sluice.Volumes {
		from, _, _ := strings.Cut(volume, ":")
		if _, err := os.Stat(filepath.Join("../../etc", from)); strings.HasPrefix(from, ".") && err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join("../../etc", sluice.Build.Context, sluice.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	to := strings.TrimPrefix(web.Logging.Options["syslog-address"], "tcp://")
	published := false
	for _, port := range sluice.Ports {
		published = published || port == to+":514/tcp"
	}
	if web.Logging.Driver != "syslog" || !published {
		t.Errorf("web logs to %q by driver %s, and published are %q", to, web.Logging.Driver, sluice.Ports)
	}
}
