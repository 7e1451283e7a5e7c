package writer

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/syslog"
)

func renderPath(t testing.TB, template, host, app string) string {
	t.Helper()
	p, err := CompilePath(template, time.UTC)
	fatal(t, err)
	m := &syslog.Message{Hostname: []byte(host), AppName: []byte(app), Received: syslog.StampOf(time.Date(2026, 11, 20, 15, 17, 52, 0, time.UTC), 6)}
	return p.Of(m)
}

// A sender chooses the values. None leaves its place in the path.
func TestPathHostile(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, c := range []struct{ name, template, host, app, want string }{
		{"what is meant", "/l/{hostname}/{app_name}.log", "web1", "nginx", "/l/web1/nginx.log"},
		{"parts of a component", "/l/{hostname}-{app_name}.log", "web1", "nginx", "/l/web1-nginx.log"},
		{"the date of reception", "/l/{hostname}/{date}.log", "web1", "", "/l/web1/2026-11-20.log"},
		{"braces", "/l/{{{hostname}}}", "web1", "", "/l/{web1}"},
		{"slashes", "/l/{hostname}/{app_name}.log", "/etc/passwd", "a/b", "/l/_etc_passwd/a_b.log"},
		{"up", "/l/{hostname}/{app_name}", "..", "..", "/l/_/_"},
		{"up and on", "/l/{hostname}/{app_name}", "../..", "../../etc/cron.d/x", "/l/.._../.._.._etc_cron.d_x"},
		{"here", "/l/{hostname}/{app_name}", ".", ".", "/l/_/_"},
		{"dots that join", "/l/{hostname}{app_name}", ".", ".", "/l/__"},
		{"a dot behind a dot", "/l/.{hostname}/x", ".", "", "/l/._/x"},
		{"nothing behind a dot", "/l/.{hostname}/x", "", "", "/l/.-/x"},
		{"three dots are a name", "/l/{hostname}", "...", "", "/l/..."},
		{"empty", "/l/{hostname}/{app_name}.log", "", "", "/l/-/-.log"},
		{"NUL", "/l/{hostname}", "a\x00b", "", "/l/a_b"},
		{"newline, escape and DEL", "/l/{hostname}", "a\nb\x1b[2Jc\x7f", "", "/l/a_b_[2Jc_"},
		{"invalid UTF-8 is bytes", "/l/{hostname}", "a\xff\xfeb", "", "/l/a\xff\xfeb"},
		{"an overlong slash is no slash", "/l/{hostname}", "a\xc0\xafb", "", "/l/a\xc0\xafb"},
		{"UTF-8", "/l/{hostname}", "bücher", "", "/l/bücher"},
		{"a space, quotes and a tilde", "/l/{hostname}", "~ '\"$(x)`", "", "/l/~ '\"$(x)`"},
		{"a modifier cannot put in what the value may not", "/l/{hostname|until:x}/{app_name|max:2}", "..x", "../", "/l/_/_"},
		{"as long as may be", "/l/{hostname}", long[:255], "", "/l/" + long[:255]},
		{"one longer is cut", "/l/{hostname}", long[:256], "", "/l/" + long[:238] + "~"},
		{"with its fixed parts", "/l/{hostname}.log", long[:252], "", "/l/" + long[:238] + "~"},
		{"only what is too long", "/l/{hostname}/{app_name}.log", long, "short", "/l/" + long[:238] + "~*/short.log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := renderPath(t, c.template, c.host, c.app)
			want := c.want
			if head, tail, cut := strings.Cut(want, "~*"); cut || strings.HasSuffix(want, "n~") { // and 16 digits
				head = strings.TrimSuffix(head, "~")
				if len(got) < len(head)+17 {
					t.Fatalf("got %q", got)
				}
				want = head + got[len(head):len(head)+17] + tail
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// Names that are cut stay apart where the names differ, at any place, and are the same where they are the same.
func TestPathLongDistinct(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{
		strings.Repeat("n", 300), strings.Repeat("n", 301), strings.Repeat("n", 299) + "m", "m" + strings.Repeat("n", 299),
		strings.Repeat("n", 3000), strings.Repeat("n", 255), strings.Repeat("é", 150),
	} {
		path := renderPath(t, "/l/{hostname}", name, "")
		if again := renderPath(t, "/l/{hostname}", name, ""); again != path {
			t.Errorf("%q and %q of one name", path, again)
		}
		if other, twice := seen[path]; twice {
			t.Errorf("%.20q and %.20q share %q", name, other, path)
		}
		seen[path] = name
		if n := len(filepath.Base(path)); n > maxComponent {
			t.Errorf("a name of %d bytes", n)
		}
	}
}

func TestPathFixed(t *testing.T) {
	for text, broken := range map[string]bool{"": false, "/var/log/messages": false, "/var/{{x}}": false, "/var/{nosuch}": true, "/var/{hostname": true} {
		if p, err := CompilePath(text, time.UTC); p != nil || (err != nil) != broken {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("web1", "nginx")
	f.Add("../..", "\x00/\n")
	f.Add(strings.Repeat("..", 200), strings.Repeat("\xff/", 300))
	f.Fuzz(func(t *testing.T, host, app string) {
		path := renderPath(t, "/l/{hostname}/{app_name}-{hostname}/x{app_name}.log", host, app)
		parts := strings.Split(path, "/")
		if len(parts) != 5 || parts[1] != "l" || filepath.Clean(path) != path {
			t.Fatalf("%q has left its place", path)
		}
		for _, p := range parts {
			if len(p) > maxComponent || strings.ContainsFunc(p, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				t.Fatalf("no good name: %q", p)
			}
		}
	})
}

// A sender who invents hosts gets so many files, and one for all the rest.
func TestPathLimit(t *testing.T) {
	p, err := CompilePath("/logs/{hostname}/{app_name}-{facility}.log", time.UTC)
	fatal(t, err)
	p.Limit(2)
	var got []string
	for _, host := range []string{"a", "b", "c", "a", "b", "d", "a"} {
		m := syslog.Message{Hostname: []byte(host), AppName: []byte("x")}
		got = append(got, p.Of(&m))
	}
	a, b, other := "/logs/a/x-kern.log", "/logs/b/x-kern.log", "/logs/_other/_other-_other.log"
	if want := []string{a, b, other, a, b, other, a}; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// What is remembered of messages that look alike changes nothing but the time it takes, nor does it grow with hosts that are
// made up, be their number limited or not.
func TestPathRemembers(t *testing.T) {
	for _, limit := range []int{0, 20} {
		p, err := CompilePath("/logs/{hostname}/{app_name|lower}-{date}.log", time.UTC)
		fatal(t, err)
		if limit > 0 {
			p.Limit(limit)
		}
		if p.recall == nil {
			t.Fatal("nothing is remembered")
		}
		b, r := newBlock(), rand.New(rand.NewPCG(1, 1))
		var want []string
		seen := map[string]bool{}
		for n := range 4 * maxLeaves {
			host := fmt.Sprint("host", r.IntN(10))
			if n%5 == 0 {
				host = fmt.Sprint("/made up/", n)
			}
			m := syslog.Message{Hostname: []byte(host), AppName: []byte("App"), Received: syslog.StampOf(time.Date(2026, 11, 20+n/maxLeaves, 15, 17, 52, 0, time.UTC), 6)}
			path := fmt.Sprintf("/logs/%s/app-2026-11-%d.log", strings.ReplaceAll(host, "/", "_"), 20+n/maxLeaves)
			if limit > 0 && !seen[path] && len(seen) == limit {
				path = "/logs/_other/_other-_other.log"
			} else {
				seen[path] = true
			}
			want = append(want, path)
			b.lead(p.of(&m))
			b.add()
			if len(p.leaves) > maxLeaves || limit > 0 && len(p.leaves) > limit {
				t.Fatalf("%d paths are known", len(p.leaves))
			}
			if b.Count() < 3000 {
				continue
			}
			from := uint32(0)
			for _, run := range b.paths.runs {
				for ; from < run.behind; from++ {
					if got := string(b.paths.of(run)); got != want[from] {
						t.Fatalf("message %d goes to %s, not to %s", n-len(want)+int(from), got, want[from])
					}
				}
			}
			if int(from) != len(want) {
				t.Fatalf("%d of %d messages have a path", from, len(want))
			}
			b.reset()
			b.first, want = uint64(n+1), nil
		}
	}
}
