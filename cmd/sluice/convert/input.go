package convert

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
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

// moduleRefusals are modules that sluice has nothing for.
var moduleRefusals = map[string]string{
	"immark":          "there are no MARK messages",
	"imfile":          noFiles,
	"imrelp":          refusals["inputrelpserverrun"].why,
	"imgssapi":        "no GSSAPI; use tls",
	"impstats":        "http: has /metrics, /status and /healthz",
	"imjournal":       "sluice reads what the journal passes on: set ForwardToSyslog=yes in journald.conf",
	"imkafka":         "no Kafka",
	"imkmsg":          "",
	"mmjsonparse":     "decode: json on an input reads objects, also behind @cee:",
	"mmnormalize":     "no parsing of texts; rules can match a regex",
	"mmanon":          "messages are not changed",
	"mmfields":        "no parsing of texts; rules can match a regex",
	"mmutf8fix":       "messages are not changed",
	"omrelp":          "RELP is not spoken; a forward over tcp or tls sends again what was under way when a connection broke",
	"omprog":          "no program is run; write to a FIFO, or forward to a socket of the program's",
	"ommail":          "no mail is sent",
	"ommysql":         noDatabase,
	"ompgsql":         noDatabase,
	"omlibdbi":        noDatabase,
	"ommongodb":       noDatabase,
	"omelasticsearch": "no Elasticsearch; write files with the format json for its own shipper",
	"omhttp":          "no HTTP",
	"omkafka":         "no Kafka",
	"omhiredis":       "Redis is read from, not written to",
	"omjournal":       "nothing is written to the journal",
	"omsnmp":          "no SNMP",
	"omudpspoof":      "a sender's address is not forged; forward with the format rfc5424 or rfc3164, which hold the HOSTNAME",
	"omusrmsg":        noUsers,
	"lmnsd_gtls":      "",
}

const (
	noDatabase = "no database is written to"
	noUsers    = "nobody is written to on a terminal; of local emergencies systemd-journald tells all who are logged in"
)

// quietModules need no word: what they do is there, or what uses them will be refused in its place.
var quietModules = []string{"imudp", "imtcp", "imptcp", "omfile", "omfwd", "ompipe", "omusrmsg", "lmnetstrms", "lmnsd_gtls", "lmnsd_ptcp", "lmnsd_ossl", "pmrfc3164", "pmrfc5424",
	"pmlastmsg", "omdiscard", "mmexternal", "fmhttp", "fmhash", "lmnet", "lmregexp", "lmtcpsrv", "lmtcpclt"}

// module converts the loading of a module.
func (c *converter) module(o origin, name string, p params) {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "builtin:"), ".so")
	name = name[strings.LastIndexByte(name, '/')+1:]
	switch name {
	case "imuxsock":
		if v := p.get("syssock.use"); v != "" && !isOn(v) {
			return
		}
		path := cmp.Or(p.get("syssock.name"), "/dev/log")
		c.add(&input{origin: o, module: name, url: "unixgram://" + path})
		if v := p.get("syssock.ratelimit.interval"); v != "" && v != "0" {
			c.settings.leave(o, "syssock.ratelimit: "+refusals["systemlogratelimitinterval"].why)
		}
		return
	case "imklog", "imkmsg":
		c.add(&input{origin: o, module: "imklog", key: "kernel", url: "/dev/kmsg"})
		return
	case "imjournal":
		c.inputs.leave(o, moduleRefusals[name])
		c.add(&input{origin: o, module: name, url: localSocket})
		return
	}
	if why := moduleRefusals[name]; why != "" && !slices.Contains(quietModules, name) {
		if strings.HasPrefix(name, "om") || strings.HasPrefix(name, "mm") || name == "imfile" || name == "imrelp" || name == "imkafka" {
			return // what uses it is left out where it stands
		}
		c.settings.leave(o, why)
		return
	}
	if !slices.Contains(quietModules, name) {
		c.settings.leave(o, "sluice has nothing for it")
	}
}

// rename moves the local socket.
func (c *converter) rename(o origin, path string) {
	for _, in := range c.inputs {
		if in.url == localSocket {
			in.origin, in.url = o, "unixgram://"+path
		}
	}
}

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

// secureInput gives an input its certificate.
func (c *converter) secureInput(in *input, p, m params) {
	var tls []pair
	file := func(key, own, global string) {
		if v := cmp.Or(p.get(own), m.get(own), c.globals.get(global)); v != "" {
			tls = append(tls, pair{key, text(v)})
		}
	}
	file("cert", "streamdriver.certfile", "defaultnetstreamdrivercertfile")
	file("key", "streamdriver.keyfile", "defaultnetstreamdriverkeyfile")
	auth := strings.ToLower(cmp.Or(p.get("streamdriver.authmode"), m.get("streamdriver.authmode"), c.globals.get("inputtcpserverstreamdriverauthmode")))
	peers := p["permittedpeer"]
	if len(peers) == 0 {
		peers = m["permittedpeer"]
	}
	if v := c.globals["inputtcpserverstreamdriverpermittedpeer"]; len(peers) == 0 {
		peers = v
	}
	if auth != "" && auth != "anon" {
		if auth != "x509/fingerprint" {
			file("client_ca", "streamdriver.cafile", "defaultnetstreamdrivercafile")
		}
		if len(peers) > 0 && auth != "x509/certvalid" {
			tls = append(tls, pair{"permitted_peers", value{list: texts(append(fingerprints(peers), "")).list[:len(peers)]}})
		}
	}
	in.set("tls", mapping(tls...))
}

// fingerprints writes rsyslog's SHA1:.. as sluice has it.
func fingerprints(peers []string) []string {
	out := slices.Clone(peers)
	for i, p := range out {
		for _, sum := range []string{"SHA1:", "SHA256:"} {
			if digest, ok := strings.CutPrefix(p, sum); ok {
				out[i] = strings.ToLower(sum) + digest
			}
		}
	}
	return out
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
