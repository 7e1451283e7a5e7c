package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// promised are the names that alerts depend on, with their labels.
var promised = map[string][]string{
	"sluice_input_messages_total": {"input"}, "sluice_input_bytes_total": {"input"}, "sluice_input_dropped_total": {"input", "reason"},
	"sluice_input_malformed_total": {"input"}, "sluice_input_truncated_total": {"input"}, "sluice_input_connections": {"input"},
	"sluice_rule_matches_total": {"rule"}, "sluice_unrouted_messages_total": nil, "sluice_target_messages_total": {"target"},
	"sluice_target_bytes_total": {"target"}, "sluice_target_dropped_total": {"reason", "target"}, "sluice_target_errors_total": {"target"},
	"sluice_target_resent_total": {"target"}, "sluice_target_queue_bytes": {"target"}, "sluice_target_spool_bytes": {"target"},
	"sluice_target_up": {"target"}, "sluice_reloads_total": {"result"}, "sluice_build_info": {"version"},
}

// The metrics have the names that are promised and are what promtool expects.
func TestMetrics(t *testing.T) {
	d := opened(t, "state_dir: state\ninputs: [{syslog: \"udp://127.0.0.1:0\", name: in}]\ntargets: {out: ./out.log}\nrules: [{to: out}]\n")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{d})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, f := range families {
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		have[f.GetName()] = labels
	}
	delete(have, "sluice_input_connections_refused_total") // ours beside
	if diff := cmp.Diff(promised, have); diff != "" {
		t.Errorf("(-promised +told):\n%s", diff)
	}
}
