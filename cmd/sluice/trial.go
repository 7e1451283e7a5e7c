package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sluice/ingest"
	"sluice/rules"
	"sluice/syslog"
)

// A trial is one message that is taken through the configuration without a socket or a file. Like routing itself it is
// pure: the same trial has the same outcome.
type trial struct {
	Message  []byte
	Headless bool       // a payload of Redis, ZeroMQ or Python: text, JSON or syslog, as its input's decode takes it
	Channel  string     // with Headless: what it came over
	Input    string     // the name of a configured input; empty: one with the default options
	Source   netip.Addr // the zero address is 127.0.0.1
	Now      time.Time  // the time of reception; zero: the present
}

// An outcome is what became of a trial's message.
type outcome struct {
	Message  syslog.Message
	Verdicts []rules.Verdict
	Lines    []previewLine
}

// A previewLine is what one target would get.
type previewLine struct {
	Target, Where, Text string
}

// try plays t. The error says that the trial itself makes no sense.
func (c *Config) try(t trial) (*outcome, error) {
	in := &Input{Parse: syslog.DefaultParseOptions(), Transport: syslog.UDP}
	if t.Input != "" {
		if in = find(c.Inputs, func(i *Input) bool { return i.Name == t.Input }); in == nil {
			return nil, syslog.WordError{What: "input", Word: t.Input, Words: c.inputNames()}
		}
	}
	if t.Headless && t.Input == "" {
		in.Transport, in.Parse.DefaultSeverity = syslog.Redis, syslog.Info
	}
	if !t.Source.IsValid() {
		t.Source = netip.MustParseAddr("127.0.0.1")
	}
	if t.Now.IsZero() {
		t.Now = time.Now()
	}
	origin := &syslog.Origin{Input: in.Name, Transport: in.Transport, Source: []byte(t.Source.String()), Host: []byte(t.Source.String())}
	if in.Transport == syslog.Unix || in.Transport == syslog.Unixgram {
		origin.Host, origin.Local = []byte(c.Hostname), true
	}
	parser := syslog.NewParser(in.Parse, c.Timezone)
	parser.SetNow(t.Now)
	o := &outcome{}
	if !t.decode(&o.Message, in.Decode, parser, origin) {
		return nil, fmt.Errorf("there is no message in %q", t.Message)
	}
	if in.Cee && !t.Headless {
		ingest.NewCeeDecoder(parser).Decode(&o.Message)
	}
	o.Verdicts = rules.NewSet(c.Rules, len(c.Targets)).Explain(&o.Message)
	for _, i := range rules.Destinations(o.Verdicts) {
		line, err := c.Targets[i].preview(&o.Message)
		if err != nil {
			return nil, err
		}
		o.Lines = append(o.Lines, line)
	}
	return o, nil
}

// decode makes a message of the trial's text, as an input of its kind would.
func (t trial) decode(m *syslog.Message, mode ingest.Decoding, parser *syslog.Parser, origin *syslog.Origin) bool {
	if !t.Headless {
		return parser.Parse(m, t.Message, origin)
	}
	return ingest.NewDecoder(mode, parser).Decode(m, t.Message, []byte(t.Channel), origin)
}

func (c *Config) inputNames() []string {
	names := make([]string, len(c.Inputs))
	for i, in := range c.Inputs {
		names[i] = in.Name
	}
	return names
}

// preview is the line that t would get, and the file it would be in.
func (t *Target) preview(m *syslog.Message) (previewLine, error) {
	line := previewLine{Target: t.Name, Where: t.Shown}
	template, err := t.Format.Compile()
	if err != nil {
		return line, err
	}
	line.Text = string(template.Append(nil, m))
	if t.Path != nil {
		path, err := t.Path()
		if err != nil {
			return line, err
		}
		line.Where = path.Of(m)
	}
	return line, nil
}

// dropped reports whether a rule stopped the message before it had any target.
func (o *outcome) dropped() bool {
	return len(o.Lines) == 0
}

// matched are the names of the rules that matched.
func (o *outcome) matched() []string {
	names := []string{}
	for _, v := range o.Verdicts {
		if v.Matched {
			names = append(names, v.Rule.Name)
		}
	}
	return names
}

func (o *outcome) pointers() []*previewLine {
	lines := make([]*previewLine, len(o.Lines))
	for i := range o.Lines {
		lines[i] = &o.Lines[i]
	}
	return lines
}

// targets are the names of the targets that get the message.
func (o *outcome) targets() []string {
	names := []string{}
	for _, l := range o.Lines {
		names = append(names, l.Target)
	}
	slices.Sort(names)
	return names
}
