package ingest

import (
	"log/slog"
	"net"
	"time"

	"sluice/syslog"
)

// A Setting is what every input of this package is given by the daemon, beside the options that YAML fills.
type Setting struct {
	Name     string         // of the input, in messages and logs
	Hostname string         // this machine's: of messages that carry none and have no peer
	Zone     *time.Location // of Received; nil: Local
	StateDir string         // where an input keeps how far it has come
	Handler  syslog.Handler
	Log      *slog.Logger // nil: silence
}

// log is the logger of the input.
func (s *Setting) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log.With("input", s.Name)
}

// zone is the timezone of Received.
func (s *Setting) zone() *time.Location {
	if s.Zone == nil {
		return time.Local
	}
	return s.Zone
}

// An address is where an input reads, without user and password: it is shown to everybody.
type address struct{ network, where string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.where }

var _ net.Addr = address{}
