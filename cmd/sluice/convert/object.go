package convert

import (
	"slices"
	"strings"
)

// object converts name(key="value" ..).
func (c *converter) object(o object, in *context) {
	switch o.kind {
	case "module":
		c.module(o.origin, o.params.get("load"), o.params)
	case "input":
		c.input(o)
	case "action":
		c.newAction(o, in)
	case "global":
		for _, k := range sortedKeys(o.params) {
			c.globalSetting(o.origin, k, o.params.get(k))
		}
	case "ruleset":
		r := c.ruleset(o.params.get("name"))
		r.origin, r.queue = o.origin, r.queue || o.params.has("queue.type")
		before := c.current
		c.current = r
		c.walk(o.body, &context{passes: always(true)})
		c.current = before
	case "template", "main_queue", "parser", "percentile_stats", "dyn_stats", "ratelimit":
	case "include":
		c.settings.leave(o.origin, "only include(file=..) can be converted")
	case "timezone":
		c.settings.leave(o.origin, "timezone: on an input takes a name such as Europe/Berlin")
	default:
		c.current.rules.leave(o.origin, "sluice has nothing for it")
	}
}

// needlessOptions are of actions, and have no counterpart because none is needed; so are those of needlessOptionPrefixes.
var needlessOptions = []string{"type", "name", "template", "file", "dynafile", "target", "port", "protocol", "tcp_framing", "tcp_framedelimiter", "keepalive", "keepalive.time",
	"keepalive.interval", "keepalive.probes", "rebindinterval", "resendlastmsgondisconnect", "udp.sendtoall", "udp.senddelay", "udp.sendbuf", "createdirs", "failonchownfailure",
	"asyncwriting", "iobuffersize", "flushontxend", "flushinterval", "dynafilecachesize", "closetimeout", "veryrobustzip", "sync", "pipe", "maxerrormessages", "gnutlsprioritystring",
	"conerrskip", "dynafile.donotsuspend", "addlf", "writeallmarkmessages", "pool.resumeinterval", "iptos"}

var needlessOptionPrefixes = []string{"queue.", "action.", "stats.", "dir", "file", "streamdriver"}

// optionRefusals say why an option is left out of an action that is not.
var optionRefusals = map[string]string{
	"ziplevel": "nothing is compressed on the way out", "compression.mode": "nothing is compressed on the way out",
	"cry.provider": "nothing is encrypted on disk", "sig.provider": "nothing is signed", "rotation.sizelimit": "give the target rotate: {size: .., keep: ..}",
	"rotation.sizelimitcommand": "give the target rotate: {size: .., keep: ..}", "networknamespace": "the unit can run in another network namespace",
	"address": "the local address is the kernel's choice", "device": "the device is the kernel's choice", "ipfreebind": "the local address is the kernel's choice",
	"action.execonlyonceeveryinterval": "every message is written", "action.execonlyeverynthtime": "every message is written",
}

// newAction converts action(type=..).
func (c *converter) newAction(o object, in *context) {
	kind := strings.TrimPrefix(o.params.get("type"), "builtin:")
	switch kind {
	case "omfile":
		c.options(o)
		c.omfile(o, in)
	case "ompipe":
		t := newFile(o.origin, o.params.get("pipe"))
		c.formatFile(t, o.params.get("template"))
		c.to(in, o.origin, t)
	case "omfwd":
		c.options(o)
		c.omfwd(o, in)
	case "omusrmsg":
		c.users(o.origin, in, o.params["users"])
	case "omdiscard":
		c.rule(in, o.origin).stop = true
	default:
		why := moduleRefusals[kind]
		if why == "" {
			why = "sluice has nothing for it"
		}
		c.current.rules.leave(in.whole(o.origin), why)
	}
}

// options says which options of an action are left out.
func (c *converter) options(o object) {
	for _, name := range sortedKeys(o.params) {
		why := optionRefusals[name]
		if v := o.params.get(name); why != "" && v != "0" && v != "off" && v != "none" && v != "" {
			c.current.rules.leave(origin{o.place, name + `="` + comment(v) + `"`}, why)
		}
		_, known := optionRefusals[name]
		if !known && !slices.Contains(needlessOptions, name) && !slices.ContainsFunc(needlessOptionPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			c.current.rules.leave(origin{o.place, comment(name)}, "sluice has nothing for it")
		}
	}
}
