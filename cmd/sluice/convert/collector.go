package convert

import (
	"cmp"
	"net"
	"regexp"
	"slices"
	"strings"
)

// A collector is where omfwd sends to.
type collector struct {
	protocol, host, port string
	template             string
	counted              bool // octet-counted
	secure               bool
	auth                 string
	peers                []string
	ca, cert, key        string
	queueFile, queueDisk string
	failover             bool
}

// omfwd converts action(type="omfwd").
func (c *converter) omfwd(o object, in *context) {
	p := o.params
	if len(p["target"]) > 1 || p.get("target") == "" {
		c.current.rules.leave(in.whole(o.origin), "it names no target, or several: give one forward a list of URLs")
		return
	}
	c.forwardTo(o.origin, in, collector{
		protocol: strings.ToLower(p.get("protocol")), host: p.get("target"), port: p.get("port"),
		template: cmp.Or(p.get("template"), c.modules["omfwd"].get("template")), counted: strings.EqualFold(p.get("tcp_framing"), "octet-counted"),
		secure: p.get("streamdrivermode") == "1" || p.get("streamdriver.mode") == "1", auth: firstOf(p, "streamdriverauthmode", "streamdriver.authmode"),
		peers: append(slices.Clone(p["streamdriverpermittedpeers"]), p["streamdriver.permittedpeers"]...),
		ca:    p.get("streamdriver.cafile"), cert: p.get("streamdriver.certfile"), key: p.get("streamdriver.keyfile"),
		queueFile: p.get("queue.filename"), queueDisk: p.get("queue.maxdiskspace"), failover: isOn(p.get("action.execonlywhenpreviousissuspended")),
	})
}

var portName = regexp.MustCompile(`^[A-Za-z0-9-]*$`)

// forwardTo sends the messages of a context to a collector.
func (c *converter) forwardTo(o origin, in *context, to collector) {
	network := "udp"
	switch {
	case to.protocol == "tcp" && to.secure:
		network = "tls"
	case to.protocol == "tcp":
		network = "tcp"
	case to.protocol != "udp" && to.protocol != "":
		c.current.rules.leave(in.whole(o), "only udp and tcp can be converted")
		return
	}
	to.host = strings.Trim(to.host, "[]")
	if to.host == "" || strings.ContainsAny(to.host, "/@ \t") || !portName.MatchString(to.port) {
		c.current.rules.leave(in.whole(o), "it names no host")
		return
	}
	url := network + "://" + net.JoinHostPort(to.host, cmp.Or(to.port, "514"))
	t := &target{origin: o, forward: true, where: []string{url}}
	if name := cmp.Or(to.template, c.legacy.forwardTemplate); name != "" {
		c.formatted(t, name, "rfc3164")
	}
	if to.counted && network == "tcp" {
		t.set("framing", bare("octet_counted"))
	} else if !to.counted && network == "tls" {
		t.set("framing", bare("newline"))
	}
	if c.legacy.escapeOff {
		t.set("escape", bare("none"))
	}
	if network == "tls" {
		t.set("tls", c.secureForward(to))
	}
	if size := spool(to.queueDisk); to.queueFile != "" && (network == "udp" || size.scalar != usualSpool) {
		t.set("queue", mapping(pair{"spool", size}))
	}
	if !to.failover {
		c.to(in, o, t)
		return
	}
	if last := c.lastTarget(in); last != nil && last.forward && network != "udp" && !strings.HasPrefix(last.where[0], "udp:") && last.format == t.format {
		last.where = append(last.where, url)
		c.rule(in, o)
		return
	}
	c.current.rules.leave(in.whole(o), "it is for when the action before it cannot write, and only a forward over tcp or tls can stand in for another one; sluice keeps what cannot be written now")
}

// lastTarget is where the messages of a context go to in the action before, if no other rule goes there.
func (c *converter) lastTarget(in *context) *target {
	list := c.current.rules
	if n := len(list); n == 0 || list[n-1].in != in || len(list[n-1].to) == 0 {
		return nil
	}
	to := list[len(list)-1].to
	last := to[len(to)-1]
	for _, r := range list[:len(list)-1] {
		if slices.Contains(r.to, last) {
			return nil
		}
	}
	return last
}

// secureForward is the tls: of a collector.
func (c *converter) secureForward(to collector) value {
	var tls []pair
	file := func(key, own, global string) {
		if v := cmp.Or(own, c.globals.get(global)); v != "" {
			tls = append(tls, pair{key, text(v)})
		}
	}
	auth := strings.ToLower(to.auth)
	if auth != "anon" && auth != "x509/fingerprint" && auth != "" {
		file("ca", to.ca, "defaultnetstreamdrivercafile")
	}
	if cert := cmp.Or(to.cert, c.globals.get("defaultnetstreamdrivercertfile")); cert != "" {
		file("cert", to.cert, "defaultnetstreamdrivercertfile")
		file("key", to.key, "defaultnetstreamdriverkeyfile")
	}
	switch {
	case auth == "anon" || auth == "":
		tls = append(tls, pair{"insecure_skip_verify", bare("true")})
	case auth != "x509/certvalid" && len(to.peers) > 0:
		tls = append(tls, pair{"permitted_peers", list(fingerprints(to.peers))})
	}
	return mapping(tls...)
}
