package convert

import (
	"cmp"
	"fmt"
	"strings"
)

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
