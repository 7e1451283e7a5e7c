package main

import (
	"net/http"
	"strings"
	"time"

	"sluice/syslog"
	"sluice/writer"
)

// A status is what the daemon says of itself. Its JSON is a promise to those who alert on it.
type status struct {
	Version  string         `json:"version"`
	Started  time.Time      `json:"started"`
	Config   string         `json:"config"`
	Unrouted uint64         `json:"unrouted"`
	Inputs   []inputStatus  `json:"inputs"`
	Rules    []ruleStatus   `json:"rules"`
	Targets  []targetStatus `json:"targets"`
}

type inputStatus struct {
	Name        string            `json:"name"`
	Address     string            `json:"address"`
	Up          bool              `json:"up"` // it is read, or will be
	Messages    uint64            `json:"messages"`
	Bytes       uint64            `json:"bytes"`
	Rate        float64           `json:"rate"` // messages a second
	Dropped     uint64            `json:"dropped"`
	Reasons     map[string]uint64 `json:"dropped_by_reason"`
	Malformed   uint64            `json:"malformed"`
	Truncated   uint64            `json:"truncated"`
	Connections int64             `json:"connections"`
	Refused     uint64            `json:"connections_refused"`
	Reconnects  uint64            `json:"reconnects"`
}

type ruleStatus struct {
	Name    string `json:"name"`
	Matches uint64 `json:"matches"`
}

type targetStatus struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Where      string            `json:"where"`
	Up         bool              `json:"up"`
	Messages   uint64            `json:"messages"`
	Bytes      uint64            `json:"bytes"`
	Rate       float64           `json:"rate"`
	QueueBytes int64             `json:"queue_bytes"`
	SpoolBytes int64             `json:"spool_bytes"`
	Dropped    uint64            `json:"dropped"`
	Reasons    map[string]uint64 `json:"dropped_by_reason"`
	Errors     uint64            `json:"errors"`
	Resent     uint64            `json:"resent"`
	Truncated  uint64            `json:"truncated"`
	LastError  string            `json:"last_error"`
	ErrorAt    *time.Time        `json:"last_error_at,omitempty"`
	DownSince  *time.Time        `json:"down_since,omitempty"`
}

// A reason is why something was dropped, and a counter of that.
type reason struct {
	name string
	n    uint64
}

// inputDrops are the reasons for which an input drops messages.
func inputDrops(c *syslog.Counters) []reason {
	return []reason{
		{"kernel", c.DroppedKernel.Load()},
		{"rate_limit", c.DroppedRateLimit.Load()},
		{"not_allowed", c.DroppedNotAllowed.Load()},
		{"strict", c.DroppedStrict.Load()},
	}
}

// targetDrops are the reasons for which a target does.
func targetDrops(t *writer.Target) []reason {
	d := t.Drops()
	return []reason{{"queue_full", d.QueueFull}, {"too_large", d.TooLarge}, {"purged", d.Purged}, {"unwritable", d.Unwritable}}
}

func sum(reasons []reason) (n uint64, by map[string]uint64) {
	by = make(map[string]uint64, len(reasons))
	for _, r := range reasons {
		n += r.n
		by[r.name] = r.n
	}
	return n, by
}

// status is the daemon's now.
func (d *daemon) status() status {
	now, p := time.Now(), d.now()
	cfg := p.cfg
	s := status{Version: versionText(), Started: d.started, Config: cfg.File, Unrouted: p.rules.Unrouted(), Inputs: []inputStatus{}, Rules: []ruleStatus{}, Targets: []targetStatus{}}
	for i, in := range p.inputs {
		c, name := in.Counters(), cfg.Inputs[i].Name
		st := inputStatus{
			Name: name, Address: strings.Join(addresses(cfg.Inputs[i], in), ", "), Up: !d.ended.has(name), Messages: c.Messages.Load(), Bytes: c.Bytes.Load(),
			Malformed: c.Malformed.Load(), Truncated: c.Truncated.Load(), Connections: c.Connections.Load(), Refused: c.ConnectionsRefused.Load(), Reconnects: c.Reconnects.Load(),
		}
		st.Rate = d.rates.rate(counted{'i', name}, st.Messages, now)
		st.Dropped, st.Reasons = sum(inputDrops(c))
		s.Inputs = append(s.Inputs, st)
	}
	for _, r := range p.rules.Rules {
		s.Rules = append(s.Rules, ruleStatus{r.Name, r.Matches()})
	}
	for i, t := range p.targets {
		s.Targets = append(s.Targets, d.targetStatus(cfg.Targets[i], t, now))
	}
	return s
}

func (d *daemon) targetStatus(c *Target, t *writer.Target, now time.Time) targetStatus {
	st := targetStatus{
		Name: t.Name, Kind: c.Kind, Where: c.Shown, Up: t.Up(), Messages: t.Messages(), Bytes: t.Bytes(), QueueBytes: t.QueueBytes(), SpoolBytes: t.SpoolBytes(),
		Errors: t.Errors(), Resent: t.Resent(), Truncated: t.Truncated(),
	}
	st.Rate = d.rates.rate(counted{'t', t.Name}, st.Messages, now)
	st.Dropped, st.Reasons = sum(targetDrops(t))
	if fault := t.LastFault(); fault != nil {
		st.LastError, st.ErrorAt = fault.Err.Error(), &fault.At
		if !st.Up {
			st.DownSince = &fault.Since
		}
	}
	return st
}

func (d *daemon) serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = printJSON(w, d.status()) // to a client that has left
}
