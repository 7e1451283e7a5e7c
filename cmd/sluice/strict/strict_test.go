package strict

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// config has one field of each kind, under the names that a configuration would give them.
type config struct {
	Include  []string          `yaml:"include,list"`
	StateDir string            `yaml:"state_dir"`
	Port     uint16            `yaml:"port"`
	Nice     int8              `yaml:"nice"`
	Ratio    float64           `yaml:"ratio"`
	Fsync    bool              `yaml:"fsync"`
	MaxSize  int64             `yaml:"max_size,size"`
	Small    int32             `yaml:"small,size"`
	Timeout  time.Duration     `yaml:"idle_timeout"`
	Mode     fs.FileMode       `yaml:"mode"`
	Zone     *time.Location    `yaml:"timezone"`
	Allow    []netip.Prefix    `yaml:"allow,list"`
	Addr     netip.Addr        `yaml:"addr"`
	Color    color             `yaml:"color"`
	Format   string            `yaml:"format"`
	Formats  map[string]string `yaml:"formats"`
	TLS      *tls              `yaml:"tls"`
	Targets  map[string]target `yaml:"targets"`
	Rules    []rule            `yaml:"rules"`
	Record   map[string]any    `yaml:"record"`
	Node     *yaml.Node        `yaml:"node"`
	Password string            `yaml:"password"`
	common   `yaml:",inline"`
}

type common struct {
	Owner string `yaml:"owner"`
	Group string `yaml:"group"`
}

type tls struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// target is a path or a mapping.
type target struct {
	File   string `yaml:"file"`
	Format string `yaml:"format"`
}

func (t *target) DecodeYAML(d *Decoder, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		t.File, _ = d.Text(n)
		return
	}
	type plain target
	d.Decode(n, (*plain)(t))
}

type rule struct {
	Name  string   `yaml:"name"`
	Match *match   `yaml:"match"`
	To    []target `yaml:"to,list"`
	Stop  bool     `yaml:"stop"`
}

func (r *rule) DecodeYAML(d *Decoder, n *yaml.Node) {
	if name := Lookup(n, "name"); name != nil {
		defer d.In("rule %q", name.Value)()
	}
	type plain rule
	d.Decode(n, (*plain)(r))
}

// match nests without end, as a bomb would like it.
type match struct {
	Any    []match
	Fields map[string]string
}

func (m *match) DecodeYAML(d *Decoder, n *yaml.Node) {
	have := []string{"any", "severity", "app_name", "hostname", "message", "tag", "channel", "facility", "record.x-id"}
	pairs, _ := d.Pairs(n)
	for _, p := range pairs {
		switch {
		case p.Key == "any":
			d.Decode(p.Value, &m.Any)
		case strings.Contains(strings.Join(have, " "), p.Key):
			var text string
			d.Decode(p.Value, &text)
		default:
			d.Unknown(p.At, "field", p.Key, have)
		}
	}
}

type color int

type unknownColor string

func (e unknownColor) Error() string   { return "unknown color \"" + string(e) + "\"" }
func (e unknownColor) Valid() []string { return []string{"red", "green", "light_blue"} }

func (c *color) UnmarshalText(text []byte) error {
	for i, word := range unknownColor("").Valid() {
		if word == string(text) {
			*c = color(i)
			return nil
		}
	}
	return unknownColor(text)
}

var env = map[string]string{
	"PORT": "514", "PASSWORD": "hunter22", "COLOR": "gren", "EMPTY": "", "TREE": "{a: b}\n- c", "CREDENTIALS_DIRECTORY": "/run/cred", "NUMBER": "7", "YES": "true",
}

