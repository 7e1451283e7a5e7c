package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/syslog/socketfile"
)

// A Control is the socket over which the commands talk to the daemon.
type Control struct {
	Path  string
	Group string
	Mode  fs.FileMode

	configured bool // not the default: then it has to be there
}

// A controlSpec is the mapping of `control:`.
type controlSpec struct {
	Path  string      `yaml:"path"`
	Group string      `yaml:"group"`
	Mode  fs.FileMode `yaml:"mode"`
}

// rootState is state_dir of who runs as root and sets none.
const rootState = "/var/lib/sluice"

// defaultControl is where the commands look if the configuration does not say.
func defaultControl(stateDir string) string {
	if stateDir == rootState {
		return "/run/sluice/control.sock"
	}
	return filepath.Join(stateDir, "control.sock")
}

// control reads `control:`, a path or a mapping.
func (l *loader) control(n *yaml.Node, dir string) Control {
	spec := controlSpec{Mode: 0o600}
	if n == nil {
		return Control{Path: defaultControl(l.cfg.StateDir), Mode: spec.Mode}
	}
	at := strict.Resolve(n)
	if at.Kind == yaml.ScalarNode {
		spec.Path, _ = l.Text(at)
	} else {
		l.Decode(at, &spec)
	}
	if spec.Path == "" {
		spec.Path = defaultControl(l.cfg.StateDir)
	} else {
		spec.Path = l.path(at, dir, spec.Path)
	}
	if len(spec.Path) > socketfile.MaxPath {
		l.Errorf(at, "control: the path of a socket has at most %d bytes, and this has %d", socketfile.MaxPath, len(spec.Path))
	}
	return Control{Path: spec.Path, Group: spec.Group, Mode: spec.Mode, configured: true}
}

// A server answers HTTP on one listener. A client that is slow, or silent, has a connection and nothing else.
type server struct {
	http.Server
	listener net.Listener
	file     *socketfile.File // of the control socket
}

// maxClients is how many connections a server has at a time; who comes then waits in the kernel's queue.
const maxClients = 64

// newServer serves handler on ln when it is run.
func newServer(ln net.Listener, handler http.Handler, log *slog.Logger) *server {
	s := &server{listener: ln}
	s.Handler = handler
	s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes = 10*time.Second, time.Minute, 64<<10
	s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // what a client does wrong is not our operator's
	return s
}

// run serves until stop.
func (s *server) run(log *slog.Logger) {
	if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("nobody is answered any more", "address", s.listener.Addr().String(), "error", err)
	}
}

// stop ends all connections at once. There may be no server.
func (s *server) stop() {
	if s == nil {
		return
	}
	s.file.Remove()
	_ = s.Close() // of the listener: nothing to be done about it
	_ = s.listener.Close()
}

// serve answers commands until the function that it returns is called.
func (d *daemon) serve() (stop func()) {
	var serving sync.WaitGroup
	servers := []*server{d.control, d.http}
	for _, s := range servers {
		if s != nil {
			serving.Go(func() { s.run(d.log) })
		}
	}
	done := make(chan struct{})
	serving.Go(func() { d.sampleRates(done) })
	serving.Go(func() { d.obey(done) })
	return func() {
		close(done)
		for _, s := range servers {
			s.stop()
		}
		serving.Wait()
	}
}

// openControl opens the socket for the commands. Without it messages flow as well, so where nobody asked for it, that it
// cannot be had is a warning.
func (d *daemon) openControl() error {
	c := d.now().cfg.Control
	ln, file, err := c.bind()
	if err == nil {
		d.control = newServer(limit(ln, maxClients), d.commands(), d.log)
		d.control.file = file
		return nil
	}
	err = fmt.Errorf("control %s: %w", c.Path, err)
	if c.configured || errors.Is(err, unix.EADDRINUSE) {
		return err
	}
	d.log.Warn("there is no socket for status, tail and spool purge; set control: to have one", "error", err)
	return nil
}

// bind makes the socket. A file that a dead process left there is replaced.
func (c Control) bind() (ln *net.UnixListener, file *socketfile.File, err error) {
	if len(c.Path) > socketfile.MaxPath {
		return nil, nil, fmt.Errorf("the path of a socket has at most %d bytes, and this has %d", socketfile.MaxPath, len(c.Path))
	}
	file, err = socketfile.Bind("unix", c.Path, socketfile.Options{Mode: c.Mode, Group: c.Group}, func(lc *net.ListenConfig) error {
		l, err := lc.Listen(context.Background(), "unix", c.Path)
		if err == nil {
			ln = l.(*net.UnixListener)
			ln.SetUnlinkOnClose(false) // we look first whether the file is still ours
		}
		return err
	})
	if err != nil {
		file.Remove()
		if ln != nil {
			ln.Close()
		}
		var op *net.OpError
		if errors.As(err, &op) { // it names the path again
			err = op.Err
			var call *os.SyscallError
			if errors.As(err, &call) {
				err = call.Err
			}
		}
		return nil, nil, err
	}
	return ln, file, nil
}

// commands are what the commands ask for.
func (d *daemon) commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", d.serveStatus)
	mux.HandleFunc("GET /tail", d.serveTail)
	mux.HandleFunc("POST /reload", d.serveReload)
	mux.HandleFunc("POST /spool/purge", d.servePurge)
	return mux
}
