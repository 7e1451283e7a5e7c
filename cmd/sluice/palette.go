package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// A palette colours words for a terminal, or leaves them as they are.
type palette bool

// colours is the palette for out: none unless it is a terminal, nor if $NO_COLOR is set.
func colours(out io.Writer) palette {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (p palette) good(s string) string  { return p.paint("32", s) }
func (p palette) bad(s string) string   { return p.paint("31", s) }
func (p palette) faint(s string) string { return p.paint("2", s) }
func (p palette) bold(s string) string  { return p.paint("1", s) }

// severity paints s as its severity deserves: what is wrong stands out, what is idle talk recedes.
func (p palette) severity(severity syslog.Severity, s string) string {
	switch {
	case severity < syslog.Err:
		return p.paint("1;31", s)
	case severity == syslog.Err:
		return p.paint("31", s)
	case severity == syslog.Warning:
		return p.paint("33", s)
	case severity == syslog.Notice:
		return p.paint("1", s)
	case severity == syslog.Debug:
		return p.paint("2", s)
	}
	return s
}

func (p palette) paint(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
