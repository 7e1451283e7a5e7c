package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/rules"
	"sluice/syslog"
)

// A Config is a configuration that is whole and right: everything in it was read, checked and resolved.
type Config struct {
	File     string // as it was named; empty for the embedded default
	StateDir string
	Control  Control
	HTTP     *httpSpec // nil: off
	Log      logOptions
	Hostname string
	Timezone *time.Location
	Shutdown time.Duration

	User, Group string // to become when everything is open; empty: nobody else

	UnhealthyAfter time.Duration // a target that fails for longer makes /healthz say so

	Formats  map[string]string
	Inputs   []*Input
	Targets  []*Target
	Rules    []*rules.Rule
	Tests    []*Test
	Warnings strict.Errors // what is legal and seldom meant

	Unreadable strict.Errors // files that this user may not read: mistakes to whoever runs the configuration

	merged       *yaml.Node // the file with what it includes
	certificates []string   // files that tls: names
	runAs        *runAs     // nil: sluice stays who it is
}

type logOptions struct {
	Level  logLevel  `yaml:"level"`
	Format logFormat `yaml:"format"`
}

type (
	logLevel  string
	logFormat string
)

// UnmarshalText reads debug, info, warn (or warning), or error.
func (l *logLevel) UnmarshalText(text []byte) error {
	if string(text) == "warning" { // as syslog has it
		text = []byte("warn")
	}
	return word(l, "log level", text, "debug", "info", "warn", "error")
}

// UnmarshalText reads text or json.
func (f *logFormat) UnmarshalText(text []byte) error {
	return word(f, "log format", text, "text", "json")
}

func word[T ~string](v *T, what string, text []byte, words ...string) error {
	if !slices.Contains(words, string(text)) {
		return syslog.WordError{What: what, Word: string(text), Words: words}
	}
	*v = T(text)
	return nil
}

// A mainFile is the file that -c names.
type mainFile struct {
	Include        []string       `yaml:"include,list"`
	StateDir       string         `yaml:"state_dir"`
	Control        *yaml.Node     `yaml:"control"`
	HTTP           *yaml.Node     `yaml:"http"`
	Log            logOptions     `yaml:"log"`
	Hostname       string         `yaml:"hostname"`
	Timezone       *time.Location `yaml:"timezone"`
	User           string         `yaml:"user"`
	Group          string         `yaml:"group"`
	Shutdown       time.Duration  `yaml:"shutdown"`
	UnhealthyAfter time.Duration  `yaml:"unhealthy_after"`

	fragment `yaml:",inline"`
}

// A fragment is what an included file may hold, too.
type fragment struct {
	Defaults defaults   `yaml:"defaults"`
	Formats  *yaml.Node `yaml:"formats"`
	Inputs   *yaml.Node `yaml:"inputs"`
	Targets  *yaml.Node `yaml:"targets"`
	Rules    *yaml.Node `yaml:"rules"`
	Tests    *yaml.Node `yaml:"tests"`

	dir  string     // relative paths count from here
	root *yaml.Node // all of the file
}

// A loader reads one configuration. It never stops at an error: the decoder keeps them all.
type loader struct {
	*strict.Decoder
	cfg    *Config
	places map[*Target]*yaml.Node // where named targets are defined

	byName, byPlace map[string]int // the first target of that name, and that goes there
	ruleNames       map[string]bool
	takesAll        *rules.Rule           // the first that every message ends at; nil: none so far
	relative        map[*yaml.Node]string // texts that are, or end in, a path, and the folder from which it counts
}

func newLoader(cfg *Config) *loader {
	return &loader{Decoder: strict.NewDecoder(), cfg: cfg, places: map[*Target]*yaml.Node{},
		byName: map[string]int{}, byPlace: map[string]int{}, ruleNames: map[string]bool{}, relative: map[*yaml.Node]string{}}
}

