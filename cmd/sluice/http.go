package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// An httpSpec is `http:`, what monitoring asks.
type httpSpec struct {
	Address   string     `yaml:"address"`
	BasicAuth *basicAuth `yaml:"basic_auth"`
	TLS       *serverTLS `yaml:"tls"`
}

// A basicAuth is who may ask.
type basicAuth struct {
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// http reads `http:`, an address or a mapping. Whoever can reach it learns names of hosts and files, so away from
// loopback it has to know who asks, or be TLS.
func (l *loader) http(n *yaml.Node, dir string) *httpSpec {
	spec, at := &httpSpec{}, strict.Resolve(n)
	address := at
	if at.Kind == yaml.ScalarNode {
		spec.Address, _ = l.Text(at)
	} else {
		l.Decode(at, spec)
		if address = strict.Lookup(at, "address"); address == nil {
			address = at
		}
	}
	host, _, err := net.SplitHostPort(spec.Address)
	if err != nil {
		l.Errorf(address, "http: want an address with a port, such as 127.0.0.1:9514")
		return spec
	}
	if a := spec.BasicAuth; a != nil && (a.User == "" || a.Password == "") {
		l.Errorf(strict.Lookup(at, "basic_auth"), "http: basic_auth: want both user and password")
	}
	if spec.TLS != nil {
		l.serverTLS(dir, strict.Lookup(at, "tls"), spec.TLS)
	}
	ip, err := netip.ParseAddr(host)
	if local := host == "localhost" || err == nil && ip.IsLoopback(); !local && spec.BasicAuth == nil && spec.TLS == nil {
		l.Errorf(address, "http: %s can be reached from elsewhere: want basic_auth or tls, or an address such as 127.0.0.1:9514", spec.Address)
	}
	return spec
}

// openHTTP opens the port for monitoring, if there is to be one.
func (d *daemon) openHTTP() error {
	spec := d.now().cfg.HTTP
	if spec == nil {
		return nil
	}
	ln, err := net.Listen("tcp", spec.Address)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	d.log.Info("http listens", "address", ln.Addr().String())
	ln = limit(ln, maxClients)
	if spec.TLS != nil {
		config, err := spec.TLS.config(d.log)
		if err != nil {
			ln.Close()
			return fmt.Errorf("http: %w", err)
		}
		ln = tls.NewListener(ln, config)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", d.metrics())
	mux.HandleFunc("GET /healthz", d.serveHealth)
	mux.HandleFunc("GET /status", d.serveStatus)
	d.http = newServer(ln, spec.BasicAuth.guard(mux), d.log)
	d.http.ReadTimeout, d.http.WriteTimeout = 10*time.Second, time.Minute
	return nil
}

// guard lets through who knows user and password; everybody, if there are none.
func (a *basicAuth) guard(next http.Handler) http.Handler {
	if a == nil {
		return next
	}
	want := sha256.Sum256([]byte(a.User + "\x00" + a.Password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		have := sha256.Sum256([]byte(user + "\x00" + password)) // of one length, so that time tells nothing
		if subtle.ConstantTimeCompare(want[:], have[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="sluice"`)
			http.Error(w, "who asks?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ills are what is wrong with the daemon: inputs that are not read any more, and targets that have failed for long.
func (d *daemon) ills(now time.Time) (ills []string) {
	p := d.now()
	for _, in := range p.cfg.Inputs {
		if d.ended.has(in.Name) {
			ills = append(ills, fmt.Sprintf("input %s has ended", in.Name))
		}
	}
	for _, t := range p.targets {
		fault := t.LastFault()
		if fault == nil || t.Up() {
			continue
		}
		if down := now.Sub(fault.Since); down >= p.cfg.UnhealthyAfter {
			ills = append(ills, fmt.Sprintf("target %s has failed for %s: %v", t.Name, span(down), fault.Err))
		}
	}
	return ills
}

// serveHealth says ok, or with status 503 what is wrong.
func (d *daemon) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	ills := d.ills(time.Now())
	if len(ills) == 0 {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, ill := range ills {
		fmt.Fprintln(w, ill)
	}
}
