package main

import (
	"crypto/tls"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
	"sluice/ingest"
	"sluice/syslog"
)

// A redisSpec is a Redis input as YAML has it.
type redisSpec struct {
	URL                 string     `yaml:"redis"`
	Name                string     `yaml:"name"`
	TLS                 *clientTLS `yaml:"tls"`
	ingest.RedisOptions `yaml:",inline"`
}

func decodeRedisInput(l *loader, f *fragment, in *Input, n *yaml.Node) {
	spec, at, ok := redisSpec{RedisOptions: ingest.DefaultRedisOptions()}, n, true
	if n.Kind == yaml.ScalarNode {
		spec.URL, ok = l.Text(n)
	} else {
		ok = l.Decode(n, &spec)
		at = strict.Resolve(strict.Lookup(n, "redis"))
	}
	address, err := ingest.ParseRedisAddress(spec.URL, userIsVariable.MatchString(at.Value))
	if err != nil {
		l.Errorf(at, "redis: %v", err)
		return
	}
	in.URL = withoutUser(spec.URL)
	if in.Name = spec.Name; in.Name == "" {
		in.Name = in.URL
	}
	if address.Network == "unix" {
		address.Where = l.path(at, f.dir, address.Where)
	}
	in.Transport, in.Address, in.Parse, in.Decode, in.Connects = syslog.Redis, address.Where, spec.ParseOptions, spec.Decode, true
	in.endpoints = []endpoint{{Network: address.Network, Address: address.Where}}
	cfg := ingest.RedisConfig{RedisOptions: spec.RedisOptions, Address: address}
	cfg.Setting = ingest.Setting{Name: in.Name, Handler: nobody{}}
	if at := strict.Lookup(n, "tls"); spec.TLS != nil {
		if !address.TLS {
			l.Errorf(at, "tls: the address does not begin with rediss://")
		}
		l.clientTLS(f.dir, at, spec.TLS)
	}
	if !ok {
		return
	}
	if err := cfg.Check(); err != nil {
		l.Errorf(at, "%v", err)
		return
	}
	in.spec = spec
	in.Open = func(e env) (runner, error) {
		cfg := cfg
		cfg.Setting = ingest.Setting{Name: in.Name, Hostname: e.hostname, Zone: e.zone, StateDir: e.stateDir, Handler: e.handler, Log: e.log}
		if spec.TLS != nil {
			cfg.TLS = func(host string) (*tls.Config, error) { return spec.TLS.config(host, e.log) }
		}
		return ingest.NewRedis(cfg)
	}
}

// userIsVariable tells redis://:${PASSWORD}@host, where what the variable holds is the password as it is, from ${URL},
// where it is part of a URL.
var userIsVariable = regexp.MustCompile(`^[^@]*\$\{.*@`)

// withoutUser is the URL of an input as it is shown: without user, password and query.
func withoutUser(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		scheme, rest = "redis", url
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	rest, _, _ = strings.Cut(rest, "?")
	return scheme + "://" + rest
}
