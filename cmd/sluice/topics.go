package main

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"

	"sluice/rules"
	"sluice/syslog"
)

// helpTopics are what `sluice help TOPIC` explains beside the commands.
func helpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "formats", Short: "how a message is written: the built-in formats, and your own", Long: formatsTopic()},
		{Use: "match", Short: "what the conditions of a rule can ask", Long: matchTopic()},
	}
}

func formatsTopic() string {
	var out bytes.Buffer
	printTable(&out, []string{"FORMAT", "WHAT"}, func(row func(...string)) {
		for _, f := range syslog.DescribeFormats() {
			row(f[0], f[1])
		}
	})
	return out.String() + `
Or a text with {field}s (see sluice fields) and, behind a |, modifiers; {{ and }} are braces:
  {message|json} {hostname|lower} {hostname|upper} {tag|default:none} {message|max:200} {channel|until:.}
  {timestamp|%Y-%m-%d %H:%M:%S} {timestamp|utc|%F %T} {timestamp|unix}
json writes a JSON string with its quotes. max counts bytes and never cuts a character in two.

A newline ends every line. Control characters in fields are written as rsyslog does (#012), so that a message
cannot forge a line; with escape: indent a newline becomes a newline and a tab, with escape: none every byte stays.
`
}

func matchTopic() string {
	return `All keys of a match must hold. A key is a field (see sluice fields), or all, any, not:

  match: {facility: local0, tag: {contains: ServerLog}}
  match: {app_name: [nginx, "web-*"]}           any of these; * and ? make a plain value a glob
  match: {severity: {at_least: err}}            err and worse; at_most: err and milder; a bare word only that one
  match: {source: [10.0.0.0/8, "::1"]}          addresses and networks
  match: {procid: {exists: true}}               not empty
  match: {message: {regex: 'GET /(a|b) '}}      RE2; in single quotes, where a backslash is itself
  match: {selector: "*.info;mail.none"}         syslog.conf's language, with rsyslog's meaning
  match: {channel: "req.*"}                     what came over Redis, ZeroMQ or a Python logger
  match: {sd.app@32473.tier: gold}              a parameter of the structured data
  match: {record.user.id: 7}                    a key of a JSON object or Python LogRecord
  match: {any: [{facility: mail}, {not: {hostname: web1}}]}

Operators: ` + strings.Join(rules.OperatorNames(), ", ") + ` (and rsyslog's isequal, startswith, endswith), each with a
value or a list of which any may fit, and ignore_case: true beside it. Under glob: also [a-z] and [^a-z].
`
}
