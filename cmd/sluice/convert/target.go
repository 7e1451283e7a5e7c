package convert

import (
	"cmp"
	"fmt"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A target is one of sluice's, as YAML will have it.
type target struct {
	origin
	forward bool
	where   []string // a path, or the URLs of collectors
	format  string   // empty: the kind's own
	named   string   // the template of the user's that the format is
	options []pair   // only what differs from sluice's own
	hint    string   // the template that a path with fields is of
	name    string   // under which it is defined; empty: it stands in its rules
	left    *LeftOut // it is none, but what stands in its place
}

func (t *target) drop(why string) { t.left = newLeftOut(t.origin, why) }

func (t *target) set(key string, v value) { t.options = append(t.options, pair{key, v}) }

// to sends the messages of a context to a target.
func (c *converter) to(in *context, o origin, t *target) {
	t = c.known(t)
	r := c.rule(in, o)
	if !slices.Contains(r.to, t) {
		r.to = append(r.to, t)
	}
}

// known is the target for that place: t, or one that was there before. sluice has one target for a place.
func (c *converter) known(t *target) *target {
	for _, other := range c.targets {
		if !slices.Equal(other.where, t.where) || other.forward != t.forward {
			continue
		}
		if other.format != t.format || !reflect.DeepEqual(other.options, t.options) {
			c.current.rules.leave(t.origin, fmt.Sprintf("its options are other ones than in %s, and a place has one target: those hold", other.place))
		}
		return other
	}
	c.targets = append(c.targets, t)
	return t
}

// newFile is a file with what the directives of the old language say of files.
func (c *converter) newFile(o origin, path string) *target {
	return &target{origin: o, where: []string{path}}
}

// own sets whose a file is, and its modes.
func (c *converter) own(t *target, owner, group, mode, dirMode string) {
	if owner != "" && owner != cmp.Or(c.user, "root") && !(c.user == "" && owner == "0") && owner != "-1" {
		t.set("owner", text(owner))
	}
	if group != "" && group != cmp.Or(c.group, "root") && !(c.group == "" && group == "0") && group != "-1" {
		t.set("group", text(group))
	}
	if m := octal(mode, c.legacy.umask); m != "0640" {
		t.set("mode", bare(m))
	}
	if m := octal(dirMode, c.legacy.umask); dirMode != "" && m != "0750" {
		t.set("dir_mode", bare(m))
	}
	if c.legacy.escapeOff {
		t.set("escape", bare("none"))
	}
}

// octal is a mode as YAML has it, without what the umask takes.
func octal(mode string, umask int64) string {
	n, err := strconv.ParseInt(cmp.Or(mode, "0644"), 8, 32)
	if err != nil || n < 0 || n > 0o7777 {
		n = 0o644
	}
	return fmt.Sprintf("%04o", n&^umask)
}

// formatFile sets the format of a file by the name of a template.
func (c *converter) formatFile(t *target, name string) {
	if name = cmp.Or(name, c.modules["omfile"].get("template"), c.legacy.fileTemplate); name != "" {
		c.formatted(t, name, "standard")
	}
}

// formatted sets the format of a target, if it is another one than its kind's own.
func (c *converter) formatted(t *target, name, own string) {
	tpl := c.templates[strings.ToLower(strings.TrimSpace(name))]
	if tpl == nil {
		c.current.rules.leave(t.origin, unknownTemplate(name)+"; the usual format is written")
		return
	}
	if tpl.why != "" {
		c.leaveTemplate(tpl, []fault{{"", tpl.why + "; the usual format is written"}})
		return
	}
	text, faults := tpl.format(false)
	c.leaveTemplate(tpl, faults)
	if known := knownFormats[text]; known != "" {
		text = known
	} else if !strings.Contains(strings.ReplaceAll(text, "{{", ""), "{") {
		c.leaveTemplate(tpl, []fault{{"", "it shows nothing of the message; the usual format is written"}})
		return
	} else if tpl.line > 0 {
		t.named = tpl.name
	}
	if text != own {
		t.format = text
	}
	if text == "raw" && !c.legacy.escapeOff { // %rawmsg% is what came, with its control characters escaped
		t.set("escape", bare("octal"))
	}
}

// leaveTemplate says, once, what is not in a template.
func (c *converter) leaveTemplate(t *template, faults []fault) {
	if t.said {
		return
	}
	t.said = len(faults) > 0
	for _, f := range faults {
		o := t.origin
		if o.line == 0 {
			o.place = place{"rsyslog", 0}
		}
		if o.text = "template " + comment(t.name); f.what != "" {
			o.text += ": " + f.what
		}
		c.formats.leave(o, f.why)
	}
}

// path is the template of a file's name as sluice has it.
func (c *converter) path(name string) (string, string) {
	tpl := c.templates[strings.ToLower(strings.TrimSpace(name))]
	if tpl == nil {
		return "", unknownTemplate(name)
	}
	if tpl.why != "" {
		return "", tpl.why
	}
	text, faults := tpl.format(true)
	if len(faults) > 0 {
		return "", fmt.Sprintf("template %s: %s: %s", comment(tpl.name), faults[0].what, faults[0].why)
	}
	return text, absolutePath(text)
}

// absolutePath says what is wrong with a path that does not count from the root.
func absolutePath(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "a path that does not begin with a slash"
	}
	return ""
}

// omfile converts action(type="omfile").
func (c *converter) omfile(o object, in *context) {
	path, why, hint := braces.Replace(o.params.get("file")), "", ""
	if tpl := o.params.get("dynafile"); tpl != "" {
		path, why = c.path(tpl)
		hint = tpl
	} else {
		why = absolutePath(path)
	}
	if why != "" {
		c.current.rules.leave(in.whole(o.origin), why)
		return
	}
	t := c.newFile(o.origin, path)
	t.hint = hint
	m := c.modules["omfile"]
	option := func(names ...string) string { return cmp.Or(firstOf(o.params, names...), firstOf(m, names...)) }
	c.formatFile(t, o.params.get("template"))
	c.own(t, option("fileowner", "fileownernum"), option("filegroup", "filegroupnum"), option("filecreatemode"), option("dircreatemode"))
	if isOn(o.params.get("sync")) {
		t.set("fsync", bare("true"))
	}
	if o.params.get("queue.filename") != "" {
		t.set("queue", mapping(pair{"spool", spool(o.params.get("queue.maxdiskspace"))}))
	}
	c.to(in, o.origin, t)
}

// usualSpool is what a forward has without a word.
const usualSpool = "1GiB"

// spool is the size of a queue on disk.
func spool(size string) value {
	if v, ok := bytesOf(size); ok {
		return v
	}
	return bare(usualSpool)
}

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
		tls = append(tls, pair{"permitted_peers", value{list: texts(append(fingerprints(to.peers), "")).list[:len(to.peers)]}})
	}
	return mapping(tls...)
}
