package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// needsRoot skips a test that somebody else cannot do. CI can.
func needsRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI has to run this as root")
	}
	t.Skip("only root can become somebody else")
}

// openFolderFor is a folder that everybody can reach, of that mode.
func openFolderFor(t testing.TB, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownerOf is a file's owner and group.
func ownerOf(t testing.TB, name string) string {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
}

// identity is what the kernel says of a process: its users, groups and capabilities.
func identity(t testing.TB, pid int) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	is := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		is[key] = strings.Join(strings.Fields(value), " ")
	}
	return is
}

// userNumbers is a user's numbers.
func userNumbers(t testing.TB, name string) (uid, gid string, groups []string) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	groups, err = u.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	return u.Uid, u.Gid, groups
}

// readable lets everybody read the configuration in dir.
func readable(t testing.TB, dir string) func(*exec.Cmd) {
	return func(*exec.Cmd) {
		if err := os.Chmod(filepath.Join(dir, "sluice.yaml"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Who starts as root becomes the user, on every thread; what it has made and makes later is the user's.
func TestUser(t *testing.T) {
	needsRoot(t)
	uid, gid, groups := userNumbers(t, "daemon")
	_, adm, _ := userNumbers(t, "games")
	for _, c := range []struct {
		name, keys, uid, gid string
		groups               []string
	}{
		{"a user", "user: daemon", uid, gid, groups},
		{"by number", "user: " + uid, uid, gid, groups},
		{"a user with another group", "user: daemon, group: games", uid, adm, append([]string{adm}, groups...)},
		{"a group only", "group: games", "0", adm, []string{adm}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := openFolderFor(t, 0o777)
			p := runWith(t, dir, "sluice.yaml", `{`+c.keys+`, state_dir: ./state, inputs: ["tcp://127.0.0.1:0", unixgram://./log], rules: [{to: [./out, "./hosts/{app_name}.log", "tcp://127.0.0.1:1"]}]}`, readable(t, dir))
			is := identity(t, p.cmd.Process.Pid)
			if want := strings.Repeat(" "+c.uid, 4)[1:]; is["Uid"] != want {
				t.Errorf("users %s, not %s", is["Uid"], want)
			}
			if want := strings.Repeat(" "+c.gid, 4)[1:]; is["Gid"] != want {
				t.Errorf("groups %s, not %s", is["Gid"], want)
			}
			has := strings.Fields(is["Groups"])
			want := slices.Clone(c.groups)
			slices.Sort(has)
			slices.Sort(want)
			if !slices.Equal(has, slices.Compact(want)) {
				t.Errorf("all groups %s, not %s", has, want)
			}
			if c.uid != "0" {
				for _, set := range []string{"CapEff", "CapPrm", "CapInh", "CapAmb"} {
					if strings.Trim(is[set], "0") != "" {
						t.Errorf("%s: %s", set, is[set])
					}
				}
			}
			tell(t, p.address["tcp"], "<14>Nov 20 15:17:52 web1 app: hello")
			if err := os.Rename(filepath.Join(dir, "out"), filepath.Join(dir, "out.1")); err != nil {
				t.Fatal(err)
			}
			tell(t, p.address["tcp"], "<14>Nov 20 15:17:52 web1 app: again")
			files := []string{"out", "out.1", "hosts", "hosts/app.log", "state", "state/lock", "state/spool", "state/control.sock", "log"}
			found, err := filepath.Glob(filepath.Join(dir, "state/spool/*"))
			if err != nil || len(found) == 0 {
				t.Errorf("spools: %s, %v", found, err)
			}
			for _, spool := range found {
				segments, _ := filepath.Glob(spool + "/*")
				for _, name := range append(segments, spool) {
					rel, _ := filepath.Rel(dir, name)
					files = append(files, rel)
				}
			}
			for _, name := range files {
				if got, want := ownerOf(t, filepath.Join(dir, name)), c.uid+":"+c.gid; got != want {
					t.Errorf("%s is of %s, not %s", name, got, want)
				}
			}
			if log := p.log(); strings.Contains(log, "user=") {
				t.Error(log)
			}
			p.stop()
			p.start() // as root, in what is the user's by now
			tell(t, p.address["tcp"], "<14>Nov 20 15:17:52 web1 app: and again")
			p.stop()
		})
	}
}

// What the user may not do is said at the start. What is open goes on.
func TestUserLacks(t *testing.T) {
	needsRoot(t)
	dir := openFolderFor(t, 0o755)
	for name, mode := range map[string]os.FileMode{"closed": 0o755, "opened": 0o777, "hidden": 0o700} {
		if err := os.Mkdir(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"opened/theirs": 0o600, "closed/mine": 0o666, "other": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	p := run(t, dir, "sluice.yaml", `
user: nobody
state_dir: .
inputs: ["tcp://127.0.0.1:0"]
targets:
  theirs: opened/theirs
  mine: closed/mine
  many: "closed/{hostname}/{app_name}"
  given: {file: opened/given, owner: games}
  grouped: {file: opened/grouped, group: games}
  hidden: hidden/file
  fine: opened/fine
  device: /dev/null
rules: [{to: [theirs, mine, many, given, grouped, hidden, fine, device]}]
`)
	for _, lack := range []string{
		"state_dir . cannot be written to: nothing is spooled or saved there",
		"target theirs: opened/theirs is open, and cannot be opened again",
		"target mine: no files can be made in closed: once mine is rotated there is no new one",
		"target many: files cannot be made in closed",
		"target hidden: hidden/file is open, and cannot be opened again",
		"target given: opened/given is open, and cannot be opened again",
		"target given: new files cannot be given to games",
		"target grouped: new files cannot be given to games",
		"sluice.yaml cannot be read again when it changes",
	} {
		p.says(regexp.QuoteMeta(lack) + `" user=nobody`)
	}
	if n := strings.Count(p.log(), "user=nobody"); n != 9 {
		t.Errorf("%d warnings", n)
	}
	tell(t, p.address["tcp"], "<14>Nov 20 15:17:52 web1 app: hello")
	for _, name := range []string{"opened/theirs", "closed/mine", "hidden/file", "opened/fine"} {
		waitForFile(t, filepath.Join(dir, name), func(text string) bool { return strings.HasSuffix(text, "hello\n") }, "the message")
	}
	p.stop()
	for _, name := range []string{"", "other", "opened/theirs"} { // a folder that holds more than our state stays whose it is
		if got := ownerOf(t, filepath.Join(dir, name)); got != "0:0" {
			t.Errorf("%q is of %s", name, got)
		}
	}
}

// After a reload sluice is still the user, says what that one lacks, and that another has to wait for a restart.
func TestUserReload(t *testing.T) {
	needsRoot(t)
	dir := openFolderFor(t, 0o777)
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o755); err != nil {
		t.Fatal(err)
	}
	const conf = `{user: %s, state_dir: ./state, inputs: [{syslog: "tcp://127.0.0.1:0", name: in}], rules: [{to: "%s/{app_name}"}]}`
	p := runWith(t, dir, "sluice.yaml", fmt.Sprintf(conf, "daemon", "."), readable(t, dir))
	if err := os.Chown(filepath.Join(dir, "sluice.yaml"), 1, -1); err != nil { // reload writes it anew, for its owner
		t.Fatal(err)
	}
	if out, code := p.reload(fmt.Sprintf(conf, "games", "closed")); code != 0 {
		t.Fatal(out)
	}
	p.says("a reload does not change these, a restart does\" keys=user")
	p.says("files cannot be made in closed\" user=daemon")
	uid, _, _ := userNumbers(t, "daemon")
	if is := identity(t, p.cmd.Process.Pid); !strings.HasPrefix(is["Uid"], uid+" ") {
		t.Error(is["Uid"])
	}
	p.stop()
}

// Without root nobody else can be had: it goes on as it is, and says so.
func TestUserWithoutRoot(t *testing.T) {
	needsRoot(t) // to be nobody
	uid, gid, _ := userNumbers(t, "nobody")
	u, _ := strconv.Atoi(uid)
	g, _ := strconv.Atoi(gid)
	for name, warns := range map[string]bool{"daemon": true, "nobody": false} {
		dir := openFolderFor(t, 0o777)
		p := runWith(t, dir, "sluice.yaml", `{user: `+name+`, state_dir: ./state, inputs: ["tcp://127.0.0.1:0"], rules: [{to: ./out}]}`, func(cmd *exec.Cmd) {
			readable(t, dir)(cmd)
			copied := filepath.Join(dir, "sluice")
			text, err := os.ReadFile(cmd.Path)
			if err == nil {
				err = os.WriteFile(copied, text, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
			cmd.Path = copied // go test's own folder is closed to others
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}}
		})
		if got := strings.Contains(p.log(), "only root can become somebody else"); got != warns {
			t.Errorf("%s: %s", name, p.log())
		}
		p.stop()
	}
}

// Links, and files with a second name, are left alone: they may be another's.
func TestGive(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	write := func(name string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"shadow", "linked", "elsewhere/file", "spool/target/1", "spool/theirs"} {
		write(name)
	}
	for _, err := range []error{
		os.Symlink("../shadow", filepath.Join(dir, "spool/link")),
		os.Symlink("../elsewhere", filepath.Join(dir, "spool/folder")),
		os.Link(filepath.Join(dir, "linked"), filepath.Join(dir, "spool/hard")),
		os.Lchown(filepath.Join(dir, "spool/theirs"), 5, 5),
		syscall.Mkfifo(filepath.Join(dir, "spool/fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := (&runAs{uid: 1, gid: 2}).give(int(folder.Fd()), "spool"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"spool": "1:2", "spool/target": "1:2", "spool/target/1": "1:2", "spool/theirs": "5:5",
		"shadow": "0:0", "linked": "0:0", "elsewhere": "0:0", "elsewhere/file": "0:0", "spool/link": "0:0", "spool/folder": "0:0", "spool/fifo": "0:0",
	} {
		if got := ownerOf(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is of %s, not %s", name, got, want)
		}
	}
}

func TestFindUser(t *testing.T) {
	for _, c := range []struct{ user, group, want string }{
		{"root", "", "0:0"},
		{"0", "", "0:0"},
		{"nobody", "root", "65534:0"},
		{"1234567", "0", "1234567:0"},
		{"", "7654321", "-1:7654321"},
		{"1234567", "", "user: nobody has the number 1234567, so that group: has to say which group it is in"},
		{"nosuchuser", "", `user: there is no user "nosuchuser"`},
		{"", "nosuchgroup", `group: there is no group "nosuchgroup"`},
	} {
		as, err := findUser(c.user, c.group)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprintf("%d:%d", as.uid, as.gid)
		}
		if got != c.want {
			t.Errorf("%q, %q: %s, not %s", c.user, c.group, got, c.want)
		}
	}
}