// LoadConfig reads the file and what it includes; an empty name is the embedded default. The error holds every mistake,
// each with its place.
func LoadConfig(file string) (*Config, error) {
	name, dir, src := file, filepath.Dir(file), []byte(nil)
	if file == "" {
		name, dir, src = "default", ".", defaultConfig
	} else {
		var err error
		if src, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	cfg, err := loadSource(name, dir, src)
	if cfg != nil {
		cfg.File = file
	}
	return cfg, err
}

// loadSource is LoadConfig for a file that was read, which has that name and counts relative paths from dir.
func loadSource(name, dir string, src []byte) (*Config, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	l := newLoader(&Config{})
	main := mainFile{Hostname: host, Timezone: time.Local, Shutdown: 10 * time.Second, UnhealthyAfter: time.Minute, Log: logOptions{Level: "info", Format: "text"}, StateDir: rootState}
	if os.Getuid() != 0 {
		main.StateDir = "./sluice-data"
	}
	main.dir, main.Defaults = dir, newDefaults()
	if doc := l.Parse(name, src); doc != nil {
		main.root = doc.Root
		l.Decode(doc.Root, &main)
		l.defaultPaths(doc.Root, &main.fragment)
		l.load(doc.Root, &main)
	}
	if err := l.Errors().Err(); err != nil {
		return nil, err
	}
	return l.cfg, nil
}

func (l *loader) load(root *yaml.Node, main *mainFile) {
	c := l.cfg
	c.Log, c.Hostname, c.Timezone, c.Shutdown = main.Log, main.Hostname, main.Timezone, main.Shutdown
	if c.StateDir = l.path(strict.Lookup(root, "state_dir"), main.dir, main.StateDir); strict.Lookup(root, "state_dir") == nil {
		c.StateDir = main.StateDir
	}
	c.User, c.Group = main.User, main.Group
	if c.Shutdown <= 0 {
		l.Errorf(strict.Lookup(root, "shutdown"), "shutdown: want more than 0s: what is queued needs a moment to be written")
	}
	c.Control, c.UnhealthyAfter = l.control(main.Control, main.dir), main.UnhealthyAfter
	if main.HTTP != nil {
		c.HTTP = l.http(main.HTTP, main.dir)
	}
	// Formats and targets may be used before the file that holds them, so the files are gone through kind by kind.
	fragments := append(l.includes(strict.Lookup(root, "include"), main), &main.fragment)
	c.Formats = map[string]string{}
	for _, f := range fragments {
		l.formats(f)
	}
	for _, f := range fragments {
		l.inputs(f)
	}
	for _, f := range fragments {
		l.targets(f)
	}
	for _, f := range fragments {
		l.rules(f)
	}
	l.lintTargets()
	l.lintFlow(root)
	for _, f := range fragments {
		l.tests(f)
	}
	if l.Errors().Err() == nil {
		c.merged = l.merge(&main.fragment, fragments)
	}
	c.Warnings = strict.Join(c.Warnings)
}

// includes reads the files that the patterns name, in the order of their names.
func (l *loader) includes(at *yaml.Node, main *mainFile) []*fragment {
	var fragments []*fragment
	seen := map[string]bool{}
	for _, pattern := range main.Include {
		pattern = l.path(at, main.dir, pattern)
		names, err := filepath.Glob(pattern)
		if err != nil {
			l.Errorf(at, "include: %s is not a pattern", pattern)
			continue
		}
		if len(names) == 0 && !strings.ContainsAny(pattern, "*?[") {
			l.Errorf(at, "include: there is no file %s", pattern)
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			src, err := os.ReadFile(name)
			if err != nil {
				l.Errorf(at, "include: %v", err)
				continue
			}
			f := &fragment{dir: filepath.Dir(name), Defaults: main.Defaults}
			if doc := l.Parse(name, src); doc != nil {
				f.root = doc.Root
				l.Decode(doc.Root, f)
				l.defaultPaths(doc.Root, f)
				fragments = append(fragments, f)
			}
		}
	}
	return fragments
}

// formats collects the named formats; each must compile.
func (l *loader) formats(f *fragment) {
	if f.Formats == nil {
		return
	}
	pairs, _ := l.Pairs(f.Formats)
	for _, p := range pairs {
		text, ok := l.Text(p.Value)
		if !ok {
			continue
		}
		done := l.In("format %q", p.Key)
		if _, again := l.cfg.Formats[p.Key]; again || slices.Contains(syslog.FormatNames(), strict.Fold(p.Key)) {
			l.Errorf(p.At, "there is another format of this name")
		}
		if !strings.Contains(text, "{") {
			l.Errorf(p.Value, "shows no {field}")
		} else if _, err := syslog.CompileTemplate(text, syslog.EscapeOctal, l.cfg.Timezone); err != nil {
			l.wrongWord(p.Value, err)
		}
		l.cfg.Formats[p.Key] = text
		done()
	}
}

// entries are the entries of a section that is a list; none if the file lacks it.
func (l *loader) entries(section *yaml.Node, name string) []*yaml.Node {
	if section == nil {
		return nil
	}
	if section.Kind != yaml.SequenceNode {
		l.Errorf(section, "%s: want a list", name)
		return nil
	}
	entries := make([]*yaml.Node, len(section.Content))
	for i, n := range section.Content {
		entries[i] = strict.Resolve(n)
	}
	return entries
}

// nameOf looks ahead at an entry's name, so that its errors can say it.
func nameOf(n *yaml.Node, otherwise string) string {
	if name := strict.Lookup(n, "name"); name != nil && name.Kind == yaml.ScalarNode {
		return name.Value
	}
	return otherwise
}

// path resolves a path from where it was written. A leading ~ means nothing to the kernel.
func (l *loader) path(at *yaml.Node, dir, path string) string {
	if strings.HasPrefix(path, "~") {
		l.Errorf(at, "%s: ~ means a home folder only to a shell; write the whole path", path)
		return path
	}
	if filepath.IsAbs(path) || path == "" {
		return filepath.Clean(path)
	}
	if at != nil {
		l.relative[strict.Resolve(at)] = dir
	}
	return filepath.Join(dir, path)
}

func (l *loader) warn(at *yaml.Node, format string, args ...any) {
	l.cfg.Warnings = append(l.cfg.Warnings, l.At(at, format, args...))
}

// wrong reports err about the key what at n.
func (l *loader) wrong(n *yaml.Node, what string, err error) {
	defer l.In("%s", what)()
	l.wrongWord(n, err)
}

// wrongWord reports err at n; an error about a word comes with the nearest valid one.
func (l *loader) wrongWord(n *yaml.Node, err error) {
	var word syslog.WordError
	if errors.As(err, &word) {
		l.Unknown(n, word.What, word.Word, word.Words)
		return
	}
	l.Errorf(n, "%v", err)
}

// logger makes the daemon's own log.
func (o logOptions) logger() *slog.Logger {
	var level slog.Level // info; the words are those of slog
	level.UnmarshalText([]byte(o.Level))
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: remedies}
	handler := func(out io.Writer) slog.Handler {
		if o.Format == "json" {
			return slog.NewJSONHandler(out, options)
		}
		return slog.NewTextHandler(out, options)
	}
	if toJournal(os.Stderr) {
		return slog.New(newJournalLog(os.Stderr, handler))
	}
	return slog.New(handler(os.Stderr))
}

// configPath is the file to read: the flag's, else $SLUICE_CONFIG, else the usual place if something is there, else none.
func configPath(flag string) string {
	const usual = "/etc/sluice/sluice.yaml"
	if flag != "" {
		return flag
	}
	if env := os.Getenv("SLUICE_CONFIG"); env != "" {
		return env
	}
	if _, err := os.Stat(usual); err == nil {
		return usual
	}
	return ""
}

func (c *Config) String() string {
	return fmt.Sprintf("%d inputs, %d targets, %d rules", len(c.Inputs), len(c.Targets), len(c.Rules))
}