func decoder() *Decoder {
	d := NewDecoder()
	d.Getenv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	d.ReadFile = func(path string) ([]byte, error) {
		switch path {
		case "/run/cred/zmq":
			return []byte("s3cret\n"), nil
		case "/big":
			return make([]byte, maxSecret+1), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return d
}

// TestBad holds each file of testdata/bad to exactly the errors that its `# want:` lines name.
func TestBad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	if len(files) < 50 {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.SplitSeq(string(src), "\n") {
				if line, ok := strings.CutPrefix(strings.TrimPrefix(line, "\uFEFF"), "# want: "); ok {
					want = append(want, strings.TrimSuffix(line, "\r"))
				}
			}
			if diff := cmp.Diff(want, read(src)); diff != "" {
				t.Errorf("want -, have +\n%s", diff)
			}
		})
	}
}

// read is the errors of a file, without its name.
func read(src []byte) []string {
	d := decoder()
	if doc := d.Parse("f", src); doc != nil {
		d.Decode(doc.Root, &config{})
	}
	var out []string
	for _, e := range d.Errors() {
		e.File = ""
		out = append(out, e.Error())
	}
	return out
}

// TestGood: legal files have no errors, and not even a broken last line makes the scanner see some in
// the rest, whatever characters stand in their quotes, comments and blocks.
func TestGood(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	if len(files) < 10 {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if errs := read(src); errs != nil {
				t.Errorf("%s", strings.Join(errs, "\n"))
			}
			s := newScanner(lines(src))
			s.run()
			for _, f := range s.found {
				t.Errorf("scanner: %d:%d: %s", f.row+1, f.col+1, f.msg)
			}
		})
	}
}

// TestContract: the example of the documentation is sound to the parser and to the scanner.
func TestContract(t *testing.T) {
	src, err := os.ReadFile("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, errs := Parse("contract.yaml", src)
	if errs != nil {
		t.Fatal(errs)
	}
	s := newScanner(doc.lines)
	if s.run(); s.found != nil {
		t.Errorf("scanner: %v", s.found)
	}
}

func TestDecode(t *testing.T) {
	d := decoder()
	doc := d.Parse("f", []byte(`
x-base: &base {file: /a, format: standard}
include: conf.d/*.yaml
port: ${PORT}
nice: "${NUMBER}"
ratio: 1.5
fsync: ${YES}
max-size: 64KiB
small: 1m
idle_timeout: 1d12h
mode: 0640
timezone: UTC
allow: [10.1.0.0/8, 192.168.1.1]
addr: "::1"
color: light-blue
formats: {a-b: x, a_b: "${TREE}"}
tls: {key: k.pem}
targets:
  one: {<<: *base, file: /b}
  two: /c
rules:
owner: app
record: {x-id: 1, list: [true, null, 2026-11-20], s: "${NUMBER}"}
node: [1]
`))
	shared := &tls{Cert: "default.pem"}
	defaults := map[string]target{"three": {File: "/d"}}
	got := config{StateDir: "/var/lib", TLS: shared, Targets: defaults, Rules: []rule{{Name: "kept"}}}
	if !d.Decode(doc.Root, &got) {
		t.Fatal(d.Errors())
	}
	if got.Node == nil || got.Node.Kind != yaml.SequenceNode {
		t.Errorf("node: %v", got.Node)
	}
	got.Node = nil
	want := config{
		Include: []string{"conf.d/*.yaml"}, StateDir: "/var/lib", Port: 514, Nice: 7, Ratio: 1.5, Fsync: true,
		MaxSize: 65536, Small: 1 << 20, Timeout: 36 * time.Hour, Mode: 0o640, Zone: time.UTC,
		Allow:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.1/32")},
		Addr:    netip.IPv6LinkLocalAllNodes(),
		Color:   2,
		Formats: map[string]string{"a-b": "x", "a_b": "{a: b}\n- c"},
		TLS:     &tls{Cert: "default.pem", Key: "k.pem"},
		Targets: map[string]target{"one": {"/b", "standard"}, "two": {File: "/c"}, "three": {File: "/d"}},
		Rules:   []rule{{Name: "kept"}},
		Record:  map[string]any{"x-id": 1, "list": []any{true, nil, "2026-11-20"}, "s": "7"},
		common:  common{Owner: "app"},
	}
	want.Addr = netip.IPv6Loopback()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b *time.Location) bool { return a == b })); diff != "" {
		t.Errorf("want -, have +\n%s", diff)
	}
	if shared.Key != "" || len(defaults) != 1 {
		t.Error("the defaults were written through")
	}
}

