package convert

import (
	"slices"
	"strings"
)

// directive converts a line that begins with $.
func (c *converter) directive(d directive) {
	arg := argument(d.args)
	if set, ok := setters[d.name]; ok {
		set(&c.legacy, arg)
		return
	}
	switch d.name {
	case "modload":
		c.module(d.origin, arg, params{})
		return
	case "udpserverrun":
		c.udp(d.origin, params{"port": {arg}, "address": {c.legacy.udpAddress}, "ruleset": {c.legacy.udpRuleset}})
		return
	case "inputtcpserverrun":
		c.tcp(d.origin, "imtcp", params{"port": {arg}, "ruleset": {c.legacy.tcpRuleset}, "maxsessions": {c.legacy.tcpSessions}})
		return
	case "inputptcpserverrun":
		c.tcp(d.origin, "imptcp", params{"port": {arg}, "ruleset": {c.legacy.ptcpRuleset}})
		return
	case "addunixlistensocket":
		c.add(&input{origin: d.origin, module: "imuxsock", url: "unixgram://" + arg})
		return
	case "omitlocallogging":
		if isOn(arg) {
			c.inputs = slices.DeleteFunc(c.inputs, func(in *input) bool { return in.url == localSocket })
		}
		return
	case "systemlogsocketname":
		c.rename(d.origin, arg)
		return
	case "allowedsender":
		c.allow(d)
		return
	case "ruleset":
		c.current = c.ruleset(arg)
		return
	case "outchannel":
		c.settings.leave(d.origin, "the file is written; give its target rotate: {size: .., keep: ..} in place of size and command")
		return
	}
	if r, ok := refusals[d.name]; ok {
		if r.harmless == nil || !slices.Contains(r.harmless, strings.ToLower(arg)) {
			c.settings.leave(d.origin, r.why)
		}
		return
	}
	if c.global(d) || slices.Contains(needless, d.name) || slices.ContainsFunc(needlessPrefixes, func(p string) bool { return strings.HasPrefix(d.name, p) }) {
		return
	}
	c.settings.leave(d.origin, "sluice has nothing for it")
}

// global converts a directive that sets something for the whole file.
func (c *converter) global(d directive) bool {
	name, ok := globalDirectives[d.name]
	if ok {
		c.globalSetting(d.origin, name, argument(d.args))
	}
	return ok
}

// globalSetting converts what global(name="value") says.
func (c *converter) globalSetting(o origin, name, v string) {
	key := map[string]string{
		"privdrop.user.name": "user", "privdrop.user.id": "user", "privdrop.group.name": "group", "privdrop.group.id": "group", "localhostname": "hostname",
	}[name]
	switch {
	case key != "" && v != "":
		if slices.ContainsFunc(c.settings, func(e *entry) bool { return e.key == key }) {
			return
		}
		c.settings = append(c.settings, &entry{origins: []origin{o}, key: key, value: text(v)})
	case name == "parser.escapecontrolcharactersonreceive":
		c.legacy.escapeOff = v != "" && !isOn(v)
	case name == "preservefqdn" && isOn(v):
		c.settings.leave(o, refusals[name].why)
	}
}

// defineLegacy reads $template name,"text",options.
func (c *converter) defineLegacy(d directive) {
	name, rest, _ := strings.Cut(d.args, ",")
	t := &template{origin: d.origin, name: strings.TrimSpace(name)}
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "=") {
		t.why = "a template that a plugin makes"
	} else {
		text, ok := cutTemplate(strings.TrimPrefix(rest, `"`))
		if t.parts = parseTemplate(text); !ok {
			t.why = "its text has no end"
		}
	}
	c.templates[strings.ToLower(t.name)] = t
}

// cutTemplate is what stands before the quote that ends a template.
func cutTemplate(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], true
		}
	}
	return s, false
}

// define reads template(..).
func (c *converter) define(o object) {
	t := &template{origin: o.origin, name: o.params.get("name")}
	switch strings.ToLower(o.params.get("type")) {
	case "string":
		t.parts = parseTemplate(o.params.get("string"))
	case "list":
		t.parts, t.why = parseList(o.body)
	default:
		t.why = "only templates of the types string and list can be converted"
	}
	if isOn(o.params.get("option.json")) || isOn(o.params.get("option.jsonf")) {
		t.parts = inJSON(t.parts)
	}
	c.templates[strings.ToLower(t.name)] = t
}

// defineChannel reads $outchannel name,file,size,command.
func (c *converter) defineChannel(d directive) {
	if words := strings.Split(d.args, ","); len(words) > 1 {
		c.channels[strings.TrimSpace(words[0])] = strings.TrimSpace(words[1])
	}
}
