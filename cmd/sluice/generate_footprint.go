package main

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/cmd/sluice/strict"
	"sluice/syslog"
)

// A footprint is what a configuration touches outside of itself. Its paths are absolute.
type footprint struct {
	Config  string
	State   string // empty: the default of whoever runs it
	Control string // likewise
	Stop    time.Duration

	Folders []string // where files are made
	Sockets []string // folders of sockets that are bound
	Visits  []string // files and sockets that others have made
	Files   []string // globs of the files that are written

	LowPort  bool // is bound, under 1024
	Buffer   bool // of udp: larger than who may not ask for more gets
	Datagram bool // a unixgram socket is bound
	Syslog   bool // systemd passes its syslog socket
	Kernel   bool // its log is read
	Owners   bool // files or sockets are given away
	Gives    bool // files are: then they belong to another user when they are opened again
	Drops    bool // user: or group: is set
}

// usualBuffer is net.core.rmem_max of a kernel that nobody has tuned: the largest receive buffer without CAP_NET_ADMIN.
const usualBuffer = 208 << 10

// footprint looks at what was configured. It opens nothing.
func (c *Config) footprint() (*footprint, error) {
	config, err := absolute(c.File)
	if err != nil {
		return nil, err
	}
	p := &footprint{Config: config, Stop: c.Shutdown + grace, Visits: []string{config}}
	if strict.Lookup(c.merged, "state_dir") != nil {
		p.State = p.within(c.StateDir)
	}
	if c.Control.configured {
		p.Control = p.within(c.Control.Path)
	}
	p.Owners = c.Control.Group != ""
	p.Drops = strict.Lookup(c.merged, "user") != nil || strict.Lookup(c.merged, "group") != nil
	for _, file := range c.certificates {
		p.Visits = append(p.Visits, p.within(file))
	}
	for _, in := range c.Inputs {
		p.Kernel = p.Kernel || in.Transport == syslog.Kernel
		p.Syslog = p.Syslog || strings.HasPrefix(in.URL, "fd://")
		for _, e := range in.endpoints {
			p.endpoint(e)
		}
	}
	if c.HTTP != nil {
		p.endpoint(endpoint{Network: "tcp", Address: c.HTTP.Address, Bound: true})
	}
	for _, t := range c.Targets {
		switch spec := t.spec.(type) {
		case fileSpec:
			if err := p.file(spec, c.Timezone); err != nil {
				return nil, err
			}
		case forwardSpec:
			for _, url := range spec.Forward {
				if network, path, _ := strings.Cut(url, "://"); strings.HasPrefix(network, "unix") {
					p.Visits = append(p.Visits, p.within(path))
				}
			}
		}
	}
	return p, nil
}

// within is the absolute form of a path that may count from where we are. An error of it was one of the configuration's
// own path before.
func (p *footprint) within(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return filepath.Join(filepath.Dir(p.Config), path)
	}
	return whole
}

func (p *footprint) endpoint(e endpoint) {
	if e.Network == "unix" || e.Network == "unixgram" {
		path := p.within(e.Address)
		switch {
		case strings.HasPrefix(e.Address, "@"):
		case e.Bound && (path == "/dev/log" || path == "/run/systemd/journal/syslog"):
			p.Syslog = true
		case e.Bound:
			p.Sockets = append(p.Sockets, filepath.Dir(path))
		default:
			p.Visits = append(p.Visits, path)
		}
		p.Datagram = p.Datagram || e.Bound && e.Network == "unixgram"
		p.Owners = p.Owners || e.Owned
		return
	}
	_, text, err := net.SplitHostPort(e.Address)
	port, wrong := strconv.Atoi(text)
	if !e.Bound || err != nil || wrong != nil {
		return // a socket that systemd passes has no port of its own
	}
	p.LowPort = p.LowPort || port > 0 && port < 1024
	p.Buffer = p.Buffer || e.Network == "udp" && e.Buffer > usualBuffer
}

func (p *footprint) file(spec fileSpec, zone *time.Location) error {
	pattern, err := fileGlob(p.within(spec.File), zone)
	if err != nil {
		return err
	}
	p.Files = append(p.Files, pattern.glob)
	p.Owners = p.Owners || spec.Owner != "" || spec.Group != ""
	p.Gives = p.Gives || spec.Owner != ""
	p.Folders = append(p.Folders, pattern.folder)
	return nil
}

// A globbed is a path with fields as the shell has it.
type globbed struct {
	glob   string
	folder string // the last before a name with a field
	fields bool   // there are any
	open   bool   // its name ends in one
}

// fileGlob replaces the fields of a path.
func fileGlob(path string, zone *time.Location) (g globbed, err error) {
	t, err := syslog.CompileTemplate(path, syslog.EscapePath, zone)
	if err != nil {
		return g, err
	}
	before := ""
	for _, part := range t.Parts() {
		if g.open = part.Literal == ""; !g.open {
			g.glob += globEscape.Replace(part.Literal)
			if !g.fields {
				before += part.Literal
			}
			continue
		}
		if g.fields = true; !strings.HasSuffix(g.glob, "*") {
			g.glob += "*"
		}
	}
	g.folder = filepath.Dir(before + "x")
	return g, nil
}

// globEscape keeps the characters of a path from meaning others.
var globEscape = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// distinct sorts a list and leaves out what is there twice.
func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
