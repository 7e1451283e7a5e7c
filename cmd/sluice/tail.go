package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"sluice/rules"
	"sluice/syslog"
)

// A tailRequest is what a client of /tail wants to see, in the parameters of the URL.
type tailRequest struct {
	Selectors []string // of syslog.conf
	Matches   []string // conditions as a rule has them, in YAML
	Target    string   // only what goes there
	JSON      bool
	Heads     bool // each line begins with the code of its severity
}

// condition holds if all that is asked for does.
func (r *tailRequest) condition() (rules.Condition, error) {
	var all []rules.Condition
	for _, text := range r.Selectors {
		c, err := rules.Selector(text)
		if err != nil {
			return nil, fmt.Errorf("selector %q: %w", text, err)
		}
		all = append(all, c)
	}
	for _, text := range r.Matches {
		c, err := compileMatch(text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return rules.All(all...), nil
}

// compileMatch makes a condition of YAML, as the `match:` of a rule is made.
func compileMatch(text string) (rules.Condition, error) {
	l := newLoader(&Config{Timezone: time.Local})
	doc := l.Parse("--match", []byte(text))
	if doc == nil {
		return nil, l.Errors().Err()
	}
	c := l.match(doc.Root, "match")
	return c, l.Errors().Err()
}

// tailEvery is how long lines are collected before they go to a client: a terminal shows no more.
const tailEvery = 20 * time.Millisecond

// tailPatience is how long a client may take for what it was sent. After that it is no client any more.
const tailPatience = time.Minute

// serveTail sends messages as they come, until the client leaves or sluice ends. A line that begins with # is not one:
// it says how many the client was too slow for.
func (d *daemon) serveTail(w http.ResponseWriter, r *http.Request) {
	var req tailRequest
	if err := json.Unmarshal([]byte(r.FormValue("q")), &req); err != nil {
		http.Error(w, "tail: "+err.Error(), http.StatusBadRequest)
		return
	}
	t, err := d.newTap(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	d.flow.taps.add(t)
	defer d.flow.taps.remove(t)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	answer := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	if answer.Flush() != nil { // now it knows that it is connected
		return
	}
	if err := t.sendTo(w, answer, r); err != nil && !errors.Is(err, http.ErrHandlerTimeout) {
		d.log.Debug("a client of tail is gone", "error", err)
	}
}

func (d *daemon) newTap(req tailRequest) (*tap, error) {
	match, err := req.condition()
	if err != nil {
		return nil, err
	}
	if req.Target != "" {
		var names []string
		for _, t := range d.now().targets {
			names = append(names, t.Name)
		}
		if !slices.Contains(names, req.Target) {
			return nil, unknownTarget(req.Target, names)
		}
	}
	format := "standard"
	if req.JSON {
		format = "json"
	}
	template, err := syslog.FormatSpec{Text: format, Zone: d.now().cfg.Timezone}.Compile()
	if err != nil {
		return nil, err
	}
	t := newTap(match, req.Target, template)
	t.heads = req.Heads
	return t, nil
}

// sendTo sends what the tap gets until the client has left.
func (t *tap) sendTo(w http.ResponseWriter, answer *http.ResponseController, r *http.Request) error {
	var text []byte
	var missed uint64
	for {
		select {
		case <-t.wake:
		case <-r.Context().Done():
			return nil
		}
		text, missed = t.fetch(text)
		if missed > 0 {
			text = fmt.Appendf(text, "# %d messages left out: they came faster than they could be shown\n", missed)
		}
		if err := answer.SetWriteDeadline(time.Now().Add(tailPatience)); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if err := answer.Flush(); err != nil {
			return err
		}
		select {
		case <-time.After(tailEvery):
		case <-r.Context().Done():
			return nil
		}
	}
}