func TestErrors(t *testing.T) {
	list := Join(
		Errors{{File: "b", Line: 2, Col: 1, Msg: "late"}, {File: "b", Line: 1, Col: 9, Context: `rule "x"`, Msg: "early"}},
		Errors{{File: "a", Line: 1, Col: 1, Msg: "other"}, {File: "b", Line: 2, Col: 1, Msg: "late"}, {Msg: "nowhere"}},
	)
	want := "b:1:9: rule \"x\": early\nb:2:1: late\na:1:1: other\nnowhere"
	if got := list.Error(); got != want {
		t.Errorf("have %s", got)
	}
	if Errors(nil).Err() != nil || list.Err() == nil {
		t.Error("Err")
	}
}

// TestSecrets: no error gives away what a variable holds.
func TestSecrets(t *testing.T) {
	d := decoder()
	doc := d.Parse("f", []byte("color: ${PASSWORD}\nport: x${PASSWORD}\nstate_dir: \"redis://:pw@h:1/${NUMBER}\"\nowner: app\n"))
	var c config
	d.Decode(doc.Root, &c)
	url, owner := Lookup(doc.Root, "state_dir"), Lookup(doc.Root, "owner")
	if !d.secret(url) || d.secret(owner) {
		t.Error("Secret")
	}
	d.Errorf(url, "cannot dial %s: 7 of 77", c.StateDir)
	d.Errorf(doc.Root, "cannot use %q", "hunter22")
	want := `f:1:1: cannot use "${PASSWORD}"
f:1:8: unknown color "${PASSWORD}"
f:2:7: port: want a number, have "x${PASSWORD}"
f:3:12: cannot dial redis://:***@h:1/${NUMBER}: ${NUMBER} of 77`
	if diff := cmp.Diff(want, d.Errors().Error()); diff != "" {
		t.Errorf("want -, have +\n%s", diff)
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 3*maxSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(path); err != nil || len(got) != maxSecret+1 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := readFile(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestUnreadable is what testdata cannot hold.
func TestUnreadable(t *testing.T) {
	for src, want := range map[string]string{
		"\xff\xfeo\x00":                  "f:1:1: the file is UTF-16: save it as UTF-8",
		strings.Repeat("#", maxFile+1):   "f:1:1: the file is larger than 4 MiB",
		"a: 1\r\nb: \x00\r\xff":          "f:2:4: a control character (U+0000): write it in double quotes, as \"\\x00\"\nf:3:1: the byte 0xFF is not UTF-8: save the file as UTF-8",
		"a: 1\u2028b: \"x\rc\"\nd: @x\n": "f:4:4: @x needs quotes: \"@x\"",
	} {
		doc, errs := Parse("f", []byte(src))
		if doc != nil || errs.Error() != want {
			t.Errorf("have %v", errs)
		}
	}
}

// TestTime: much of anything, on one line or on many, takes no longer than its share.
func TestTime(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		"[", "{", "[*a,", "a: {", "{a: b, ", "- ", "\"\n", "'", "&a ", "&a [*a, ", "!x ", "{a{", "：", "a：", "\u00a0", "\u00a0: ", "*", "x: \"\n", "x: [\n", "- [\n", "\t", "? ", ": ", "a: b: ", "{{x}}, ",
		"${", "${x", "\\", "\"\\d\", ", "#", " #", "a\n", "\r", "|\n", "a: |\n", " ", "<<: ", "%", "---\n", "a?", "}", "{a:b}, ", "!x {a: 1}, ",
	} {
		for _, prefix := range []string{"", "x: @y\nz: [", "- &a [x]\n- {"} {
			src := prefix + strings.Repeat(unit, (24<<10)/len(unit))
			begin := time.Now()
			read([]byte(src))
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("%q and many %q: %v", prefix, unit, took)
			}
		}
	}
}
