package convert

import (
	"strings"
)

// action converts an action of the old language: a path, @host, a user, :module:..
func (c *converter) action(a action, in *context) {
	what := a.what
	leave := func(why string) { c.current.rules.leave(in.whole(a.origin), why) }
	sync := c.legacy.sync
	if rest, ok := strings.CutPrefix(what, "-"); ok {
		what, sync = rest, false
	}
	if what == "" {
		leave("nothing is done with these messages")
		return
	}
	kind, target, template := what[0], what, ""
	if i := strings.IndexAny(target, " \t;"); i > 0 && kind != '>' {
		rest := strings.TrimSpace(target[i:])
		if target = target[:i]; strings.HasPrefix(rest, ";") {
			template, _, _ = strings.Cut(strings.TrimSpace(rest[1:]), " ")
		}
	}
	switch {
	case kind == '/' || kind == '|':
		path := strings.TrimPrefix(target, "|")
		if absolutePath(path) != "" {
			leave("want a path behind |")
			return
		}
		c.oldFile(a.origin, in, braces.Replace(path), template, sync)
	case kind == '?':
		path, why := c.path(target[1:])
		if why != "" {
			leave(why)
			return
		}
		c.oldFile(a.origin, in, path, template, sync).hint = target[1:]
	case kind == '@':
		c.oldForward(a.origin, in, target, template)
	case kind == '~':
		c.rule(in, a.origin).stop = true
	case kind == '*':
		c.users(a.origin, in, []string{"*"})
	case kind == '$':
		c.channel(a, in, target[1:], template, sync)
	case kind == '^':
		leave(moduleRefusals["omprog"])
	case kind == '>':
		leave(noDatabase)
	case kind == ':':
		name, rest, _ := strings.Cut(target[1:], ":")
		switch name {
		case "omusrmsg":
			c.users(a.origin, in, strings.Split(rest, ","))
		case "omfile":
			c.channel(a, in, strings.TrimPrefix(rest, "$"), template, sync)
		case "omdiscard":
			c.rule(in, a.origin).stop = true
		default:
			why := moduleRefusals[name]
			if why == "" {
				why = "sluice has nothing for it"
			}
			leave(why)
		}
	case letter(kind):
		c.users(a.origin, in, strings.Split(target, ","))
	default:
		leave("not understood")
	}
}

// oldFile writes to a file as the directives before it say.
func (c *converter) oldFile(o origin, in *context, path, template string, sync bool) *target {
	t, l := newFile(o, path), &c.legacy
	if template == "" {
		template = l.fileTemplate
	}
	c.formatFile(t, template)
	c.own(t, l.owner, l.group, l.mode, l.dirMode)
	if sync {
		t.set("fsync", bare("true"))
	}
	if l.queueFile != "" {
		t.set("queue", mapping(pair{"spool", spool(l.queueDisk)}))
	}
	l.queueFile, l.queueDisk = "", "" // they were for this action
	if l.failover {
		c.current.rules.leave(in.whole(o), "it is for when the action before it cannot write; sluice keeps what cannot be written now")
		return t
	}
	c.to(in, o, t)
	return t
}

// oldForward reads @host:port, @@host:port, @@(options)host:port, with the host in brackets perhaps.
func (c *converter) oldForward(o origin, in *context, target, template string) {
	l := &c.legacy
	to := collector{
		protocol: "udp", template: template, auth: l.driverAuth, peers: l.peers, queueFile: l.queueFile, queueDisk: l.queueDisk,
		secure: l.driverMode == "1" && (l.driver != "" && l.driver != "ptcp" || c.globals.get("defaultnetstreamdriver") != ""), failover: l.failover,
	}
	l.queueFile, l.queueDisk = "", ""
	rest := target[1:]
	if strings.HasPrefix(rest, "@") {
		rest, to.protocol = rest[1:], "tcp"
	}
	if options, after, ok := strings.Cut(rest, ")"); ok && strings.HasPrefix(rest, "(") {
		for option := range strings.SplitSeq(options[1:], ",") {
			switch {
			case option == "o":
				to.counted = true
			case strings.HasPrefix(option, "z"):
				c.current.rules.leave(origin{o.place, "(" + comment(option) + ")"}, optionRefusals["ziplevel"])
			case option != "":
				c.current.rules.leave(origin{o.place, "(" + comment(option) + ")"}, "sluice has nothing for it")
			}
		}
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "#")
	if host, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(host, "[") {
		to.host, to.port = host[1:], strings.TrimPrefix(after, ":")
	} else if to.host, to.port, ok = strings.Cut(rest, ":"); ok {
		to.port = strings.TrimSpace(to.port)
	}
	c.forwardTo(o, in, to)
}

// channel writes to the file of an $outchannel.
func (c *converter) channel(a action, in *context, name, template string, sync bool) {
	path := c.channels[name]
	if absolutePath(path) != "" {
		c.current.rules.leave(in.whole(a.origin), "there is no $outchannel of this name")
		return
	}
	c.oldFile(a.origin, in, braces.Replace(path), template, sync)
}

// users is the writing to terminals. Of emergencies on this machine systemd-journald tells everybody by itself.
func (c *converter) users(o origin, in *context, names []string) {
	everybody := len(names) == 1 && names[0] == "*"
	if everybody && !c.network && emergencies(in.passes) {
		r := c.rule(in, o)
		r.notes = append(r.notes, "systemd-journald tells everybody who is logged in of these (ForwardToWall=, on by default)")
		return
	}
	c.current.rules.leave(in.whole(o), noUsers)
}

// emergencies reports whether only messages of the severity emerg pass.
func emergencies(c condition) bool {
	l, ok := c.(literal)
	if !ok || l.key != "selector" {
		return false
	}
	for part := range strings.SplitSeq(strings.Trim(l.what.scalar, `"'`), ";") {
		_, word, _ := strings.Cut(strings.ToLower(part), ".")
		if word = strings.TrimPrefix(word, "="); word != "emerg" && word != "panic" && word != "0" && word != "none" {
			return false
		}
	}
	return true
}
