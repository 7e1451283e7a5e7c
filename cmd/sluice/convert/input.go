package convert

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// An input is one of sluice's, as YAML will have it.
type input struct {
	origin
	module  string // rsyslog's
	key     string // of its URL in a mapping; empty: syslog
	url     string
	name    string
	options []pair
	ruleset string
	left    *LeftOut // it is none, but what stands in its place
}

// inputs are inputs, and what is left out among them.
type inputs []*input

func (l *inputs) leave(o origin, why string) {
	*l = append(*l, &input{origin: o, left: newLeftOut(o, why)})
}

func (in *input) drop(why string) { in.left = newLeftOut(in.origin, why) }

const localSocket = "unixgram:///dev/log"

var networkInputs = []string{"imudp", "imtcp", "imptcp", "imrelp", "imgssapi"}

// title is the name of the input.
func (in *input) title() string { return cmp.Or(in.name, in.url) }

// number makes the names of inputs for several ports different.
func (in *input) number(i int, port string) {
	if i > 0 && in.name != "" {
		in.name += "-" + port
	}
}

func (c *converter) add(in *input) { c.inputs = append(c.inputs, in) }

func (in *input) set(key string, v value) { in.options = append(in.options, pair{key, v}) }

// address is host:port of a listener.
func address(p params, port string) string {
	host := cmp.Or(p.get("address"), p.get("bindaddress"))
	if host == "*" {
		host = ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() && ip.Is4() {
		host = "0.0.0.0"
	}
	return net.JoinHostPort(host, port)
}

// ports are those that an input names.
func ports(p params) []string {
	if p.has("port") && p.get("port") != "" {
		return p["port"]
	}
	return []string{"514"}
}

// udp converts an input of imudp.
func (c *converter) udp(o origin, p params) {
	for i, port := range ports(p) {
		in := &input{origin: o, module: "imudp", url: "udp://" + address(p, port)}
		c.common(in, p)
		in.number(i, port)
		if size, ok := bytesOf(p.get("rcvbufsize")); ok {
			in.set("receive_buffer", size)
		}
		if n, err := strconv.Atoi(c.modules["imudp"].get("threads")); err == nil && n > 1 {
			in.set("workers", bare(strconv.Itoa(n)))
		}
		c.add(in)
	}
}

// tcp converts an input of imtcp or imptcp.
func (c *converter) tcp(o origin, module string, p params) {
	if path := p.get("path"); path != "" {
		in := &input{origin: o, module: module, url: "unix://" + path}
		c.common(in, p)
		if mode := p.get("filecreatemode"); mode != "" {
			in.set("mode", bare(octal(mode, 0)))
		}
		for _, k := range []string{"owner", "group"} {
			if v := p.get("file" + k); v != "" {
				in.set(k, text(v))
			}
		}
		c.add(in)
		return
	}
	m := c.modules[module]
	option := func(name string) string { return cmp.Or(p.get(name), m.get(name)) }
	for i, port := range ports(p) {
		in := &input{origin: o, module: module, url: "tcp://" + address(p, port)}
		c.common(in, p)
		in.number(i, port)
		if cmp.Or(option("streamdriver.mode"), c.globals.get("inputtcpserverstreamdrivermode")) == "1" && module == "imtcp" {
			in.url = "tls://" + address(p, port)
			c.secureInput(in, p, m)
		}
		if v := option("supportoctetcountedframing"); v != "" && !isOn(v) {
			in.set("framing", bare("newline"))
		}
		if n, err := strconv.Atoi(option("maxsessions")); err == nil && n > 0 && n != 200 {
			in.set("max_connections", bare(strconv.Itoa(n)))
		}
		c.add(in)
	}
}

// common sets what inputs of all kinds have.
func (c *converter) common(in *input, p params) {
	in.name = cmp.Or(p.get("name"), p.get("inputname"))
	if in.ruleset = cmp.Or(p.get("ruleset"), c.modules[in.module].get("ruleset")); strings.EqualFold(in.ruleset, defaultRuleset) {
		in.ruleset = ""
	}
	interval, err := strconv.Atoi(p.get("ratelimit.interval"))
	if err == nil && interval > 0 {
		burst, err := strconv.Atoi(cmp.Or(p.get("ratelimit.burst"), "10000"))
		if err == nil && burst > 0 {
			in.set("rate_limit", mapping(pair{"messages", bare(strconv.Itoa(burst))}, pair{"per", bare(strconv.Itoa(interval) + "s")}, pair{"by", bare("input")}))
		}
	}
	if v := p.get("defaulttz"); v != "" {
		c.inputs.leave(in.origin, "defaultTZ: timezone: on the input takes a name such as Europe/Berlin")
	}
}

// input converts input(..).
func (c *converter) input(o object) {
	for _, name := range []string{"device", "ipfreebind", "networknamespace"} {
		if v := o.params.get(name); v != "" && v != "0" {
			c.inputs.leave(origin{o.place, name + `="` + comment(v) + `"`}, "an input listens at an address only")
		}
	}
	switch kind := o.params.get("type"); kind {
	case "imudp":
		c.udp(o.origin, o.params)
	case "imtcp", "imptcp":
		c.tcp(o.origin, kind, o.params)
	case "imuxsock":
		in := &input{origin: o.origin, module: kind, url: "unixgram://" + o.params.get("socket")}
		c.common(in, o.params)
		c.add(in)
	default:
		why := moduleRefusals[kind]
		if why == "" {
			why = "sluice has nothing for it"
		}
		c.inputs.leave(o.origin, why)
	}
}

// allow reads $AllowedSender UDP, 127.0.0.1, 10.0.0.0/8.
func (c *converter) allow(d directive) {
	words := strings.FieldsFunc(d.args, func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) < 2 {
		c.settings.leave(d.origin, "not understood")
		return
	}
	transport := strings.ToLower(words[0])
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "#") {
			break
		}
		w = strings.NewReplacer("[", "", "]", "").Replace(w)
		_, err := netip.ParsePrefix(w)
		if _, wrong := netip.ParseAddr(w); err != nil && wrong != nil {
			c.inputs.leave(d.origin, comment(w)+": only addresses and networks can be allowed")
			continue
		}
		c.allowed[transport] = append(c.allowed[transport], w)
	}
}

// bytesOf reads a size of rsyslog's: k, m, g and t are binary, K, M, G and T decimal.
func bytesOf(s string) (value, bool) {
	if s == "" {
		return value{}, false
	}
	units := map[byte]int64{'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30, 't': 1 << 40, 'K': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12}
	digits, unit := s, int64(1)
	if u, ok := units[s[len(s)-1]]; ok {
		digits, unit = s[:len(s)-1], u
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(digits, ",", ""), 10, 64)
	if err != nil || n <= 0 || n > 1<<50/unit {
		return value{}, false
	}
	n *= unit
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n%u.size == 0 {
			return bare(strconv.FormatInt(n/u.size, 10) + u.name), true
		}
	}
	return bare(strconv.FormatInt(n, 10)), true
}
