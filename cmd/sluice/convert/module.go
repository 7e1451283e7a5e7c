package convert

import (
	"cmp"
	"slices"
	"strings"
)

// moduleRefusals are modules that sluice has nothing for.
var moduleRefusals = map[string]string{
	"immark":          "there are no MARK messages",
	"imfile":          noFiles,
	"imrelp":          refusals["inputrelpserverrun"].why,
	"imgssapi":        "no GSSAPI; use tls",
	"impstats":        "http: has /metrics, /status and /healthz",
	"imjournal":       "sluice reads what the journal passes on: set ForwardToSyslog=yes in journald.conf",
	"imkafka":         "no Kafka",
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
